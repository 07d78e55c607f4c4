//! What is written reads back the same, and what cannot be right is not believed.

use domain::cart::Cart;
use domain::catalog::{Offer, Product, Quantity};
use domain::contact::Address;
use domain::event::{Decline, EventId, GatewayReference, News, Receipt, Report, Word};
use domain::id::{LineId, OrderId};
use domain::order::{Marketing, Order, OrderParts, OrderState, PaidBy};
use domain::payment::{Attempt, Payment};
use domain::pricing::{TaxMode, Totals};
use storage::{StoreError, cart, catalog, order, payment};

use crate::harness::{
    Database, address, at, cart_of, eur, id, on_every_database, order_of, payment_of, product,
    stocked,
};

on_every_database! {
    a_product_keeps_everything_but_what_is_reserved
    a_cart_reads_back_after_every_change
    a_visitor_has_one_cart
    a_change_of_a_cart_whose_commit_was_lost_is_not_made_twice
    an_order_reads_back_in_every_state
    an_order_is_stored_once
    a_free_order_and_its_missing_fields_read_back
    a_payment_reads_back_in_every_state
    a_payment_takes_a_second_attempt
    a_corrupt_row_is_named_with_table_column_and_id
}

async fn a_product_keeps_everything_but_what_is_reserved(db: &Database) {
    let mug = stocked(db, "mug", 5).await;
    let reserved = db.write(mug.id, |tx, mug| Box::pin(catalog::reserve(tx, *mug, 2)));
    assert!(reserved.await.unwrap());
    let changed = Product {
        sku: "mug-2".to_owned(),
        name: "Becher".to_owned(),
        description: String::new(),
        image: Some("/mug.svg".to_owned()),
        price: eur(1),
        stock: domain::catalog::Stock::new(9, 0).unwrap(),
        active: true,
        requires_shipping: false,
        ..mug.clone()
    };
    let read = db
        .write(changed.clone(), |tx, product| {
            Box::pin(async move {
                assert!(catalog::update_product(tx, product, at(5)).await?);
                assert!(!catalog::insert_product(tx, product, at(5)).await?);
                catalog::product_by_sku(tx, "mug-2").await
            })
        })
        .await;
    let stock = domain::catalog::Stock::new(9, 2).unwrap();
    assert_eq!(read.unwrap(), Some(Product { stock, ..changed }));
    let unknown = product("unknown", 1);
    let updated =
        db.write(unknown, |tx, product| Box::pin(catalog::update_product(tx, product, at(5))));
    assert!(!updated.await.unwrap());
}

/// Saves the difference and reads the cart again in all three ways.
async fn saved(db: &Database, before: &Cart, after: &Cart) -> [Option<Cart>; 3] {
    let saved = db.write((before.clone(), after.clone()), |tx, (before, after)| {
        Box::pin(async move {
            cart::save_lines(tx, before, after, at(7)).await?;
            Ok([
                cart::of_visitor(tx, after.visitor).await?,
                cart::lock_of_visitor(tx, after.visitor).await?,
                cart::lock(tx, after.id).await?,
            ])
        })
    });
    saved.await.unwrap()
}

async fn a_cart_reads_back_after_every_change(db: &Database) {
    let mut products = Vec::new();
    for sku in ["a", "b", "c", "d"] {
        products.push(stocked(db, sku, 50).await);
    }
    let offer = |at: usize| Offer { product: products[at].clone(), held: 0 };
    let pieces = |count| Quantity::new(count).unwrap();
    let first = cart_of(&[(&products[2], 1), (&products[0], 2), (&products[1], 3)]);
    let stored = db.write(first.clone(), |tx, cart| Box::pin(cart::insert(tx, cart, at(1))));
    assert!(stored.await.unwrap());
    assert_eq!(saved(db, &first, &first).await, [(); 3].map(|()| Some(first.clone())));

    let fewer = first.clone().remove(first.lines()[0].id).unwrap();
    let changed = fewer.clone().set_quantity(fewer.lines()[1].id, pieces(9), &offer(1)).unwrap();
    let (longer, _) = changed.add(&offer(3), pieces(1), LineId(id())).unwrap();
    // The product that has left comes back as another line, at the end.
    let (longer, _) = longer.add(&offer(2), pieces(4), LineId(id())).unwrap();
    assert_eq!(saved(db, &first, &longer).await, [(); 3].map(|()| Some(longer.clone())));

    let emptied = longer.clone().clear();
    assert_eq!(saved(db, &longer, &emptied).await, [(); 3].map(|()| Some(emptied.clone())));
}

