//! `till orders export`: orders as CSV, newest first, read and written a page at a time, so that it
//! does not matter how many there are.
//!
//! A spreadsheet takes text that begins with `=`, `+`, `-` or `@` for a formula, and shoppers type
//! their names themselves. Such text gets an apostrophe in front, which spreadsheets take for "this is
//! text".

use std::{borrow::Cow, io::Write};

use domain::{cart::Line, order::OrderState, pricing::TaxMode, refund::given_back};

use super::{
    OrdersError,
    list::{Pages, Wanted, name},
};
use crate::{
    flows::see_order::Seen,
    http::{order::OrderStatus, wire::CustomAttributes},
};
use storage::Store;

/// The columns, in their order.
const COLUMNS: [&str; 21] = [
    "order",
    "made",
    "status",
    "paid",
    "email",
    "name",
    "company",
    "street",
    "postal_code",
    "city",
    "country",
    "items",
    "currency",
    "subtotal",
    "shipping",
    "tax",
    "tax_mode",
    "total",
    "given_back",
    "payment",
    "custom_attributes",
];

/// Writes the wanted orders; `progress` hears after each page how many there are so far.
pub async fn export(
    store: &Store,
    wanted: Wanted,
    out: impl Write,
    mut progress: impl FnMut(usize),
) -> Result<usize, OrdersError> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS)?;
    let mut pages = Pages::new(store, wanted);
    let mut written = 0;
    while let Some(page) = pages.next().await? {
        for (status, seen) in &page {
            let fields = fields(*status, seen)?;
            writer.write_record(fields.iter().map(|field| harmless(field).into_owned()))?;
        }
        written += page.len();
        progress(written);
    }
    writer.flush()?;
    Ok(written)
}

fn fields(status: OrderStatus, seen: &Seen) -> Result<[String; 21], OrdersError> {
    let Seen { order, payment, refunds, disputes: _, customer: _ } = seen;
    let (totals, address) = (order.totals, &order.shipping_address);
    let paid = match order.state() {
        OrderState::Paid { at, .. } => at.to_string(),
        OrderState::Pending { .. } | OrderState::Failed { .. } | OrderState::Cancelled { .. } => {
            String::new()
        }
    };
    let payment = payment.as_ref().and_then(|stored| stored.payment.reference());
    Ok([
        order.id.to_string(),
        order.created_at.to_string(),
        name(status),
        paid,
        order.email.as_str().to_owned(),
        address.name().to_owned(),
        address.company().unwrap_or_default().to_owned(),
        address.street().to_owned(),
        address.postal_code().to_owned(),
        address.city().to_owned(),
        address.country().to_string(),
        items(&order.lines),
        totals.total().currency().code().to_owned(),
        totals.subtotal().major(),
        totals.shipping().major(),
        totals.tax().major(),
        match totals.tax_mode() {
            TaxMode::Included => "included".to_owned(),
            TaxMode::Added => "added".to_owned(),
        },
        totals.total().major(),
        given_back(refunds)?.map(|sum| sum.major()).unwrap_or_default(),
        payment.map(ToString::to_string).unwrap_or_default(),
        match CustomAttributes::some(&order.attributes) {
            Some(noted) => serde_json::to_string(&noted)?,
            None => String::new(),
        },
    ])
}

/// Such as `2 x mug; 1 x lamp`.
fn items(lines: &[Line]) -> String {
    let items = lines.iter().map(|line| format!("{} x {}", line.quantity.count(), line.sku));
    items.collect::<Vec<_>>().join("; ")
}

/// Text that no spreadsheet takes for a formula.
fn harmless(text: &str) -> Cow<'_, str> {
    match text.chars().next() {
        // Spaces do not keep a spreadsheet from looking at what comes after them.
        Some(_)
            if text.trim_start().starts_with([
                '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
            ]) =>
        {
            Cow::Owned(format!("'{text}"))
        }
        Some(first) if first.is_control() => Cow::Owned(format!("'{text}")),
        Some(_) | None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        contact::{Address, AddressDraft},
        id::{CartId, OrderId, VisitorId},
        money::Money,
        order::{Fingerprint, Marketing, Order, OrderParts},
        pricing::Totals,
    };
    use jiff::Timestamp;
    use storage::{SqliteFile, order};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn text_that_a_spreadsheet_would_compute_is_marked_as_text() {
        let formulas = ["=1+1", "+49 30 1", "-1", "@SUM(A1)", " =1", "\t1", "\r1", "\u{ff1d}1"];
        for formula in formulas {
            assert_eq!(harmless(formula), format!("'{formula}"));
        }
        for text in ["", "Ada", "1 x =mug", "49.98", "2026-11-22T00:00:00Z", "O'Neill", "a=b"] {
            assert_eq!(harmless(text), text);
        }
    }

    fn order_number(number: u128) -> Order {
        let draft = AddressDraft {
            name: "Ada".into(),
            street: "Hauptstr. 1".into(),
            postal_code: "10115".into(),
            city: "Berlin".into(),
            country: "DE".into(),
            ..AddressDraft::default()
        };
        let address = Address::parse(&draft).unwrap();
        let none = Money::zero("EUR".parse().unwrap());
        let at = Timestamp::from_second(number as i64).unwrap();
        let parts = OrderParts {
            id: OrderId(Uuid::from_u128(number)),
            visitor: VisitorId(Uuid::from_u128(1)),
            cart: CartId(Uuid::from_u128(1)),
            email: "ada@example.org".parse().unwrap(),
            marketing: Marketing::Declined,
            shipping_address: address.clone(),
            billing_address: address,
            lines: Vec::new(),
            totals: Totals::restore(none, none, none, TaxMode::Included, none).unwrap(),
            attributes: domain::session::Attributes::default(),
            fingerprint: Fingerprint([0; 32]),
            created_at: at,
        };
        Order::place(parts, at)
    }

    #[tokio::test]
    async fn more_orders_than_fit_on_a_page_are_exported_once_each_newest_first() {
        let store = Store::sqlite_inline(&SqliteFile::Memory).unwrap();
        store.migrate().await.unwrap();
        let orders: Vec<_> = (1..=1000).map(order_number).collect();
        let stored = store.write(orders, |tx, orders| {
            Box::pin(async move {
                for one in orders {
                    order::insert(tx, one).await?;
                }
                Ok::<_, storage::StoreError>(())
            })
        });
        stored.await.unwrap();
        let filter = order::Filter {
            since: Timestamp::from_second(11).unwrap(),
            until: Timestamp::from_second(901).unwrap(),
            ..order::Filter::all()
        };
        let wanted = Wanted { filter, status: Some(OrderStatus::Paid), before: None };
        let (mut out, mut heard) = (Vec::new(), Vec::new());

        let written = export(&store, wanted, &mut out, |count| heard.push(count)).await.unwrap();

        let rows = csv::Reader::from_reader(out.as_slice()).into_records();
        let ids: Vec<_> = rows.map(|row| row.unwrap()[0].to_owned()).collect();
        let expected = (11..=900).rev().map(|number| Uuid::from_u128(number).to_string());
        assert_eq!(ids, expected.collect::<Vec<_>>());
        assert_eq!((written, heard), (890, vec![200, 400, 600, 800, 890]));
    }
}
