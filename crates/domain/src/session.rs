//! A checkout under way: what the shopper has said so far, and how the one payment stands that it
//! led to.
//!
//! The session is a row and the browser knows its name alone: an old cookie cannot bring back what
//! has been. It moves no money. It *follows* a payment, its own or the one that another tab or
//! session of the same cart has begun ([`CheckoutSession::begin`]), and shows how that stands
//! ([`CheckoutSession::show`]); whoever moves the payment shows it to all that follow, in the same
//! transaction. A session that follows a payment which may still move money does not expire.

use jiff::{SignedDuration, Timestamp};

use crate::{
    elastic_path::EpCartId,
    id::{CartId, OrderId, PurchaseId, SessionId, VisitorId},
    money::Money,
    payment::{Payment, PaymentState},
    purchase::{CartHash, ClientSecret},
};

mod form;
mod totals;

use form::bounded;
pub use form::{
    AddressPart, AllowedAttributes, AttributeValue, Attributes, AttributesError, Customer,
    FormAddress, NumberText, PostcodeRule, TEXT_CHARS_MAX, TextError,
};
pub use totals::{SeenTotal, SessionTotals};

/// A visitor's checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutSession {
    /// Our id; the cookie carries it.
    pub id: SessionId,
    /// Whose it is. The id in another visitor's hands is nothing.
    pub visitor: VisitorId,
    /// What is bought.
    pub cart: SessionCart,
    /// What was in the cart when the shopper last saw it. Never leaves the server.
    pub cart_hash: CartHash,
    /// What she has said.
    pub form: Form,
    /// What sending may cost, as it was last offered; at most [`CheckoutSession::RATES_MAX`].
    rates: Vec<Rate>,
    /// What she pays, as she last saw it; nothing before the cart has been priced.
    pub totals: Option<SessionTotals>,
    state: SessionState,
    lifetime: SignedDuration,
    expires_at: Timestamp,
}

/// What a session is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionCart {
    /// A cart of our own.
    Here(CartId),
    /// A cart at the platform.
    Platform(EpCartId),
}

/// What the shopper has said so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// Who she is.
    pub customer: Option<Customer>,
    /// Where the goods go.
    pub shipping_address: Option<FormAddress>,
    /// Where the bill goes.
    pub billing_address: Option<FormAddress>,
    /// How it is sent: the id of a rate.
    pub rate: Option<RateId>,
    /// Whether the storefront says that something must be sent. It may be wrong about no.
    pub requires_shipping: bool,
    /// What the storefront notes with the order.
    pub attributes: Attributes,
}

/// What changes in a form; what is not there stays. Attributes are put over the old ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    /// Whether who she is and where it goes is forgotten first: somebody else fills it in.
    pub is_anew: bool,
    /// Who she is.
    pub customer: Option<Customer>,
    /// Where the goods go.
    pub shipping_address: Option<FormAddress>,
    /// Where the bill goes.
    pub billing_address: Option<FormAddress>,
    /// How it is sent.
    pub rate: Option<RateId>,
    /// Whether something must be sent.
    pub requires_shipping: Option<bool>,
    /// What the storefront notes, of what the shop takes.
    pub attributes: Attributes,
}

/// The id of a shipping rate: 1 to [`TEXT_CHARS_MAX`] characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateId(String);

impl RateId {
    /// An id as the storefront or the configuration wrote it.
    pub fn new(text: &str) -> Result<Self, TextError> {
        let what = "selectedShippingRateId";
        let text = bounded(what, text, TEXT_CHARS_MAX)?;
        (!text.is_empty())
            .then_some(Self(text))
            .ok_or(TextError { what, chars_max: TEXT_CHARS_MAX })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One way to send an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// What the shopper selects it by.
    pub id: RateId,
    /// What it costs.
    pub amount: Money,
    /// What she reads of it.
    pub words: RateWords,
}

/// What the shopper reads of a rate; each text may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RateWords {
    /// Its name.
    pub name: String,
    /// A sentence.
    pub description: String,
    /// How long it takes.
    pub delivery_time: String,
    /// How fast, in one word.
    pub service_level: String,
    /// Who brings it.
    pub carrier: String,
}

impl RateWords {
    /// The same with bounds kept.
    pub fn checked(self) -> Result<Self, TextError> {
        let kept = |text: &str| bounded("shipping rate", text, TEXT_CHARS_MAX);
        Ok(Self {
            name: kept(&self.name)?,
            description: kept(&self.description)?,
            delivery_time: kept(&self.delivery_time)?,
            service_level: kept(&self.service_level)?,
            carrier: kept(&self.carrier)?,
        })
    }
}

