//! What lies on the shelves, compared with what was there at first and what has been sold since.

use std::collections::HashMap;

use storage::{Store, StoreError};

storage::statements! {
    ON_HAND = "select sku, on_hand from products";
    SOLD = "select l.sku, l.quantity from order_lines l \
        join orders o on o.id = l.order_id where o.state = 'paid'";
}

/// Pieces by SKU.
pub type Pieces = HashMap<String, i64>;

/// What is there now.
pub async fn on_hand(store: &Store) -> Pieces {
    let read = store.read((), |tx, ()| {
        Box::pin(async move {
            let mut pieces = Pieces::new();
            for row in tx.query(&ON_HAND, &[]).await? {
                let mut row = row.read("products");
                pieces.insert(row.text("sku")?, row.int("on_hand")?);
            }
            Ok(pieces)
        })
    });
    let pieces: Result<Pieces, StoreError> = read.await;
    pieces.unwrap()
}

/// Every product of which more or less is there than paid orders leave of what was there at first.
pub async fn compare(store: &Store, first: &Pieces) -> Vec<String> {
    let read = store.read((), |tx, ()| {
        Box::pin(async move {
            let mut sold = Pieces::new();
            for row in tx.query(&SOLD, &[]).await? {
                let mut row = row.read("order_lines");
                *sold.entry(row.text("sku")?).or_default() += row.int("quantity")?;
            }
            Ok(sold)
        })
    });
    let sold: Result<Pieces, StoreError> = read.await;
    let (sold, there) = (sold.unwrap(), on_hand(store).await);
    let differences = first.iter().filter_map(|(sku, first)| {
        let (there, sold) = (there[sku], sold.get(sku).copied().unwrap_or(0));
        (there != first - sold)
            .then(|| format!("{sku}: {there} on the shelf, {sold} of {first} were sold"))
    });
    differences.collect()
}
