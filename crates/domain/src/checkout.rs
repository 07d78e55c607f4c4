//! Turning a cart into an order: everything that can be known to be wrong is found here, before
//! any money moves.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::{
    cart::{Cart, PriceChange, Shortage},
    catalog::Offer,
    contact::{Address, CountryCode, Email},
    id::{OrderId, PaymentId},
    money::{Money, MoneyError},
    order::{Fingerprint, Marketing, Order, OrderParts},
    payment::Payment,
    pricing::{PriceError, PriceRules},
    purchase::PayToken,
    session::Attributes,
};

/// What the shopper says at checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutRequest {
    /// Where the receipt goes.
    pub email: Email,
    /// Where the goods go.
    pub shipping_address: Address,
    /// Where the bill goes.
    pub billing_address: Address,
    /// Whether she wants to hear from the shop.
    pub marketing: Marketing,
    /// What pays, where that is known already; else her browser confirms the payment.
    pub token: Option<PayToken>,
    /// What sending costs, where she has chosen it from what she was offered; else the shop's own
    /// price for where it goes.
    pub shipping: Option<Money>,
    /// What the storefront notes with the order.
    pub attributes: Attributes,
}

impl CheckoutRequest {
    /// Whether an order was made with just these answers, whatever paid it.
    pub fn is_that_of(&self, order: &Order) -> bool {
        let Self { email, shipping_address, billing_address, marketing, .. } = self;
        let Self { token: _, shipping, attributes, .. } = self;
        *email == order.email
            && *shipping_address == order.shipping_address
            && *billing_address == order.billing_address
            && *marketing == order.marketing
            && shipping.is_none_or(|shipping| shipping == order.totals.shipping())
            && *attributes == order.attributes
    }
}

/// What the outside world contributes to a new order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewOrder {
    /// The order's id.
    pub order: OrderId,
    /// Its payment's id.
    pub payment: PaymentId,
    /// Now.
    pub at: Timestamp,
    /// Until when the shop waits for the money.
    pub expires_at: Timestamp,
}

/// What the gateway can charge in the shop's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChargeLimits {
    /// The smallest amount above zero.
    pub minimum: Money,
    /// Amounts are multiples of so many minor units.
    pub step_minor: i64,
    /// Whether payments are about real money.
    pub livemode: bool,
}

/// An order that may be made, and the payment to ask for; a total of zero needs none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The order.
    pub order: Order,
    /// The payment of its total.
    pub payment: Option<Payment>,
}

/// Why a cart cannot become an order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is nothing in the cart.
    #[error("the cart is empty")]
    CartEmpty,
    /// The shopper saw other prices.
    #[error("prices have changed")]
    PriceChanged(Vec<PriceChange>),
    /// There is less than the cart asks for.
    #[error("stock has changed")]
    StockChanged(Vec<Shortage>),
    /// The goods must be sent, and the shop does not send there.
    #[error("the shop does not send to {0}")]
    NotSentTo(CountryCode),
    /// The total is above zero and below what can be charged.
    #[error("the total is below {minimum}, the least that can be charged")]
    AmountTooSmall {
        /// The least that can be charged.
        minimum: Money,
    },
    /// The total cannot be charged exactly in this currency, or is too large.
    #[error("the total cannot be charged")]
    AmountNotChargeable,
}

impl From<MoneyError> for Refusal {
    fn from(_: MoneyError) -> Self {
        Self::AmountNotChargeable
    }
}

impl From<PriceError> for Refusal {
    fn from(error: PriceError) -> Self {
        match error {
            PriceError::NotSentTo(country) => Self::NotSentTo(country),
            PriceError::Money(_) | PriceError::DoesNotAddUp(_) => Self::AmountNotChargeable,
        }
    }
}