/// Which payment a session follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// The payment of an order of our own.
    Order(OrderId),
    /// A purchase at the platform.
    Purchase(PurchaseId),
}

/// Where a session stands. Each state is one pair of the contract's two words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionState {
    /// The shopper is filling in, or may try again.
    Open {
        /// The last try, and why it failed.
        failed: Option<FailedTry>,
    },
    /// Money may be moving.
    Processing {
        /// Which payment.
        followed: Followed,
        /// The platform and we disagree, and a person looks at it.
        reconciling: bool,
    },
    /// The shopper must prove to her bank who she is.
    ActionRequired {
        /// Which payment.
        followed: Followed,
        /// What her browser needs for it.
        action: Action,
    },
    /// It is bought. The end.
    Complete {
        /// What with.
        followed: Followed,
        /// The order.
        order: SessionOrder,
    },
    /// She did not come back in time.
    Expired {
        /// The last try, and why it failed.
        failed: Option<FailedTry>,
    },
}

/// A try to pay that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedTry {
    /// Which payment.
    pub followed: Followed,
    /// What the shopper reads.
    pub message: String,
}

/// What a browser needs for the challenge of a bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The gateway's name of the payment.
    pub reference: String,
    /// By which the browser may take part in it.
    pub client_secret: ClientSecret,
}

/// The order that came of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOrder {
    /// Its id: ours, or the platform's.
    pub id: String,
    /// The platform's name of what paid it.
    pub transaction: Option<String>,
    /// There was nothing to pay.
    pub is_free: bool,
}

/// How the payment stands that a session follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Money may be moving, or nobody knows.
    Pending {
        /// A person looks at it.
        reconciling: bool,
    },
    /// The shopper must prove who she is.
    ActionRequired(Action),
    /// It came to nothing; the shopper reads why, and may try again.
    Failed {
        /// What she reads.
        message: String,
    },
    /// It ended before anything was asked of a gateway; the shopper may pay.
    NotBegun,
    /// It is bought.
    Succeeded(SessionOrder),
}

/// Why a session cannot do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionRefusal {
    /// A payment is under way, and must end first.
    #[error("a payment of this session is under way")]
    PaymentUnderWay,
    /// It is complete or expired.
    #[error("this session is over")]
    Over,
    /// The form would hold too much.
    #[error(transparent)]
    Attributes(#[from] AttributesError),
}

/// What a new session begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Our id.
    pub id: SessionId,
    /// Whose it is.
    pub visitor: VisitorId,
    /// What is bought.
    pub cart: SessionCart,
    /// What is in it.
    pub cart_hash: CartHash,
    /// What it costs.
    pub totals: Option<SessionTotals>,
    /// Whether something must be sent.
    pub requires_shipping: bool,
    /// How long it waits for the shopper; each step of hers begins it anew.
    pub lifetime: SignedDuration,
    /// Now.
    pub at: Timestamp,
}

impl CheckoutSession {
    /// More rates than a shopper reads.
    pub const RATES_MAX: usize = 50;

    /// A new session.
    pub fn open(new: NewSession) -> Self {
        let NewSession { requires_shipping, lifetime, at, .. } = new;
        Self {
            id: new.id,
            visitor: new.visitor,
            cart: new.cart,
            cart_hash: new.cart_hash,
            form: Form { requires_shipping, ..Form::default() },
            rates: Vec::new(),
            totals: new.totals,
            state: SessionState::Open { failed: None },
            lifetime,
            expires_at: at + lifetime,
        }
    }

    /// A stored session.
    pub fn restore(
        fresh: Self,
        form: Form,
        rates: Vec<Rate>,
        (state, expires_at): (SessionState, Timestamp),
    ) -> Self {
        Self { form, rates, state, expires_at, ..fresh }
    }

    /// Where it stands.
    pub fn state(&self) -> &SessionState {
        &self.state
    }

    /// What sending may cost.
    pub fn rates(&self) -> &[Rate] {
        &self.rates
    }

    /// How long it waits for the shopper after each step of hers.
    pub fn lifetime(&self) -> SignedDuration {
        self.lifetime
    }

    /// Until when it waits for the shopper, unless a payment is under way.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The selected one of the rates that were offered.
    pub fn selected_rate(&self) -> Option<&Rate> {
        self.rates.iter().find(|rate| Some(&rate.id) == self.form.rate.as_ref())
    }

