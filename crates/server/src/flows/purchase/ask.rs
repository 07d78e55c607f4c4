//! The questions that move something, each written down before it is put, and what finds out what
//! became of one whose answer was lost.

use domain::{
    contact::Email,
    elastic_path::{EpOrderId, EpPaymentId},
    purchase::{
        Booking, ChargeNews, ClientSecret, Matter, OrderNews, Purchase, PurchaseState, Settlement,
    },
};
use gateways::elastic_path::{
    Caller, EpError, Sequence,
    cart::CartView,
    checkout::encode,
    order::{
        OrderChange, OrderPayment, OrderStatus, OrderView, TransactionStatus, TransactionView,
        WaitsFor,
    },
    payment::{CartPayment, PaymentRequest, PaymentView},
};
use storage::{StoreError, purchase as rows, purchase::Stored};

use super::{
    begin::request,
    cart,
    go_on::{Driver, is_watched},
    look,
};
use crate::flows::FlowError;

/// The calls of a charge that is asked for once more, and of all that follows it.
pub(super) const CALLS_AGAIN: u32 = 11;

/// What the shopper reads where the platform was not even reached.
const NOT_REACHED: &str = "The payment could not be started. Nothing was charged.";

/// What the shopper reads where the platform says no more.
const FAILED: &str = "The payment did not complete. Nothing was charged.";

