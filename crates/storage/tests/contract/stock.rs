//! Nobody sells what is not there.

use domain::cart::Line;
use domain::catalog::Product;
use domain::id::ProductId;
use domain::order::Order;
use futures::future::join_all;
use storage::catalog::{ProductQuery, StockMove};
use storage::{StoreError, Tx, Work, cart, catalog, order, payment};

use crate::harness::{
    Database, at, cart_of, id, lines, on_every_database, order_of, payment_of, product, stock_of,
    stocked,
};

on_every_database! {
    sixty_four_buyers_of_the_last_ten_units_get_ten
    orders_of_the_same_products_do_not_wait_for_each_other_for_ever
    stock_moves_only_as_far_as_it_reaches
    a_product_that_is_not_for_sale_cannot_be_reserved
    the_shelf_is_never_counted_below_what_is_reserved
    a_visitors_own_reservation_is_there_for_her
    products_are_found_in_any_case_and_page_by_page
}

/// Why a purchase came to nothing.
#[derive(Debug)]
pub enum Refusal {
    SoldOut,
    Store(#[expect(dead_code, reason = "shown when a test fails")] StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        Refusal::Store(error)
    }
}

/// The transaction of a checkout: order, lines and reservation. Done twice, it is done once.
pub fn buy<'a>(tx: &'a mut Tx, order: &'a Order) -> Work<'a, (), Refusal> {
    Box::pin(async move {
        if !order::insert(tx, order).await? {
            return Ok(());
        }
        match catalog::move_stock(tx, &order.lines, StockMove::Reserve).await?.as_slice() {
            [] => Ok(()),
            _ => Err(Refusal::SoldOut),
        }
    })
}

pub async fn orders_in(db: &Database, state: &str) -> i64 {
    let counts: Result<_, StoreError> =
        db.store.read((), |tx, ()| Box::pin(order::count_by_state(tx))).await;
    counts.unwrap().into_iter().filter(|(name, _)| name == state).map(|(_, count)| count).sum()
}

async fn sixty_four_buyers_of_the_last_ten_units_get_ten(db: &Database) {
    let mug = stocked(db, "mug", 10).await;
    let orders = (0..64).map(|_| order_of(&cart_of(&[(&mug, 1)])));
    let bought = join_all(orders.map(|order| db.store.write(order, buy))).await;
    let sold_out = bought.iter().filter(|bought| matches!(bought, Err(Refusal::SoldOut))).count();
    let served = bought.iter().filter(|bought| bought.is_ok()).count();
    assert_eq!((served, sold_out), (10, 54), "{bought:?}");
    let stock = stock_of(db, mug.id).await;
    assert_eq!((stock.on_hand(), stock.reserved()), (10, 10));
    assert_eq!(orders_in(db, "pending").await, 10);
}

async fn orders_of_the_same_products_do_not_wait_for_each_other_for_ever(db: &Database) {
    let mug = stocked(db, "mug", 1_000).await;
    let bowl = stocked(db, "bowl", 1_000).await;
    let orders = (0..32).map(|n| match n % 2 {
        0 => order_of(&cart_of(&[(&mug, 1), (&bowl, 2)])),
        _ => order_of(&cart_of(&[(&bowl, 2), (&mug, 1)])),
    });
    for bought in join_all(orders.map(|order| db.store.write(order, buy))).await {
        bought.unwrap();
    }
    assert_eq!(stock_of(db, mug.id).await.reserved(), 32);
    assert_eq!(stock_of(db, bowl.id).await.reserved(), 64);
}

async fn move_all(db: &Database, lines: Vec<Line>, movement: StockMove) -> Vec<ProductId> {
    let moved = db.write((lines, movement), |tx, (lines, movement)| {
        Box::pin(catalog::move_stock(tx, lines, *movement))
    });
    moved.await.unwrap()
}

async fn stock_moves_only_as_far_as_it_reaches(db: &Database) {
    let mug = stocked(db, "mug", 5).await;
    let pieces = |count| lines(&[(&mug, count)]);
    assert_eq!(move_all(db, pieces(3), StockMove::Reserve).await, []);
    assert_eq!(move_all(db, pieces(3), StockMove::Reserve).await, [mug.id]);
    assert_eq!(move_all(db, pieces(4), StockMove::Release).await, [mug.id]);
    assert_eq!(move_all(db, pieces(4), StockMove::Sell).await, [mug.id]);
    assert_eq!(move_all(db, pieces(1), StockMove::Release).await, []);
    assert_eq!(move_all(db, pieces(2), StockMove::Sell).await, []);
    let stock = stock_of(db, mug.id).await;
    assert_eq!((stock.on_hand(), stock.reserved()), (3, 0));
}