/// Makes an order of a cart, or says why not. `offers` are the catalogue's products of the cart.
pub fn place(
    cart: &Cart,
    offers: &[Offer],
    request: CheckoutRequest,
    new: NewOrder,
    (rules, limits): (&PriceRules, &ChargeLimits),
) -> Result<Placed, Refusal> {
    if cart.lines().is_empty() {
        return Err(Refusal::CartEmpty);
    }
    let drift = cart.drift(offers);
    // Stock first: a price that changed on something sold out is not worth a second round.
    if !drift.shortages.is_empty() {
        return Err(Refusal::StockChanged(drift.shortages));
    }
    if !drift.prices.is_empty() {
        return Err(Refusal::PriceChanged(drift.prices));
    }
    let requires_shipping = cart.lines().iter().any(|line| line.requires_shipping);
    let country = request.shipping_address.country();
    let subtotal = cart.subtotal()?;
    let totals = match request.shipping {
        Some(shipping) if requires_shipping => rules.totals_with(subtotal, country, shipping)?,
        Some(_) | None => rules.totals(subtotal, country, requires_shipping)?,
    };
    check_chargeable(totals.total(), limits)?;
    let parts = OrderParts {
        id: new.order,
        visitor: cart.visitor,
        cart: cart.id,
        fingerprint: fingerprint(cart, &request),
        email: request.email,
        marketing: request.marketing,
        shipping_address: request.shipping_address,
        billing_address: request.billing_address,
        lines: cart.lines().to_vec(),
        totals,
        attributes: request.attributes,
        created_at: new.at,
    };
    let payment = (!totals.total().is_zero())
        .then(|| Payment::new(new.payment, new.order, totals.total(), limits.livemode));
    Ok(Placed { order: Order::place(parts, new.expires_at), payment })
}

fn check_chargeable(total: Money, limits: &ChargeLimits) -> Result<(), Refusal> {
    if total.is_zero() {
        return Ok(());
    }
    if total.minor() < limits.minimum.minor() {
        return Err(Refusal::AmountTooSmall { minimum: limits.minimum });
    }
    if total.minor() % limits.step_minor != 0 {
        return Err(Refusal::AmountNotChargeable);
    }
    Ok(())
}

