//! The same thirteen statements, taken from the store by name, on a bare connection: no channel, no
//! savepoint, no row types.

use std::path::Path;

use domain::order::OrderState;
use rusqlite::config::DbConfig;
use rusqlite::types::ToSql;
use rusqlite::{Connection, params};

use crate::orders::Checkout;

pub fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.set_prepared_statement_cache_capacity(100);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.pragma_update(None, "synchronous", "full").unwrap();
    connection.pragma_update(None, "foreign_keys", "on").unwrap();
    connection
}

/// The statements of the operation as SQLite takes them.
struct Texts {
    lock_cart: &'static str,
    lines: &'static str,
    offers: &'static str,
    live: &'static str,
    insert_order: String,
    insert_line: &'static str,
    reserve: &'static str,
    insert_payment: String,
    insert_attempt: String,
}

static TEXTS: std::sync::LazyLock<Texts> = std::sync::LazyLock::new(|| {
    let text = |name: &str| {
        let all = storage::statements();
        let found = all.iter().find(|sql| sql.name() == format!("storage::{name}"));
        let text = found.unwrap_or_else(|| panic!("no statement {name}")).text();
        text.strip_suffix(" for update").unwrap_or(text)
    };
    let anew = |name| format!("{} on conflict do nothing", text(name));
    Texts {
        lock_cart: text("cart::LOCK"),
        lines: text("cart::LINES"),
        offers: text("catalog::OFFERS_OF_CART"),
        live: text("payment::LIVE_OF_CART"),
        insert_order: anew("order::INSERT"),
        insert_line: text("order::INSERT_LINE"),
        reserve: text("catalog::RESERVE"),
        insert_payment: anew("payment::INSERT"),
        insert_attempt: anew("payment::INSERT_ATTEMPT"),
    }
});

pub fn create_order(connection: &Connection, checkout: &Checkout) {
    let Checkout { order, payment, attempt } = checkout;
    let texts = &*TEXTS;
    let cart = order.cart.0.as_bytes().as_slice();
    assert_eq!(rows(connection, texts.lock_cart, params![cart]), 1);
    assert_eq!(rows(connection, texts.lines, params![cart]), 3);
    assert_eq!(rows(connection, texts.offers, params![cart]), 3);
    assert_eq!(rows(connection, texts.live, params![cart]), 0);
    insert_order(connection, checkout);
    for (line, position) in order.lines.iter().zip(1_i64..) {
        let values = params![
            order.id.0.as_bytes().as_slice(),
            position,
            line.id.0.as_bytes().as_slice(),
            line.product.0.as_bytes().as_slice(),
            line.sku,
            line.name,
            line.image,
            line.unit_price.minor(),
            line.quantity.count(),
            line.requires_shipping,
        ];
        assert_eq!(run(connection, texts.insert_line, values), 1);
    }
    let mut products: Vec<_> = order.lines.iter().map(|line| line.product).collect();
    products.sort();
    for product in products {
        let values = params![product.0.as_bytes().as_slice(), 1];
        assert_eq!(run(connection, texts.reserve, values), 1);
    }
    let nothing = Option::<i64>::None;
    let values = params![
        payment.id.0.as_bytes().as_slice(),
        order.id.0.as_bytes().as_slice(),
        cart,
        cart,
        payment.amount.minor(),
        payment.amount.currency().code(),
        payment.livemode,
        nothing,
        "",
        payment.state().name(),
        nothing,
        nothing,
        nothing,
        nothing,
        nothing,
        nothing,
        nothing,
        nothing,
        order.created_at.as_millisecond(),
        attempt.created_at.as_millisecond(),
    ];
    assert_eq!(run(connection, &texts.insert_payment, values), 1);
    let values = params![
        payment.id.0.as_bytes().as_slice(),
        attempt.number,
        attempt.key.as_str(),
        attempt.request,
        attempt.created_at.as_millisecond(),
    ];
    assert_eq!(run(connection, &texts.insert_attempt, values), 1);
}

fn insert_order(connection: &Connection, checkout: &Checkout) {
    let order = &checkout.order;
    let OrderState::Pending { expires_at } = order.state() else { panic!("it is pending") };
    let (shipping, billing) = (&order.shipping_address, &order.billing_address);
    let totals = order.totals;
    let nothing = Option::<i64>::None;
    let values = params![
        order.id.0.as_bytes().as_slice(),
        order.visitor.0.as_bytes().as_slice(),
        order.cart.0.as_bytes().as_slice(),
        order.fingerprint.0.as_slice(),
        order.email.as_str(),
        false,
        shipping.name(),
        shipping.company(),
        shipping.street(),
        shipping.postal_code(),
        shipping.city(),
        shipping.country().as_str(),
        shipping.phone(),
        billing.name(),
        billing.company(),
        billing.street(),
        billing.postal_code(),
        billing.city(),
        billing.country().as_str(),
        billing.phone(),
        totals.total().currency().code(),
        totals.subtotal().minor(),
        totals.shipping().minor(),
        totals.tax().minor(),
        totals.total().minor(),
        "included",
        order.state().name(),
        expires_at.as_millisecond(),
        nothing,
        nothing,
        order.created_at.as_millisecond(),
    ];
    assert_eq!(run(connection, &TEXTS.insert_order, values), 1);
}

fn run(connection: &Connection, text: &str, values: &[&dyn ToSql]) -> usize {
    connection.prepare_cached(text).unwrap().execute(values).unwrap()
}

/// Reads every column of every row, as any caller would.
fn rows(connection: &Connection, text: &str, values: &[&dyn ToSql]) -> usize {
    let mut statement = connection.prepare_cached(text).unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query(values).unwrap();
    let mut count = 0;
    while let Some(row) = rows.next().unwrap() {
        for column in 0..columns {
            std::hint::black_box(row.get_ref(column).unwrap());
        }
        count += 1;
    }
    count
}
