//! A shop with as many carts as there will be orders.

use std::path::PathBuf;

use domain::cart::Cart;
use domain::catalog::{Offer, Product, Quantity, Stock};
use domain::contact::{Address, AddressDraft};
use domain::id::{CartId, LineId, OrderId, PaymentId, ProductId, VisitorId};
use domain::money::Money;
use domain::order::{Fingerprint, Marketing, Order, OrderParts};
use domain::payment::{Attempt, IdempotencyKey, Payment};
use domain::pricing::{TaxMode, Totals};
use jiff::Timestamp;
use storage::{DatabaseUrl, SqliteFile, Store, StoreError, cart, catalog};
use tempfile::TempDir;
use uuid::Uuid;

const PRODUCTS: u128 = 100;
const LINES: u128 = 3;

/// Everything one operation writes; made before it, as in the server.
pub struct Checkout {
    pub order: Order,
    pub payment: Payment,
    pub attempt: Attempt,
}

pub struct Shop {
    folder: TempDir,
    carts: Vec<Cart>,
}

impl Shop {
    /// A fresh database, made without threads; none of this is measured.
    pub fn with_carts(count: u64) -> Shop {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let store = Store::sqlite_inline(&SqliteFile::Path(folder.path().join("till.db"))).unwrap();
        let carts: Vec<Cart> = (0..u128::from(count)).map(cart_number).collect();
        let filled = async {
            store.migrate().await?;
            for number in 0..PRODUCTS {
                store
                    .write(product(number), |tx, product| {
                        Box::pin(catalog::insert_product(tx, product, at()))
                    })
                    .await?;
            }
            for some in carts.chunks(1_000) {
                store
                    .write(some.to_vec(), |tx, some| {
                        Box::pin(async move {
                            for one in some {
                                assert!(cart::insert(tx, one, at()).await?);
                            }
                            Ok::<_, StoreError>(())
                        })
                    })
                    .await?;
            }
            Ok::<_, StoreError>(())
        };
        futures::FutureExt::now_or_never(filled).expect("it waits for nothing").unwrap();
        Shop { folder, carts }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("till.db")
    }

    pub fn url(&self) -> DatabaseUrl {
        DatabaseUrl::parse(&format!("sqlite://{}", self.path().display())).unwrap()
    }

    pub fn checkouts(&self) -> impl Iterator<Item = Checkout> {
        self.carts.iter().map(checkout)
    }

    /// Both ways must have done the same work.
    pub fn check(&self, orders: u64) {
        let connection = rusqlite::Connection::open(self.path()).unwrap();
        let number =
            |sql: &str| -> i64 { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
        let orders = i64::try_from(orders).unwrap();
        let lines = i64::try_from(LINES).unwrap();
        assert_eq!(number("select count(*) from orders where state = 'pending'"), orders);
        assert_eq!(number("select count(*) from order_lines"), orders * lines);
        assert_eq!(number("select count(*) from payment_attempts"), orders);
        assert_eq!(number("select sum(reserved) from products"), orders * lines);
    }
}

pub fn at() -> Timestamp {
    Timestamp::from_millisecond(1_790_000_000_000).unwrap()
}

/// Ids that grow, as the server's do, and differ between the kinds.
fn id(kind: u128, number: u128) -> Uuid {
    Uuid::from_u128((0x0197 << 112) | (number << 16) | kind)
}

fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap()).unwrap()
}

fn product(number: u128) -> Product {
    Product {
        id: ProductId(id(1, number)),
        sku: format!("mug-{number}"),
        name: format!("Mug number {number}"),
        description: "Holds coffee, tea and pencils.".to_owned(),
        image: Some(format!("/images/mug-{number}.svg")),
        price: eur(1_250),
        stock: Stock::new(1_000_000_000, 0).unwrap(),
        active: true,
        requires_shipping: true,
    }
}

fn cart_number(number: u128) -> Cart {
    let mut cart = Cart::empty(CartId(id(2, number)), VisitorId(id(3, number)), eur(0).currency());
    for line in 0..LINES {
        let product = product((number * 7 + line * 31) % PRODUCTS);
        let offer = Offer { product, held: 0 };
        let new = LineId(id(4, number * LINES + line));
        (cart, _) = cart.add(&offer, Quantity::new(1).unwrap(), new).unwrap();
    }
    cart
}

fn checkout(cart: &Cart) -> Checkout {
    let number = cart.id.0.as_u128() >> 16;
    let address = Address::parse(&AddressDraft {
        name: "Ada Lovelace".to_owned(),
        street: "Hauptstraße 1".to_owned(),
        postal_code: "10115".to_owned(),
        city: "Berlin".to_owned(),
        country: "DE".to_owned(),
        ..AddressDraft::default()
    })
    .unwrap();
    let subtotal = cart.subtotal().unwrap();
    let totals = Totals::restore(subtotal, eur(0), eur(599), TaxMode::Included, subtotal).unwrap();
    let parts = OrderParts {
        id: OrderId(id(5, number)),
        visitor: cart.visitor,
        cart: cart.id,
        email: "ada@example.org".parse().unwrap(),
        marketing: Marketing::Declined,
        shipping_address: address.clone(),
        billing_address: address,
        lines: cart.lines().to_vec(),
        totals,
        attributes: domain::session::Attributes::default(),
        fingerprint: Fingerprint([7; 32]),
        created_at: at(),
    };
    let order = Order::place(parts, at());
    let payment = Payment::new(PaymentId(id(6, number)), order.id, subtotal, false);
    let attempt = Attempt {
        payment: payment.id,
        number: 1,
        key: IdempotencyKey::create(payment.id, 1),
        request: "amount=3750&currency=eur&automatic_payment_methods[enabled]=true".repeat(4),
        created_at: at(),
    };
    Checkout { order, payment, attempt }
}