/// A digest of everything the shopper asked for. Each part is preceded by its length, so that no
/// two requests run together into one.
pub fn fingerprint(cart: &Cart, request: &CheckoutRequest) -> Fingerprint {
    let mut digest = Sha256::new();
    let mut add = |part: &[u8]| {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    };
    add(cart.id.0.as_bytes());
    for line in cart.lines() {
        add(line.product.0.as_bytes());
        add(&line.quantity.count().to_be_bytes());
        add(&line.unit_price.minor().to_be_bytes());
        add(line.unit_price.currency().code().as_bytes());
    }
    add(request.email.as_str().as_bytes());
    add(match request.marketing {
        Marketing::Accepted => b"accepted",
        Marketing::Declined => b"declined",
    });
    for address in [&request.shipping_address, &request.billing_address] {
        add(address.name().as_bytes());
        add(address.company().unwrap_or_default().as_bytes());
        add(address.street().as_bytes());
        add(address.postal_code().as_bytes());
        add(address.city().as_bytes());
        add(address.country().as_str().as_bytes());
        add(address.phone().unwrap_or_default().as_bytes());
    }
    // Another token is another try to pay, and a try is an order of its own.
    if let Some(token) = &request.token {
        add(token.reveal().as_bytes());
    }
    if let Some(shipping) = &request.shipping {
        add(b"shipping");
        add(&shipping.minor().to_be_bytes());
    }
    for (name, value) in request.attributes.iter() {
        let (kind, text) = value.words();
        ["attribute", name, kind, text].iter().for_each(|part| add(part.as_bytes()));
    }
    Fingerprint(digest.finalize().into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::*;
    use crate::{
        cart::Line,
        catalog::{Product, Quantity, Stock},
        contact::AddressDraft,
        id::{CartId, LineId, ProductId, VisitorId},
        order::OrderState,
        pricing::{PerCountry, ShippingRate, TaxMode, TaxRate},
        session::AttributeValue,
    };

    fn money(minor: i64, code: &str) -> Money {
        Money::new(minor, code.parse().unwrap()).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn offer(price: Money, on_hand: u32) -> Offer {
        let product = Product {
            id: ProductId(Uuid::from_u128(7)),
            sku: "mug".into(),
            name: "Mug".into(),
            description: String::new(),
            image: None,
            price,
            stock: Stock::new(on_hand, 0).unwrap(),
            active: true,
            requires_shipping: true,
        };
        Offer { product, held: 0 }
    }

    fn download(price: Money) -> Offer {
        let mut offer = offer(price, 10);
        offer.product.requires_shipping = false;
        offer
    }

    fn empty(currency: &str) -> Cart {
        let visitor = VisitorId(Uuid::from_u128(2));
        Cart::empty(CartId(Uuid::from_u128(1)), visitor, currency.parse().unwrap())
    }

    fn cart_of(offer: &Offer, count: i64) -> Cart {
        let cart = empty(offer.product.price.currency().code());
        let count = Quantity::new(count).unwrap();
        cart.add(offer, count, LineId(Uuid::from_u128(3))).unwrap().0
    }

    fn draft(country: &str, postal_code: &str) -> AddressDraft {
        AddressDraft {
            name: "Ada".into(),
            company: None,
            street: "Hauptstr. 1".into(),
            postal_code: postal_code.into(),
            city: "Berlin".into(),
            country: country.into(),
            phone: None,
        }
    }

    fn request_to(country: &str, postal_code: &str) -> CheckoutRequest {
        let address = Address::parse(&draft(country, postal_code)).unwrap();
        CheckoutRequest {
            email: "ada@example.org".parse().unwrap(),
            shipping_address: address.clone(),
            billing_address: address,
            marketing: Marketing::Declined,
            token: None,
            shipping: None,
            attributes: Attributes::default(),
        }
    }

    fn noting(value: AttributeValue) -> CheckoutRequest {
        let attributes = Attributes::new([("gift".to_owned(), value)]).unwrap();
        CheckoutRequest { attributes, ..request() }
    }

    fn request() -> CheckoutRequest {
        request_to("DE", "10115")
    }

    fn rules(currency: &str) -> PriceRules {
        let rate =
            ShippingRate { flat: money(490, currency), free_from: Some(money(5000, currency)) };
        PriceRules {
            currency: currency.parse().unwrap(),
            shipping: PerCountry {
                countries: BTreeMap::from([("DE".parse().unwrap(), rate)]),
                otherwise: None,
            },
            tax: PerCountry::everywhere(TaxRate(1900)),
            tax_mode: TaxMode::Included,
        }
    }

    fn limits(minimum: Money, step_minor: i64) -> ChargeLimits {
        ChargeLimits { minimum, step_minor, livemode: false }
    }

    fn new() -> NewOrder {
        NewOrder {
            order: OrderId(Uuid::from_u128(11)),
            payment: PaymentId(Uuid::from_u128(12)),
            at: at(0),
            expires_at: at(1800),
        }
    }

    /// Places the cart in a euro shop that charges from 0.50 on.
    fn order(cart: &Cart, offer: &Offer, request: CheckoutRequest) -> Result<Placed, Refusal> {
        let offers = std::slice::from_ref(offer);
        place(cart, offers, request, new(), (&rules("EUR"), &limits(money(50, "EUR"), 1)))
    }

    #[test]
    fn sending_costs_what_the_shopper_has_chosen_where_she_had_a_choice() {
        let mug = offer(money(2499, "EUR"), 10);
        let chosen = CheckoutRequest { shipping: Some(money(999, "EUR")), ..request() };
        let Placed { order: sent, .. } = order(&cart_of(&mug, 1), &mug, chosen.clone()).unwrap();
        assert_eq!(
            (sent.totals.shipping(), sent.totals.total()),
            (money(999, "EUR"), money(3498, "EUR"))
        );
        assert!(chosen.is_that_of(&sent) && request().is_that_of(&sent));
        let other = CheckoutRequest { shipping: Some(money(0, "EUR")), ..request() };
        assert!(!other.is_that_of(&sent));

        let book = download(money(2499, "EUR"));
        let Placed { order, .. } = order(&cart_of(&book, 1), &book, chosen).unwrap();
        assert_eq!(order.totals.shipping(), money(0, "EUR"), "nothing is sent");
    }

    #[test]
    fn a_cart_becomes_a_pending_order_and_the_payment_of_its_total() {
        let mug = offer(money(2499, "EUR"), 10);
        let cart = cart_of(&mug, 2);
        let Placed { order, payment } = order(&cart, &mug, request()).unwrap();
        assert_eq!(order.state(), &OrderState::Pending { expires_at: at(1800) });
        assert_eq!((order.lines.as_slice(), order.created_at), (cart.lines(), at(0)));
        assert_eq!(order.totals.shipping(), money(490, "EUR"));
        let total = money(5488, "EUR");
        assert_eq!(order.totals.total(), total);
        assert_eq!(payment, Some(Payment::new(new().payment, order.id, total, false)));
    }

    #[test]
    fn an_empty_cart_is_refused() {
        let mug = offer(money(2499, "EUR"), 10);
        assert_eq!(order(&empty("EUR"), &mug, request()), Err(Refusal::CartEmpty));
    }

    #[test]
    fn a_price_that_the_shopper_did_not_see_is_refused_with_the_old_and_the_new() {
        let cart = cart_of(&offer(money(2499, "EUR"), 10), 2);
        for new in [2399, 2599] {
            let refused = order(&cart, &offer(money(new, "EUR"), 10), request());
            let Err(Refusal::PriceChanged(changes)) = refused else { panic!("{refused:?}") };
            assert_eq!((changes[0].old, changes[0].new), (money(2499, "EUR"), money(new, "EUR")));
        }
    }

    #[test]
    fn what_is_no_longer_there_is_refused_with_what_is_left() {
        let cart = cart_of(&offer(money(2499, "EUR"), 10), 2);
        let refused = order(&cart, &offer(money(2499, "EUR"), 1), request());
        let Err(Refusal::StockChanged(short)) = refused else { panic!("{refused:?}") };
        assert_eq!((short[0].wanted, short[0].available), (2, 1));
        let gone =
            place(&cart, &[], request(), new(), (&rules("EUR"), &limits(money(50, "EUR"), 1)));
        assert!(matches!(gone, Err(Refusal::StockChanged(_))));
    }

    #[test]
    fn missing_stock_is_told_before_a_changed_price() {
        let cart = cart_of(&offer(money(2499, "EUR"), 10), 2);
        let refused = order(&cart, &offer(money(2599, "EUR"), 1), request());
        assert!(matches!(refused, Err(Refusal::StockChanged(_))), "{refused:?}");
    }

    #[test]
    fn goods_are_not_sent_where_the_shop_does_not_send_but_downloads_are() {
        let (mug, file) = (offer(money(2499, "EUR"), 10), download(money(500, "EUR")));
        let to_austria = || request_to("AT", "1010");
        let refused = order(&cart_of(&mug, 1), &mug, to_austria());
        assert_eq!(refused, Err(Refusal::NotSentTo("AT".parse().unwrap())));
        let placed = order(&cart_of(&file, 1), &file, to_austria()).unwrap();
        assert_eq!(placed.order.totals.total(), money(500, "EUR"));
    }

    #[test]
    fn the_goods_address_decides_where_it_is_sent_not_the_bills() {
        let mug = offer(money(2499, "EUR"), 10);
        let abroad = request_to("AT", "1010").billing_address;
        let request = CheckoutRequest { billing_address: abroad, ..request() };
        assert!(order(&cart_of(&mug, 1), &mug, request).is_ok());
    }

    #[test]
    fn a_total_of_zero_is_paid_at_once_and_needs_no_payment() {
        let free = download(money(0, "EUR"));
        let Placed { order, payment } = order(&cart_of(&free, 1), &free, request()).unwrap();
        assert_eq!((order.state().name(), payment), ("paid", None));
    }

    #[test]
    fn a_total_below_the_minimum_is_refused_and_the_minimum_itself_is_not() {
        let minimum = money(50, "EUR");
        for (price, expected) in [(1, Err(())), (49, Err(())), (50, Ok(())), (51, Ok(()))] {
            let file = download(money(price, "EUR"));
            let placed = order(&cart_of(&file, 1), &file, request());
            let outcome = placed.map(drop);
            assert_eq!(outcome, expected.map_err(|()| Refusal::AmountTooSmall { minimum }));
        }
    }

    #[test]
    fn a_total_between_two_steps_is_refused_not_rounded() {
        let limits = limits(money(17_500, "HUF"), 100);
        for (price, expected) in [
            (20_000, Ok(())),
            (20_050, Err(Refusal::AmountNotChargeable)),
            (20_099, Err(Refusal::AmountNotChargeable)),
            (20_100, Ok(())),
        ] {
            let file = download(money(price, "HUF"));
            let cart = cart_of(&file, 1);
            let placed = place(&cart, &[file], request(), new(), (&rules("HUF"), &limits));
            assert_eq!(placed.map(drop), expected, "{price}");
        }
    }

    #[test]
    fn a_total_that_no_amount_can_hold_is_refused() {
        let dear = download(money(Money::MINOR_MAX, "EUR"));
        let refused = order(&cart_of(&dear, 2), &dear, request());
        assert_eq!(refused, Err(Refusal::AmountNotChargeable));
    }

    #[test]
    fn whether_money_is_real_comes_from_the_shop() {
        let mug = offer(money(2499, "EUR"), 10);
        let limits = ChargeLimits { livemode: true, ..limits(money(50, "EUR"), 1) };
        let offers = std::slice::from_ref(&mug);
        let placed = place(&cart_of(&mug, 1), offers, request(), new(), (&rules("EUR"), &limits));
        assert!(placed.unwrap().payment.is_some_and(|payment| payment.livemode));
    }

    #[test]
    fn the_same_cart_and_request_have_the_same_fingerprint_at_any_time() {
        let mug = offer(money(2499, "EUR"), 10);
        let cart = cart_of(&mug, 2);
        assert_eq!(fingerprint(&cart, &request()), fingerprint(&cart.clone(), &request()));
        let later = NewOrder { at: at(60), order: OrderId(Uuid::from_u128(99)), ..new() };
        let terms = (&rules("EUR"), &limits(money(50, "EUR"), 1));
        let placed = place(&cart, &[mug], request(), later, terms).unwrap();
        assert_eq!(placed.order.fingerprint, fingerprint(&cart, &request()));
    }

    /// The base cart, and carts that differ from it in one thing each.
    fn carts() -> Vec<Cart> {
        let mug = offer(money(2499, "EUR"), 10);
        let base = cart_of(&mug, 2);
        let with = |change: fn(&mut Line)| {
            let mut lines = base.lines().to_vec();
            change(&mut lines[0]);
            Cart::restore(base.id, base.visitor, base.currency, lines)
        };
        let mut second = mug.clone();
        second.product.id = ProductId(Uuid::from_u128(8));
        let one = Quantity::new(1).unwrap();
        vec![
            base.clone(),
            Cart::restore(
                CartId(Uuid::from_u128(9)),
                base.visitor,
                base.currency,
                base.lines().to_vec(),
            ),
            with(|line| line.product = ProductId(Uuid::from_u128(9))),
            with(|line| line.quantity = Quantity::new(3).unwrap()),
            with(|line| line.unit_price = money(2498, "EUR")),
            with(|line| line.unit_price = money(2499, "USD")),
            base.clone().add(&second, one, LineId(Uuid::from_u128(4))).unwrap().0,
            base.clear(),
        ]
    }

    /// Requests that differ from the base request, and from one another, in one thing each.
    fn requests() -> Vec<CheckoutRequest> {
        let base = || draft("DE", "10115");
        let addresses = [
            AddressDraft { name: "Bea".into(), ..base() },
            AddressDraft { company: Some("Analytical".into()), ..base() },
            AddressDraft { street: "Hauptstr. 2".into(), ..base() },
            AddressDraft { postal_code: "10117".into(), ..base() },
            AddressDraft { city: "Potsdam".into(), ..base() },
            // Italy has postal codes of five digits too.
            AddressDraft { country: "IT".into(), ..base() },
            AddressDraft { phone: Some("030 1".into()), ..base() },
            // The same letters in other fields.
            AddressDraft { name: "AdaH".into(), street: "auptstr. 1".into(), ..base() },
            AddressDraft { company: Some("030 1".into()), ..base() },
        ];
        let mut requests = vec![
            CheckoutRequest { email: "bea@example.org".parse().unwrap(), ..request() },
            CheckoutRequest { marketing: Marketing::Accepted, ..request() },
            CheckoutRequest { token: Some(PayToken::new("ctoken_1").unwrap()), ..request() },
            CheckoutRequest { token: Some(PayToken::new("ctoken_2").unwrap()), ..request() },
            CheckoutRequest { shipping: Some(money(490, "EUR")), ..request() },
            CheckoutRequest { shipping: Some(money(0, "EUR")), ..request() },
            noting(AttributeValue::Flag(true)),
            noting(AttributeValue::Text("yes".into())),
        ];
        for address in addresses {
            let address = Address::parse(&address).unwrap();
            requests.push(CheckoutRequest { shipping_address: address.clone(), ..request() });
            requests.push(CheckoutRequest { billing_address: address, ..request() });
        }
        requests
    }

    #[test]
    fn a_fingerprint_differs_for_everything_the_shopper_can_change() {
        let carts = carts();
        let mut seen: Vec<_> = carts.iter().map(|cart| fingerprint(cart, &request()).0).collect();
        seen.extend(requests().iter().map(|request| fingerprint(&carts[0], request).0));
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }
}