/// A second run of the same operation is what follows a lost commit.
async fn a_change_of_a_cart_whose_commit_was_lost_is_not_made_twice(db: &Database) {
    let cart = cart_of(&[]);
    let inserted = db.write(cart.clone(), |tx, cart| Box::pin(cart::insert(tx, cart, at(1))));
    assert!(inserted.await.unwrap());
    let make = |change| {
        db.write((cart.id, change), |tx, (cart, change)| {
            Box::pin(cart::note_change(tx, *cart, *change))
        })
    };
    let (change, next) = (id(), id());

    assert!(make(change).await.unwrap());
    assert!(!make(change).await.unwrap());
    assert!(make(next).await.unwrap());
}

async fn a_visitor_has_one_cart(db: &Database) {
    let first = cart_of(&[]);
    let other = Cart::empty(domain::id::CartId(id()), first.visitor, first.currency);
    let inserted = db
        .write((first.clone(), other), |tx, (first, other)| {
            Box::pin(async move {
                Ok((
                    cart::insert(tx, first, at(1)).await?,
                    cart::insert(tx, first, at(2)).await?,
                    cart::insert(tx, other, at(3)).await?,
                    cart::of_visitor(tx, first.visitor).await?,
                ))
            })
        })
        .await;
    assert_eq!(inserted.unwrap(), (true, true, false, Some(first)));
}

fn parts_of(order: &Order) -> OrderParts {
    let order = order.clone();
    OrderParts {
        id: order.id,
        visitor: order.visitor,
        cart: order.cart,
        email: order.email,
        marketing: order.marketing,
        shipping_address: order.shipping_address,
        billing_address: order.billing_address,
        lines: order.lines,
        totals: order.totals,
        attributes: order.attributes.clone(),
        fingerprint: order.fingerprint,
        created_at: order.created_at,
    }
}

async fn stored(db: &Database, order: &Order) -> Order {
    let stored = db.write(order.clone(), |tx, order| {
        Box::pin(async move {
            order::insert(tx, order).await?;
            order::load(tx, order.id).await
        })
    });
    stored.await.unwrap().unwrap()
}

async fn an_order_reads_back_in_every_state(db: &Database) {
    let mug = stocked(db, "mug", 5).await;
    let bowl = stocked(db, "bowl", 5).await;
    let pending = order_of(&cart_of(&[(&mug, 2), (&bowl, 1)]));
    assert_eq!(stored(db, &pending).await, pending);
    let event = EventId::new("evt_1").unwrap();
    for state in [
        OrderState::Pending { expires_at: at(99) },
        OrderState::Paid { at: at(50), by: PaidBy::Event(event) },
        OrderState::Failed { at: at(51) },
        OrderState::Cancelled { at: at(52) },
    ] {
        let moved = Order::restore(parts_of(&pending), state);
        let read = db.write(moved.clone(), |tx, order| {
            Box::pin(async move {
                order::save_state(tx, order, at(60)).await?;
                order::lock(tx, order.id).await
            })
        });
        assert_eq!(read.await.unwrap(), Some(moved));
    }
    let stranger = order_of(&cart_of(&[(&mug, 1)]));
    let saved = db.write(stranger, |tx, order| Box::pin(order::save_state(tx, order, at(60))));
    assert!(matches!(saved.await, Err(StoreError::Misuse(_))));
    let unknown = db.write(OrderId(id()), |tx, id| Box::pin(order::load(tx, *id)));
    assert_eq!(unknown.await.unwrap(), None);
}

async fn an_order_is_stored_once(db: &Database) {
    let mug = stocked(db, "mug", 5).await;
    let order = order_of(&cart_of(&[(&mug, 2)]));
    let twice = db.write(order, |tx, order| {
        Box::pin(
            async move { Ok((order::insert(tx, order).await?, order::insert(tx, order).await?)) },
        )
    });
    assert_eq!(twice.await.unwrap(), (true, false));
}

async fn a_free_order_and_its_missing_fields_read_back(db: &Database) {
    let mug = stocked(db, "mug", 5).await;
    let order = order_of(&cart_of(&[(&mug, 1)]));
    let zero = eur(0);
    let free = Order::place(
        OrderParts {
            marketing: Marketing::Declined,
            shipping_address: Address::parse(&domain::contact::AddressDraft {
                name: "Ng".to_owned(),
                street: "1 Nathan Road".to_owned(),
                city: "Kowloon".to_owned(),
                country: "HK".to_owned(),
                ..Default::default()
            })
            .unwrap(),
            billing_address: address("US", "94103"),
            totals: Totals::restore(zero, zero, zero, TaxMode::Added, zero).unwrap(),
            attributes: domain::session::Attributes::default(),
            ..parts_of(&order)
        },
        at(9),
    );
    assert_eq!(*free.state(), OrderState::Paid { at: at(5), by: PaidBy::NothingToPay });
    assert_eq!(stored(db, &free).await, free);
}