    /// Which of the fields are missing that an order needs, in the contract's order. Whether goods
    /// must be sent is more than the storefront's word: who calls has looked at the goods.
    pub fn missing(&self, must_ship: bool, postcode: PostcodeRule) -> Vec<&'static str> {
        let lacks = |address: &Option<FormAddress>| {
            !address.as_ref().is_some_and(|address| address.is_complete(postcode))
        };
        let has_customer = self.form.customer.as_ref().is_some_and(Customer::is_complete);
        [
            (!has_customer, "customerInfo"),
            (lacks(&self.form.billing_address), "billingAddress"),
            (must_ship && lacks(&self.form.shipping_address), "shippingAddress"),
            (must_ship && self.form.rate.is_none(), "selectedShippingRateId"),
        ]
        .into_iter()
        .filter_map(|(is_missing, field)| is_missing.then_some(field))
        .collect()
    }

    /// Takes in what the shopper typed.
    pub fn patch(self, patch: Patch, now: Timestamp) -> Result<Self, SessionRefusal> {
        let session = self.if_open()?;
        let before = if patch.is_anew { session.form.without_person() } else { session.form };
        let form = Form {
            customer: patch.customer.or(before.customer),
            shipping_address: patch.shipping_address.or(before.shipping_address),
            billing_address: patch.billing_address.or(before.billing_address),
            rate: patch.rate.or(before.rate),
            requires_shipping: patch.requires_shipping.unwrap_or(before.requires_shipping),
            attributes: before.attributes.merged(patch.attributes)?,
        };
        Ok(Self { form, ..session }.renewed(now))
    }

    /// Offers other ways to send the order; a selection that is not among them is dropped. Those
    /// beyond [`CheckoutSession::RATES_MAX`] are not offered.
    pub fn offer(self, mut rates: Vec<Rate>, now: Timestamp) -> Result<Self, SessionRefusal> {
        let mut session = self.if_open()?;
        rates.truncate(Self::RATES_MAX);
        session.rates = rates;
        if session.selected_rate().is_none() {
            session.form.rate = None;
        }
        Ok(session.renewed(now))
    }

    /// Shows the shopper the cart as it is now.
    pub fn price(
        self,
        cart_hash: CartHash,
        totals: SessionTotals,
        now: Timestamp,
    ) -> Result<Self, SessionRefusal> {
        let session = self.if_open()?;
        Ok(Self { cart_hash, totals: Some(totals), ..session }.renewed(now))
    }

    /// The shopper pays, or asks again while she does: from here on the session follows a payment
    /// of its cart. To follow the same one again changes nothing.
    pub fn begin(self, followed: Followed, now: Timestamp) -> Result<Self, SessionRefusal> {
        use SessionState as S;
        match &self.state {
            S::Open { .. } => {
                let state = S::Processing { followed, reconciling: false };
                Ok(Self { state, ..self }.renewed(now))
            }
            S::Processing { followed: there, .. } | S::ActionRequired { followed: there, .. } => {
                let is_same = *there == followed;
                is_same.then_some(self).ok_or(SessionRefusal::PaymentUnderWay)
            }
            S::Complete { .. } | S::Expired { .. } => Err(SessionRefusal::Over),
        }
    }

    /// Shows how the payment stands. That of another payment changes nothing, and nothing undoes
    /// a success. A session that had expired or failed comes to know of a success all the same.
    ///
    /// `paid_for` is what the payment buys. A session that saw something else in its cart waits for
    /// its end, like everybody who has that cart; but what it saw is not bought by it.
    #[must_use]
    pub fn show(
        self,
        of: Followed,
        standing: Standing,
        paid_for: CartHash,
        now: Timestamp,
    ) -> Self {
        use SessionState as S;
        if self.followed() != Some(of) {
            return self;
        }
        let state = match (self.state.clone(), standing) {
            (state @ S::Complete { .. }, _) => state,
            (S::Processing { .. } | S::ActionRequired { .. }, Standing::Succeeded(_))
                if self.cart_hash != paid_for =>
            {
                S::Open { failed: None }
            }
            (_, Standing::Succeeded(order)) => S::Complete { followed: of, order },
            // A late word of a try that failed opens nothing, except that the payment goes on.
            (state @ S::Expired { .. }, Standing::Failed { .. } | Standing::NotBegun) => state,
            (
                S::Open { .. } | S::Processing { .. } | S::ActionRequired { .. },
                Standing::NotBegun,
            ) => S::Open { failed: None },
            (
                S::Open { .. }
                | S::Processing { .. }
                | S::ActionRequired { .. }
                | S::Expired { .. },
                Standing::Pending { reconciling },
            ) => S::Processing { followed: of, reconciling },
            (
                S::Open { .. }
                | S::Processing { .. }
                | S::ActionRequired { .. }
                | S::Expired { .. },
                Standing::ActionRequired(action),
            ) => S::ActionRequired { followed: of, action },
            (
                S::Open { .. } | S::Processing { .. } | S::ActionRequired { .. },
                Standing::Failed { message },
            ) => S::Open { failed: Some(FailedTry { followed: of, message }) },
        };
        match state == self.state {
            true => self,
            false => Self { state, ..self }.renewed(now),
        }
    }

    /// Ends a session whose time is over. While money may move, it stays, and so does its end.
    #[must_use]
    pub fn expire(self, now: Timestamp) -> Self {
        use SessionState as S;
        match self.state {
            S::Open { failed } if now >= self.expires_at => {
                Self { state: S::Expired { failed }, ..self }
            }
            S::Open { .. }
            | S::Processing { .. }
            | S::ActionRequired { .. }
            | S::Complete { .. }
            | S::Expired { .. } => self,
        }
    }

    /// The payment that it follows, or followed last.
    pub fn followed(&self) -> Option<Followed> {
        self.state.followed()
    }

    fn if_open(self) -> Result<Self, SessionRefusal> {
        use SessionState as S;
        match self.state {
            S::Open { .. } => Ok(self),
            S::Processing { .. } | S::ActionRequired { .. } => Err(SessionRefusal::PaymentUnderWay),
            S::Complete { .. } | S::Expired { .. } => Err(SessionRefusal::Over),
        }
    }

    fn renewed(self, now: Timestamp) -> Self {
        Self { expires_at: self.expires_at.max(now + self.lifetime), ..self }
    }
}