impl Driver<'_> {
    /// Asks for the charge. It is written down.
    pub async fn ask_charge(
        &self,
        asked: Stored,
        sequence: &Sequence,
    ) -> Result<Option<Stored>, FlowError> {
        let PurchaseState::Charging { token, asked: put } = asked.purchase.state().clone() else {
            return Ok(None);
        };
        let terms = &asked.purchase.terms;
        let email: Option<Email> = terms.buyer.customer.email().parse().ok();
        let request = PaymentRequest {
            sequence,
            confirmation_token: token.reveal(),
            return_url: &self.px.shop.return_url,
            receipt_email: email.as_ref(),
            external_ref: &asked.purchase.external_ref(),
        };
        let answer = self.px.elastic_path.create_payment(&self.admin, &terms.cart, &request).await;
        let news = match answer {
            Ok(answer) => news(answer),
            // The first time nothing was carried out; a second time the first may have been.
            Err(EpError::NotSent(_) | EpError::Refused(_)) if put.times == 1 => {
                Some(ChargeNews::Refused { message: NOT_REACHED.to_owned() })
            }
            Err(error) => return self.unanswered(asked, &error).await,
        };
        match news {
            Some(news) => self.hear_charge(asked, news).await,
            None => self.lose(asked).await,
        }
    }

    /// Looks on the cart for the payment that was asked for.
    pub async fn find_charge(
        &mut self,
        stored: Stored,
        may_repeat: bool,
    ) -> Result<Option<Stored>, FlowError> {
        let ep = &self.px.elastic_path;
        let seen = ep.cart(Caller::Admin(&self.admin), &stored.purchase.terms.cart).await?;
        if let Some(payment) = seen.payment {
            if self.is_anothers(&stored.purchase, &payment).await? {
                return self.call_person(stored, Matter::AnotherPayment).await;
            }
            return Box::pin(self.ask_payment(stored, &payment)).await;
        }
        if !may_repeat {
            return Ok(None);
        }
        let Some(sequence) = self.sequence().await else { return Ok(None) };
        match self.put_question(stored, Purchase::charge_again).await? {
            Some(asked) => Box::pin(self.ask_charge(asked, &sequence)).await,
            None => Ok(None),
        }
    }

    async fn is_anothers(
        &self,
        purchase: &Purchase,
        payment: &EpPaymentId,
    ) -> Result<bool, StoreError> {
        let owner = self
            .px
            .store
            .read(payment.clone(), |tx, payment| Box::pin(rows::by_payment(tx, payment)))
            .await?;
        Ok(owner.is_some_and(|owner| owner.purchase.terms.id != purchase.terms.id))
    }

    /// Asks how a payment stands. One that can no longer be asked has ended: an order tells how.
    pub async fn ask_payment(
        &self,
        stored: Stored,
        payment: &EpPaymentId,
    ) -> Result<Option<Stored>, FlowError> {
        let purchase = &stored.purchase;
        let (ep, cart) = (&self.px.elastic_path, &purchase.terms.cart);
        match ep.ask_payment(&self.admin, cart, payment).await {
            // An answer that says nothing of the payment does not say that it is another's.
            Ok(PaymentView { stands: CartPayment::Unclear { .. }, named: None }) => Ok(None),
            Ok(view) if view.named.as_deref() != Some(purchase.external_ref().as_str()) => {
                self.call_person(stored, Matter::AnotherPayment).await
            }
            Ok(view) => match news(view.stands) {
                Some(news) => self.hear_charge(stored, news).await,
                None => Ok(None),
            },
            Err(EpError::Refused(no)) if matches!(no.status, 400 | 422) => {
                self.learn_by_order(stored, payment.clone()).await
            }
            Err(error) if error.refusal().is_some_and(|no| no.is_not_found()) => {
                self.miss_payment(stored, payment, error).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The cart is said not to have our payment. If it names another, or none, nobody can ask how
    /// ours stands any more, and a person must look.
    async fn miss_payment(
        &self,
        stored: Stored,
        payment: &EpPaymentId,
        error: EpError,
    ) -> Result<Option<Stored>, FlowError> {
        let name = &stored.purchase.terms.cart;
        let seen = self.px.elastic_path.cart(Caller::Admin(&self.admin), name).await?;
        match seen.payment.as_ref() == Some(payment) {
            true => Err(error.into()),
            false => self.call_person(stored, Matter::AnotherPayment).await,
        }
    }

    async fn learn_by_order(
        &self,
        stored: Stored,
        payment: EpPaymentId,
    ) -> Result<Option<Stored>, FlowError> {
        if is_watched(&stored.purchase) {
            // The shopper had given up, and the money was faster: what waited for her has ended. If
            // it has ended otherwise the order's payment says so, and a person hears of it.
            let amount = stored.purchase.terms.amount;
            return self.hear_charge(stored, ChargeNews::Succeeded { payment, amount }).await;
        }
        match stored.purchase.payment() {
            Some(_) => Box::pin(self.check_out(stored)).await,
            None => self.hear_charge(stored, ChargeNews::Untold { payment }).await,
        }
    }

    /// Compares the cart with what was charged, and asks for the order.
    pub async fn check_out(&self, stored: Stored) -> Result<Option<Stored>, FlowError> {
        let purchase = &stored.purchase;
        let (ep, name) = (&self.px.elastic_path, &purchase.terms.cart);
        let seen = ep.cart(Caller::Admin(&self.admin), name).await?;
        let seen = self.with_shipping(purchase, seen).await?;
        if !cart::is_as_seen(purchase, &seen) {
            return self.call_person(stored, Matter::CartChanged).await;
        }
        if seen.payment.as_ref() != purchase.payment() {
            return self.call_person(stored, Matter::AnotherPayment).await;
        }
        match self.put_question(stored, Purchase::check_out).await? {
            Some(asked) => Box::pin(self.ask_order(asked)).await,
            None => Ok(None),
        }
    }

    /// The shipping line is the server's own: where another tab has taken it out of a cart that is
    /// charged, it is put back.
    async fn with_shipping(
        &self,
        purchase: &Purchase,
        seen: CartView,
    ) -> Result<CartView, FlowError> {
        if cart::hash(&seen) != purchase.terms.cart_hash || cart::is_as_seen(purchase, &seen) {
            return Ok(seen);
        }
        let (visitor, session) = (purchase.terms.visitor, purchase.terms.session);
        let Ok((session, _)) = look(self.px, visitor, session).await else { return Ok(seen) };
        let rate = session.selected_rate();
        Ok(cart::put_shipping(self.px, Caller::Admin(&self.admin), seen, rate).await?)
    }

    /// Asks for the order. It is written down.
    pub async fn ask_order(&self, asked: Stored) -> Result<Option<Stored>, FlowError> {
        let terms = &asked.purchase.terms;
        let body = encode(&request(terms)?);
        let caller = Caller::Admin(&self.admin);
        match self.px.elastic_path.checkout(caller, &terms.cart, &body).await {
            Ok(order) => self.hear_order(asked, order).await,
            Err(EpError::Refused(no)) if !no.is_operator_fault() => {
                tracing::warn!(purchase = %terms.id, error = %no, "no order");
                self.hear(asked, Purchase::hear_no_order).await
            }
            Err(error) => self.unanswered(asked, &error).await,
        }
    }

    async fn hear_order(
        &self,
        stored: Stored,
        order: OrderView,
    ) -> Result<Option<Stored>, FlowError> {
        let Some(total) = order.total else { return self.lose(stored).await };
        let news = OrderNews { order: order.id, total };
        self.hear(stored, |purchase, now| purchase.hear_order(news.clone(), now)).await
    }

    /// Looks for an order that carries our name.
    pub async fn find_order(
        &self,
        stored: Stored,
        may_repeat: bool,
    ) -> Result<Option<Stored>, FlowError> {
        let external_ref = stored.purchase.external_ref();
        let mut orders = self.px.elastic_path.orders_named(&self.admin, &external_ref).await?;
        // Of twins the one that is paid; else the one that can be.
        orders.sort_by_key(|order| match (&order.payment, &order.status) {
            (OrderPayment::Paid | OrderPayment::Authorized, _) => 0,
            (_, OrderStatus::Cancelled) => 2,
            (_, _) => 1,
        });
        match (orders.into_iter().next(), may_repeat) {
            (Some(order), _) => self.hear_order(stored, order).await,
            (None, true) => Box::pin(self.check_out(stored)).await,
            (None, false) => Ok(None),
        }
    }

    /// Asks the platform to book the payment on the order.
    pub async fn confirm(
        &self,
        stored: Stored,
        order: &EpOrderId,
    ) -> Result<Option<Stored>, FlowError> {
        let Some(asked) = self.put_question(stored, Purchase::confirm).await? else {
            return Ok(None);
        };
        let ep = &self.px.elastic_path;
        let answer = match asked.purchase.payment() {
            Some(_) => ep.confirm(&self.admin, order, &asked.purchase.external_ref()).await,
            None => ep.pay_manually(&self.admin, order).await,
        };
        match answer {
            Ok(booked) => self.settle(asked, order, vec![booked]).await,
            Err(EpError::Refused(no)) if !no.is_operator_fault() => {
                tracing::warn!(%order, error = %no, "not booked");
                self.hear(asked, Purchase::hear_not_booked).await
            }
            Err(error) => self.unanswered(asked, &error).await,
        }
    }

    /// Reads the order and what it knows of payments; what is pending is brought up to date first.
    pub async fn read_order(
        &self,
        stored: Stored,
        order: &EpOrderId,
        may_repeat: bool,
    ) -> Result<Option<Stored>, FlowError> {
        let ep = &self.px.elastic_path;
        let mut booked = ep.transactions(&self.admin, order).await?;
        booked.retain(|one| is_ours(&stored.purchase, one));
        for one in &mut booked {
            if one.status == TransactionStatus::Pending
                && let Ok(now) = ep.confirm_transaction(&self.admin, order, &one.id).await
            {
                *one = now;
            }
        }
        let is_pending = booked.iter().any(|one| one.status == TransactionStatus::Pending);
        match (stored.purchase.state().clone(), may_repeat) {
            (PurchaseState::Confirming { .. }, true) if booked.is_empty() => {
                Box::pin(self.confirm(stored, order)).await
            }
            (PurchaseState::Cancelling { booking, .. }, true) if is_pending => {
                Box::pin(self.cancel(stored, &booking)).await
            }
            (_, true | false) => self.settle(stored, order, booked).await,
        }
    }

    /// Asks the platform to cancel the booking, and the payment with it; then the order goes too.
    pub async fn cancel(
        &self,
        stored: Stored,
        booking: &Booking,
    ) -> Result<Option<Stored>, FlowError> {
        let Some(asked) = self.put_question(stored, Purchase::cancel).await? else {
            return Ok(None);
        };
        let (ep, Booking { order, transaction, .. }) = (&self.px.elastic_path, booking);
        match ep.cancel_transaction(&self.admin, order, transaction).await {
            Ok(one) => {
                let moved = self.settle(asked, order, vec![one]).await?;
                if moved.as_ref().is_some_and(|moved| !moved.purchase.is_live()) {
                    self.cancel_order(order).await;
                }
                Ok(moved)
            }
            Err(EpError::Refused(no)) if !no.is_operator_fault() => {
                tracing::warn!(%order, error = %no, "not cancelled");
                self.hear(asked, Purchase::hear_not_cancelled).await
            }
            Err(error) => self.unanswered(asked, &error).await,
        }
    }

    /// An order that nobody pays is cancelled; one that stays harms nobody.
    async fn cancel_order(&self, order: &EpOrderId) {
        let change = OrderChange::Cancel;
        if let Err(error) = self.px.elastic_path.change_order(&self.admin, order, &change).await {
            tracing::warn!(%order, %error, "an order that is not paid stays");
        }
    }

    /// Reads the order and takes in how its payment stands: that a call was answered says nothing.
    async fn settle(
        &self,
        stored: Stored,
        order: &EpOrderId,
        booked: Vec<TransactionView>,
    ) -> Result<Option<Stored>, FlowError> {
        let Ok(seen) = self.px.elastic_path.order(&self.admin, order).await else {
            return self.hear_settlement(stored, Settlement::Unclear).await;
        };
        let news = settlement(&seen, &booked);
        if let (Settlement::Failed { .. }, Some(open)) = (&news, pending(&booked)) {
            // A browser could still bring it about with another card: it is closed, if that works.
            let closed =
                self.px.elastic_path.cancel_transaction(&self.admin, order, &open.id).await;
            if closed.is_ok() {
                self.cancel_order(order).await;
            }
        }
        self.hear_settlement(stored, news).await
    }
}

/// Whether a transaction books what pays this purchase.
pub(super) fn is_ours(purchase: &Purchase, one: &TransactionView) -> bool {
    match purchase.payment() {
        Some(payment) => one.payment.as_ref() == Some(payment),
        None => true,
    }
}

fn pending(booked: &[TransactionView]) -> Option<&TransactionView> {
    booked.iter().find(|one| one.status == TransactionStatus::Pending)
}

/// What the platform says of the charge; nothing where it does not say, or in words that no rule is
/// for.
fn news(answer: CartPayment) -> Option<ChargeNews> {
    match answer {
        // Money that is held for us is ours when the order says so.
        CartPayment::Succeeded { payment, amount }
        | CartPayment::Authorized { payment, amount } => {
            Some(ChargeNews::Succeeded { payment, amount: amount? })
        }
        CartPayment::Processing { payment, amount } => {
            Some(ChargeNews::Processing { payment, amount: amount? })
        }
        CartPayment::RequiresAction { payment, amount, client_secret } => {
            let client_secret = ClientSecret::new(client_secret.expose()).ok()?;
            Some(ChargeNews::RequiresAction { payment, amount: amount?, client_secret })
        }
        CartPayment::Declined { payment: Some(payment), message } => {
            Some(ChargeNews::Declined { payment: Some(payment), message })
        }
        // The request was refused, perhaps because its token had paid before.
        CartPayment::Declined { payment: None, message } => Some(ChargeNews::Refused { message }),
        // It was to be tried with this very token.
        CartPayment::Untried { payment } => {
            Some(ChargeNews::Declined { payment: Some(payment), message: FAILED.to_owned() })
        }
        CartPayment::Unclear { payment: _ } => None,
    }
}

/// How an order's payment stands, by its own word and that of its transactions together.
fn settlement(order: &OrderView, booked: &[TransactionView]) -> Settlement {
    if let Some(done) = booked.iter().find(|one| one.has_happened()) {
        let is_paid = matches!(order.payment, OrderPayment::Paid | OrderPayment::Authorized);
        return match (is_paid, done.amount) {
            (true, Some(amount)) => Settlement::Paid { transaction: done.id.clone(), amount },
            (true, None) | (false, _) => Settlement::Unclear,
        };
    }
    if let Some(open) = pending(booked) {
        let transaction = open.id.clone();
        return match open.waits_for() {
            WaitsFor::AnotherWay => Settlement::Failed { message: FAILED.to_owned() },
            WaitsFor::Nothing => Settlement::Cancelled,
            WaitsFor::Shopper => {
                let secret = open.client_secret.as_ref();
                let client_secret = secret.and_then(|one| ClientSecret::new(one.expose()).ok());
                Settlement::Pending { transaction, client_secret }
            }
            WaitsFor::Bank => Settlement::Pending { transaction, client_secret: None },
        };
    }
    match booked.last().map(|one| &one.status) {
        Some(TransactionStatus::Failed) => Settlement::Failed { message: FAILED.to_owned() },
        Some(TransactionStatus::Cancelled) => Settlement::Cancelled,
        Some(
            TransactionStatus::Pending | TransactionStatus::Complete | TransactionStatus::Other(_),
        )
        | None => Settlement::Unclear,
    }
}
