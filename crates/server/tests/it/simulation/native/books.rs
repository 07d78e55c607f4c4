//! Our rows at one moment.

use std::collections::BTreeMap;

use simulators::stripe::LedgerEntry;
use storage::{Store, StoreError};
use uuid::Uuid;

storage::statements! {
    ORDERS = "select o.id, o.cart_id, o.state, o.total_minor, o.currency, o.paid_by_event, \
        o.created_at, o.state_at, p.gateway_reference, p.state as payment_state, p.due_at \
        from orders o left join payments p on p.order_id = o.id order by o.id";
    STOCK = "select id, sku, on_hand, reserved from products order by id";
    ORDERED = "select l.product_id, o.state, sum(l.quantity) as pieces from order_lines l \
        join orders o on o.id = l.order_id group by l.product_id, o.state";
    REFUNDS = "select id, order_id, amount_minor, gateway_reference, state, failure from refunds \
        order by id";
    ATTENTION = "select id, order_id, kind, subject from attention order by id";
    OPEN_EVENTS = "select id from inbox where due_at is not null";
    OPEN_EFFECTS = "select order_id from outbox where due_at is not null";
}

pub struct Order {
    pub id: Uuid,
    pub cart: Uuid,
    pub state: String,
    pub total: i64,
    pub currency: String,
    pub event: Option<String>,
    pub created_at: i64,
    pub state_at: Option<i64>,
    pub reference: Option<String>,
    pub payment: Option<String>,
    pub due_at: Option<i64>,
}

pub struct Product {
    pub sku: String,
    pub on_hand: i64,
    pub reserved: i64,
    /// Pieces in orders, by the order's state.
    pub ordered: BTreeMap<String, i64>,
}

pub struct Refund {
    pub id: Uuid,
    pub order: Uuid,
    pub amount: i64,
    pub reference: Option<String>,
    pub state: String,
    pub failure: Option<String>,
}

pub struct Item {
    pub order: Option<Uuid>,
    pub kind: String,
    pub subject: String,
}

/// Our rows at one moment.
pub struct Books {
    pub orders: Vec<Order>,
    pub products: Vec<Product>,
    pub refunds: Vec<Refund>,
    pub items: Vec<Item>,
    pub open_events: usize,
    /// The orders whose effects wait.
    pub open_effects: Vec<Uuid>,
}

impl Books {
    pub async fn read(store: &Store) -> Result<Self, StoreError> {
        store
            .read((), |tx, ()| {
                Box::pin(async move {
                    let mut orders = Vec::new();
                    for row in tx.query(&ORDERS, &[]).await? {
                        let mut row = row.read("orders");
                        orders.push(Order {
                            id: row.id("id")?,
                            cart: row.id("cart_id")?,
                            state: row.text("state")?,
                            total: row.int("total_minor")?,
                            currency: row.text("currency")?,
                            event: row.text_opt("paid_by_event")?,
                            created_at: row.int("created_at")?,
                            state_at: row.int_opt("state_at")?,
                            reference: row.text_opt("gateway_reference")?,
                            payment: row.text_opt("payment_state")?,
                            due_at: row.int_opt("due_at")?,
                        });
                    }
                    let mut ordered: BTreeMap<Uuid, BTreeMap<String, i64>> = BTreeMap::new();
                    for row in tx.query(&ORDERED, &[]).await? {
                        let mut row = row.read("order_lines");
                        let product = row.id("product_id")?;
                        let state = row.text("state")?;
                        ordered.entry(product).or_default().insert(state, row.int("pieces")?);
                    }
                    let mut products = Vec::new();
                    for row in tx.query(&STOCK, &[]).await? {
                        let mut row = row.read("products");
                        let id = row.id("id")?;
                        products.push(Product {
                            sku: row.text("sku")?,
                            on_hand: row.int("on_hand")?,
                            reserved: row.int("reserved")?,
                            ordered: ordered.remove(&id).unwrap_or_default(),
                        });
                    }
                    let mut refunds = Vec::new();
                    for row in tx.query(&REFUNDS, &[]).await? {
                        let mut row = row.read("refunds");
                        refunds.push(Refund {
                            id: row.id("id")?,
                            order: row.id("order_id")?,
                            amount: row.int("amount_minor")?,
                            reference: row.text_opt("gateway_reference")?,
                            state: row.text("state")?,
                            failure: row.text_opt("failure")?,
                        });
                    }
                    let mut items = Vec::new();
                    for row in tx.query(&ATTENTION, &[]).await? {
                        let mut row = row.read("attention");
                        row.id("id")?;
                        items.push(Item {
                            order: row.id_opt("order_id")?,
                            kind: row.text("kind")?,
                            subject: row.text("subject")?,
                        });
                    }
                    let open_events = tx.query(&OPEN_EVENTS, &[]).await?.len();
                    let open_effects = tx.query(&OPEN_EFFECTS, &[]).await?.into_iter();
                    let open_effects = open_effects.map(|row| row.read("outbox").id("order_id"));
                    let open_effects = open_effects.collect::<Result<_, _>>()?;
                    Ok(Self { orders, products, refunds, items, open_events, open_effects })
                })
            })
            .await
    }

    pub fn by_reference(&self, reference: &str) -> Option<&Order> {
        self.orders.iter().find(|order| order.reference.as_deref() == Some(reference))
    }

    /// Whether a person has been called about this payment or its order.
    pub fn calls_for(&self, entry: &LedgerEntry) -> bool {
        let order = order_of(entry);
        self.items
            .iter()
            .any(|item| item.subject == entry.id || (item.order.is_some() && item.order == order))
    }
}

/// The order that a payment at Stripe names.
pub fn order_of(entry: &LedgerEntry) -> Option<Uuid> {
    entry.metadata.values().find_map(|value| value.parse().ok())
}
