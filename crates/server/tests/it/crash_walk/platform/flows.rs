//! What the walk at Elastic Path goes through. She has a pan in her cart and has filled in everything;
//! for each flow what comes before it, undisturbed, and the part in which the power may fail.

use std::time::Duration;

use http::Method;
use server::flows::purchase::settle::Verdict;
use simulators::elastic_path::{ErrorShape, Fault, FaultKind};

use super::Stage;
use crate::platform::EBOOK;

/// How a session stands that is bought.
pub const SOLD: &str = "complete/succeeded";

/// A part of what becomes of a purchase.
pub struct Flow {
    /// What the server is told beyond what every shop tells it.
    pub settings: &'static [(&'static str, &'static str)],
    /// What happens before, with the power on.
    pub before: fn(&mut Stage) -> Option<()>,
    /// What is walked; `None` when the power failed. She, an operator or the worker repeats it.
    pub act: fn(&mut Stage) -> Option<()>,
    /// How her session stands in the end, if that is repeated.
    pub ends: &'static str,
    /// How it may stand if nobody repeats it, besides bought or open.
    pub stays: Option<&'static str>,
}

pub const PURCHASE: Flow = Flow {
    settings: &[],
    before: |_| Some(()),
    act: |stage| stage.pay("ctoken_ok"),
    ends: SOLD,
    stays: None,
};

pub const PURCHASE_WITH_A_CHALLENGE: Flow = Flow {
    act: |stage| {
        stage.pay("ctoken_3ds")?;
        stage.prove(true);
        stage.resume()
    },
    ..PURCHASE
};

pub const PURCHASE_OF_A_CART_THAT_WAS_TRIED_ELSEWHERE: Flow =
    Flow { before: |stage| stage.pay_elsewhere("ctoken_decline_201"), ..PURCHASE };

pub const PURCHASE_OF_A_CART_THAT_IS_PAID_ELSEWHERE: Flow =
    Flow { before: |stage| stage.pay_elsewhere("ctoken_ok"), ends: "open/failed", ..PURCHASE };

pub const PURCHASE_AFTER_A_DECLINE: Flow =
    Flow { before: |stage| stage.pay("ctoken_decline_201"), ..PURCHASE };

pub const PURCHASE_BY_AN_ACCOUNT: Flow = Flow {
    before: |stage| {
        stage.sign_in();
        Some(())
    },
    ..PURCHASE
};

/// The manual gateway takes it.
pub const PURCHASE_WITH_NOTHING_TO_PAY: Flow = Flow {
    before: |stage| {
        stage.ep.set_price(EBOOK, "USD", 0);
        stage.come_for(EBOOK, false)
    },
    ..PURCHASE
};

/// Her bank has paid, and the worker hears of it.
pub const DEBIT_THAT_IS_PAID: Flow = Flow {
    before: |stage| {
        stage.pay("ctoken_processing")?;
        assert_eq!(stage.stands(), "processing/pending");
        let payment = stage.ep.ledger().payments[0].id.clone();
        assert!(stage.ep.settle(&payment, Some(true)));
        stage.ep.advance(Duration::from_secs(60 * 60));
        Some(())
    },
    act: |stage| stage.work(),
    ..PURCHASE
};

/// The challenge is closed by an order whose payment is cancelled.
pub const CHALLENGE_GIVEN_UP: Flow = Flow {
    settings: &[("EP_CLOSES_CHALLENGES", "yes")],
    before: |stage| {
        stage.pay("ctoken_3ds")?;
        assert_eq!(stage.stands(), "open/requires_action");
        Some(())
    },
    act: |stage| stage.abandon(),
    ends: "open/failed",
    ..PURCHASE
};

/// The answer to the checkout is lost, and the worker looks for the order by our name for it.
pub const ORDER_THAT_IS_FOUND: Flow = Flow {
    before: |stage| {
        lose_order(stage, 30_000)?;
        stage.ep.advance(Duration::from_secs(60));
        Some(())
    },
    act: |stage| stage.work(),
    ..PURCHASE
};

/// The order showed only after it had been asked for again: the worker looks for its twin.
pub const TWIN_THAT_IS_FOUND: Flow = Flow {
    before: |stage| {
        lose_order(stage, 10 * 60_000)?;
        stage.pass(9, Duration::from_secs(30));
        assert_eq!((stage.stands().as_str(), stage.ep.ledger().orders.len()), (SOLD, 2));
        stage.ep.advance(Duration::from_secs(20 * 60));
        Some(())
    },
    act: |stage| stage.work(),
    ..PURCHASE
};

/// The platform refused to book the payment, somebody booked it there, and the operator says so.
pub const SETTLED_AS_PAID: Flow = Flow {
    before: |stage| {
        let refused = FaultKind::Status(422, ErrorShape::Text);
        stage.ep.inject(Fault::once("/v2/orders/{}/confirm", refused).of(Method::POST));
        stage.pay("ctoken_ok")?;
        stage.book_elsewhere()
    },
    act: |stage| {
        stage.end(|ledger| Verdict::Paid(ledger.orders.last().unwrap().id.parse().unwrap()))
    },
    ..PURCHASE
};

/// A challenge that nobody solved or closed for a day has failed, and the operator says so.
pub const SETTLED_AS_NOT_PAID: Flow = Flow {
    before: |stage| {
        stage.pay("ctoken_3ds")?;
        stage.abandon()?;
        stage.pass(25, Duration::from_secs(60 * 60));
        assert_eq!(stage.stands(), "processing/pending");
        stage.prove(false);
        Some(())
    },
    act: |stage| stage.end(|_| Verdict::NotPaid),
    ends: "open/failed",
    // It waits for a person.
    stays: Some("processing/pending"),
    ..PURCHASE
};

/// She pays, and nobody hears that the order was made; the list shows it so much later.
fn lose_order(stage: &mut Stage, index_lag_ms: u64) -> Option<()> {
    let mut modes = stage.ep.modes();
    modes.order_index_lag_ms = index_lag_ms;
    stage.ep.set_modes(modes);
    let lost = Fault::once("/v2/carts/{}/checkout", FaultKind::LoseAfter);
    stage.ep.inject(lost.of(Method::POST));
    stage.pay("ctoken_ok")?;
    assert_eq!(stage.stands(), "processing/pending");
    Some(())
}