fn news(payment: &Payment, report: Report) -> News {
    News {
        reference: GatewayReference::new("pi_1").unwrap(),
        order: Some(payment.order),
        amount: payment.amount,
        livemode: false,
        word: Word::Event(EventId::new("evt_1").unwrap()),
        report,
        card: None,
    }
}

async fn stored_payment(db: &Database) -> (Payment, Attempt) {
    let mug = stocked(db, "mug", 50).await;
    let order = order_of(&cart_of(&[(&mug, 1)]));
    let (payment, attempt) = payment_of(&order);
    let stored =
        db.write((order, payment.clone(), attempt.clone()), |tx, (order, payment, attempt)| {
            Box::pin(async move {
                order::insert(tx, order).await?;
                payment::insert(tx, payment, order.cart, attempt, at(9)).await
            })
        });
    assert_eq!(stored.await.unwrap(), payment::Inserted::New);
    (payment, attempt)
}

async fn a_payment_reads_back_in_every_state(db: &Database) {
    let (created, _) = stored_payment(db).await;
    let declined = |attempt: &str| {
        Report::Declined(Decline {
            attempt: attempt.to_owned(),
            code: "card_declined".to_owned(),
            message: "Your card was declined.".to_owned(),
        })
    };
    let answer = News {
        word: Word::Answer,
        ..news(&created, Report::Succeeded { received: created.amount })
    };
    let hear = |payment: &Payment, report| payment.clone().hear(&news(&created, report), at(40)).0;
    let processing = hear(&created, Report::Processing);
    let closing = hear(&processing, declined("ch_9"));
    let declined_twice =
        hear(&hear(&created, declined("ch_1")), declined("ch_2\nwith \\ oddities"));
    let states = [
        created.clone(),
        created.clone().lose_answer(),
        hear(&created, Report::Open),
        hear(&created, Report::RequiresAction),
        declined_twice,
        processing,
        created.clone().hear(&answer, at(40)).0,
        closing.clone(),
        // The order matters: what is over never becomes live again.
        hear(&closing, Report::Cancelled),
        hear(&created, Report::Cancelled),
        hear(&created, Report::Succeeded { received: created.amount }),
    ];
    let mut names = std::collections::BTreeSet::new();
    for payment in states {
        names.insert(payment.state().name());
        let read = db.write(payment.clone(), |tx, payment| {
            Box::pin(async move {
                payment::save(tx, payment, at(60)).await?;
                payment::by_id(tx, payment.id).await
            })
        });
        assert_eq!(read.await.unwrap().unwrap().payment, payment);
    }
    assert_eq!(names.len(), 11, "{names:?}");
    let receipt =
        Receipt::from_news(&news(&created, Report::Succeeded { received: created.amount }), at(40));
    assert!(receipt.is_some());
}

async fn a_payment_takes_a_second_attempt(db: &Database) {
    let (_, attempt) = stored_payment(db).await;
    let second = Attempt {
        number: 2,
        key: domain::payment::IdempotencyKey::create(attempt.payment, 2),
        ..attempt.clone()
    };
    let attempts = db.write(second.clone(), |tx, second| {
        Box::pin(async move {
            assert!(payment::insert_attempt(tx, second).await?);
            assert!(!payment::insert_attempt(tx, second).await?);
            payment::attempts(tx, second.payment).await
        })
    });
    assert_eq!(attempts.await.unwrap(), [attempt, second]);
}

async fn a_corrupt_row_is_named_with_table_column_and_id(db: &Database) {
    let mug = stocked(db, "mug", 5).await;
    let order = order_of(&cart_of(&[(&mug, 1)]));
    stored(db, &order).await;
    db.behind("update products set currency = 'XXX'").await;
    db.behind("update orders set email = 'ada(at)example.org'").await;
    let read: Result<_, StoreError> =
        db.store.read(mug.id, |tx, id| Box::pin(catalog::product(tx, *id))).await;
    let error = read.unwrap_err().to_string();
    let named = format!("column currency of products {} is corrupt", mug.id);
    assert!(error.starts_with(&named), "{error}");

    let read: Result<_, StoreError> =
        db.store.read(order.id, |tx, id| Box::pin(order::load(tx, *id))).await;
    let error = read.unwrap_err().to_string();
    assert_eq!(error, format!("column email of orders {} is corrupt: not an address", order.id));

    db.behind("update orders set email = 'ada@example.org', state_at = 5").await;
    let read: Result<_, StoreError> =
        db.store.read(order.id, |tx, id| Box::pin(order::load(tx, *id))).await;
    let error = read.unwrap_err().to_string();
    assert!(error.starts_with(&format!("column state of orders {}", order.id)), "{error}");
}
