//! What we write to Stripe: each line is a field of an address, the last one Stripe's id of a payment.

use domain::{
    cart::Line,
    catalog::Quantity,
    contact::{Address, AddressDraft},
    event::GatewayReference,
    id::{CartId, LineId, OrderId, PaymentId, ProductId, RefundId, VisitorId},
    money::Money,
    order::{Fingerprint, Marketing, Order, OrderParts},
    payment::Payment,
    pricing::{TaxMode, Totals},
    refund::{Refund, RefundOrigin},
};
use gateways::{
    Transport, TransportError,
    stripe::{Config, RetryLimits, Stripe, refund},
};
use jiff::Timestamp;
use tower::service_fn;
use url::form_urlencoded;
use uuid::Uuid;

/// A reader of forms finds the pairs that were meant, and no others: no text breaks out of its
/// value.
pub fn form_encoder(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut lines = text.split('\n').chain(std::iter::repeat("")).map(str::to_owned);
    let mut line = || lines.next().unwrap_or_default();
    let (name, street, postal_code, city) = (line(), line(), line(), line());
    let draft = AddressDraft {
        name: name.clone(),
        street: street.clone(),
        postal_code: postal_code.clone(),
        city: city.clone(),
        country: "DE".to_owned(),
        ..AddressDraft::default()
    };
    // What was stored is not checked again, so that any text gets as far as the form.
    let (order, payment) = order(Address::restore(draft).unwrap());
    let (order_id, payment_id) = (order.id.to_string(), payment.id.to_string());
    let mut meant = vec![
        ("amount", "4998".to_owned()),
        ("currency", "eur".to_owned()),
        ("automatic_payment_methods[enabled]", "true".to_owned()),
        ("capture_method", "automatic_async".to_owned()),
        ("metadata[order_id]", order_id.clone()),
        ("metadata[payment_id]", payment_id),
        ("shipping[name]", name),
        ("shipping[address][line1]", street),
        ("shipping[address][postal_code]", postal_code),
        ("shipping[address][city]", city),
        ("shipping[address][country]", "DE".to_owned()),
    ];
    meant.retain(|(key, value)| *key == "shipping[name]" || !value.is_empty());
    assert_read(&stripe().encode_create(&order, &payment).unwrap(), &meant);

    let Ok(reference) = GatewayReference::new(line()) else { return };
    let id = RefundId(Uuid::from_u128(2));
    let refund = Refund::new(id, &payment, payment.amount, RefundOrigin::Automatic);
    let meant = [
        ("payment_intent", reference.to_string()),
        ("amount", "4998".to_owned()),
        ("reason", "requested_by_customer".to_owned()),
        ("metadata[order_id]", order_id),
        ("metadata[refund_id]", id.to_string()),
    ];
    assert_read(&refund::encode(&refund, &reference).unwrap(), &meant);
}

fn assert_read(form: &str, meant: &[(&str, String)]) {
    assert!(form.is_ascii(), "{form}");
    let read: Vec<_> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let meant: Vec<_> =
        meant.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    assert_eq!(read, meant);
}

fn stripe() -> Stripe {
    let config = Config {
        secret_key: "sk_test_promise".parse().unwrap(),
        api_base: "https://api.stripe.example".parse().unwrap(),
        retry: RetryLimits::default(),
    };
    let nobody = |_| async { Err(TransportError::NotSent("nobody is asked".into())) };
    Stripe::new(config, Transport::new(service_fn(nobody)))
}

fn order(shipping_address: Address) -> (Order, Payment) {
    let total = Money::new(4998, "EUR".parse().unwrap()).unwrap();
    let zero = Money::zero(total.currency());
    let line = Line {
        id: LineId(Uuid::nil()),
        product: ProductId(Uuid::nil()),
        sku: "mug".to_owned(),
        name: "Mug".to_owned(),
        image: None,
        unit_price: total,
        quantity: Quantity::new(1).unwrap(),
        requires_shipping: true,
    };
    let parts = OrderParts {
        id: OrderId(Uuid::from_u128(1)),
        visitor: VisitorId(Uuid::nil()),
        cart: CartId(Uuid::nil()),
        email: "ada@example.org".parse().unwrap(),
        marketing: Marketing::Declined,
        billing_address: shipping_address.clone(),
        shipping_address,
        lines: vec![line],
        totals: Totals::restore(total, zero, zero, TaxMode::Included, total).unwrap(),
        attributes: domain::session::Attributes::default(),
        fingerprint: Fingerprint([0; 32]),
        created_at: Timestamp::UNIX_EPOCH,
    };
    let payment = Payment::new(PaymentId(Uuid::nil()), parts.id, total, false);
    (Order::place(parts, Timestamp::MAX), payment)
}