impl SessionState {
    /// Every `session.status` of the contract.
    pub const STATUSES: [&str; 4] = ["open", "processing", "complete", "expired"];
    /// Every `session.payment.status` of the contract.
    pub const PAYMENT_STATUSES: [&str; 5] =
        ["idle", "pending", "requires_action", "succeeded", "failed"];

    /// The payment that a session in this state follows, or followed last.
    pub fn followed(&self) -> Option<Followed> {
        match self {
            Self::Open { failed } | Self::Expired { failed } => {
                failed.as_ref().map(|failed| failed.followed)
            }
            Self::Processing { followed, .. }
            | Self::ActionRequired { followed, .. }
            | Self::Complete { followed, .. } => Some(*followed),
        }
    }

    /// The state's name in rows, logs and `docs/states.md`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Processing { .. } => "processing",
            Self::ActionRequired { .. } => "action_required",
            Self::Complete { .. } => "complete",
            Self::Expired { .. } => "expired",
        }
    }

    /// `session.status` of the contract: a session whose shopper has a challenge to solve is open.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Open { .. } | Self::ActionRequired { .. } => "open",
            Self::Processing { .. } => "processing",
            Self::Complete { .. } => "complete",
            Self::Expired { .. } => "expired",
        }
    }

    /// `session.payment.status` of the contract.
    pub fn payment_status(&self) -> &'static str {
        match self {
            Self::Open { failed: None } | Self::Expired { failed: None } => "idle",
            Self::Open { failed: Some(_) } | Self::Expired { failed: Some(_) } => "failed",
            Self::Processing { .. } => "pending",
            Self::ActionRequired { .. } => "requires_action",
            Self::Complete { .. } => "succeeded",
        }
    }
}

impl Standing {
    /// How the payment of an order of our own stands. What came of it is `answered` by the
    /// gateway's word to our own call; the order turns paid with the event.
    pub fn of_payment(payment: &Payment, client_secret: Option<&ClientSecret>) -> Self {
        use PaymentState as S;
        let pending = Self::Pending { reconciling: false };
        let failed = |message: &str| Self::Failed { message: message.to_owned() };
        match payment.state() {
            // One that is open was never confirmed, or its shopper must choose another way to pay.
            S::Created | S::Unknown | S::Open | S::Processing | S::Closing { .. } => pending,
            S::Declined { decline } => failed(&decline.message),
            S::RequiresAction => match (payment.reference(), client_secret) {
                (Some(reference), Some(client_secret)) => Self::ActionRequired(Action {
                    reference: reference.as_str().to_owned(),
                    client_secret: client_secret.clone(),
                }),
                (_, None) | (None, Some(_)) => pending,
            },
            S::Answered | S::Succeeded { .. } => Self::Succeeded(SessionOrder {
                id: payment.order.to_string(),
                transaction: payment.reference().map(|name| name.as_str().to_owned()),
                is_free: false,
            }),
            S::Failed { .. } => failed("The payment failed. Nothing was charged."),
            S::Cancelled => failed("The payment was given up. Nothing was charged."),
        }
    }
}

#[cfg(test)]
mod tests;