async fn a_product_that_is_not_for_sale_cannot_be_reserved(db: &Database) {
    let mug = stocked(db, "mug", 5).await;
    let retired = Product { active: false, ..mug.clone() };
    let updated =
        db.write(retired, |tx, product| Box::pin(catalog::update_product(tx, product, at(1))));
    assert!(updated.await.unwrap());
    let reserved = db.write(mug.id, |tx, mug| Box::pin(catalog::reserve(tx, *mug, 1)));
    assert!(!reserved.await.unwrap());
}

async fn the_shelf_is_never_counted_below_what_is_reserved(db: &Database) {
    let mug = stocked(db, "mug", 5).await;
    move_all(db, lines(&[(&mug, 3)]), StockMove::Reserve).await;
    let counted = |on_hand| {
        let product =
            Product { stock: domain::catalog::Stock::new(on_hand, 0).unwrap(), ..mug.clone() };
        db.write(product, |tx, product| Box::pin(catalog::update_product(tx, product, at(1))))
    };
    assert!(!counted(2).await.unwrap());
    assert!(counted(3).await.unwrap());
    let stock = stock_of(db, mug.id).await;
    assert_eq!((stock.on_hand(), stock.reserved()), (3, 3));
}

async fn a_visitors_own_reservation_is_there_for_her(db: &Database) {
    let mug = stocked(db, "mug", 5).await;
    let bowl = stocked(db, "bowl", 5).await;
    let cart = cart_of(&[(&mug, 4), (&bowl, 1)]);
    let order = order_of(&cart);
    let (payment, attempt) = payment_of(&order);
    let offers = db
        .write((cart.clone(), order, payment, attempt), |tx, (cart, order, payment, attempt)| {
            Box::pin(async move {
                cart::insert(tx, cart, at(1)).await?;
                order::insert(tx, order).await?;
                catalog::move_stock(tx, &order.lines[..1], StockMove::Reserve).await?;
                payment::insert(tx, payment, cart.id, attempt, at(9)).await?;
                catalog::offers_of_cart(tx, cart.id).await
            })
        })
        .await
        .unwrap();
    let seen: Vec<_> =
        offers.iter().map(|o| (o.product.sku.as_str(), o.held, o.available())).collect();
    assert_eq!(seen, [("mug", 4, 5), ("bowl", 1, 6)]);

    let stranger = domain::id::CartId(id());
    let alone = |cart| {
        db.write((mug.id, cart), |tx, (mug, cart)| Box::pin(catalog::offer(tx, *mug, *cart)))
    };
    let hers = alone(cart.id).await.unwrap().unwrap();
    assert_eq!((hers.held, hers.available()), (4, 5));
    let others = alone(stranger).await.unwrap().unwrap();
    assert_eq!((others.held, others.available()), (0, 1));
}

async fn found(db: &Database, query: ProductQuery) -> Vec<String> {
    let found: Result<Vec<Product>, StoreError> =
        db.store.read(query, |tx, query| Box::pin(catalog::products(tx, query))).await;
    found.unwrap().into_iter().map(|product| product.sku).collect()
}

async fn products_are_found_in_any_case_and_page_by_page(db: &Database) {
    let mut all = Vec::new();
    for sku in ["a_1", "a%2", "b!3", "Ü4", "5"] {
        all.push(stocked(db, sku, 1).await);
    }
    let hidden = Product { active: false, ..product("hidden", 1) };
    let stored =
        db.write(hidden, |tx, product| Box::pin(catalog::insert_product(tx, product, at(0))));
    assert!(stored.await.unwrap());
    let page = |text: Option<&str>, after, limit| ProductQuery {
        text: text.map(str::to_owned),
        after,
        limit,
    };
    assert_eq!(found(db, page(None, None, 2)).await, ["a_1", "a%2"]);
    assert_eq!(found(db, page(None, Some(all[1].id), 9)).await, ["b!3", "Ü4", "5"]);
    assert_eq!(found(db, page(Some("ü4"), None, 9)).await, ["Ü4"]);
    assert_eq!(found(db, page(Some("GRÖSSE"), None, 9)).await, Vec::<String>::new());
    assert_eq!(found(db, page(Some("GRÖßE"), None, 9)).await.len(), 5);
    assert_eq!(found(db, page(Some("a_"), None, 9)).await, ["a_1"]);
    assert_eq!(found(db, page(Some("a%"), None, 9)).await, ["a%2"]);
    assert_eq!(found(db, page(Some("B!"), None, 9)).await, ["b!3"]);
    let everything: Result<Vec<Product>, StoreError> =
        db.store.read((), |tx, ()| Box::pin(catalog::all_products(tx, None, 9))).await;
    assert_eq!(everything.unwrap().len(), 6);
}
