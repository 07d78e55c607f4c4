use domain::{
    cart::Line,
    catalog::Quantity,
    contact::AddressDraft,
    id::{CartId, LineId, OrderId, ProductId, VisitorId},
    order::{Fingerprint, Marketing, OrderParts},
    pricing::Totals,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::order_link::OrderPage;

fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap()).unwrap()
}

/// Two mugs, and everything in it that a forger could write.
fn order(tax_mode: TaxMode) -> Order {
    let id = Uuid::from_u128(7);
    let draft = AddressDraft {
        name: "Ada <b>Beispiel</b>".into(),
        street: "Hauptstr. 1".into(),
        postal_code: "10115".into(),
        city: "Berlin".into(),
        country: "DE".into(),
        phone: Some("+49 30 1".into()),
        ..AddressDraft::default()
    };
    let address = Address::parse(&draft).unwrap();
    let total = match tax_mode {
        TaxMode::Included => 2890,
        TaxMode::Added => 3346,
    };
    let (subtotal, shipping, tax) = (eur(2400), eur(490), eur(456));
    let line = Line {
        id: LineId(id),
        product: ProductId(id),
        sku: "mug".into(),
        name: "Mug & <script>alert(1)</script>".into(),
        image: Some("/mug.svg".into()),
        unit_price: eur(1200),
        quantity: Quantity::new(2).unwrap(),
        requires_shipping: true,
    };
    let parts = OrderParts {
        id: OrderId(id),
        visitor: VisitorId(id),
        cart: CartId(id),
        email: "ada@example.org".parse().unwrap(),
        marketing: Marketing::Declined,
        shipping_address: address.clone(),
        billing_address: address,
        lines: vec![line],
        totals: Totals::restore(subtotal, shipping, tax, tax_mode, eur(total)).unwrap(),
        attributes: domain::session::Attributes::default(),
        fingerprint: Fingerprint([0; 32]),
        created_at: Timestamp::from_second(1_790_000_000).unwrap(),
    };
    Order::place(parts, Timestamp::MAX)
}

fn letters() -> Letters {
    Letters::new("Bücher & Mehr".into(), links(), None).unwrap()
}

fn links() -> OrderLinks {
    OrderLinks::new("secret", "https://shop.example/".parse().unwrap(), OrderPage::Api)
}

fn returned(minor: i64, full: bool) -> Option<Returned> {
    Some(Returned { amount: eur(minor), full })
}

#[test]
fn a_receipt_says_what_was_bought_what_it_cost_and_where_it_goes() {
    let (subject, text, html) = letters().write(&order(TaxMode::Included), None).unwrap();

    assert_eq!(subject, "Your order at Bücher & Mehr".parse().unwrap());
    let expected = "\
Thank you for your order at Bücher & Mehr. It is paid.

Order 00000000-0000-0000-0000-000000000007
of 21 September 2026
LINK

2 x Mug & <script>alert(1)</script>
    24.00 EUR (12.00 EUR each)

Subtotal: 24.00 EUR
Shipping: 4.90 EUR
Total: 28.90 EUR
The total contains 4.56 EUR of tax.

It goes to:
Ada <b>Beispiel</b>
Hauptstr. 1
10115 Berlin
DE

The bill goes to:
Ada <b>Beispiel</b>
Hauptstr. 1
10115 Berlin
DE
";
    assert_eq!(text, expected.replace("LINK", &links().url(order(TaxMode::Included).id)));
    for words in ["24.00 EUR", "28.90 EUR", "The total contains 4.56 EUR of tax.", "10115 Berlin"] {
        assert!(html.contains(words), "{words}\n{html}");
    }
}

#[test]
fn tax_that_comes_on_top_is_a_line_of_its_own() {
    let (_, text, html) = letters().write(&order(TaxMode::Added), None).unwrap();
    assert!(text.contains("Shipping: 4.90 EUR\nTax: 4.56 EUR\nTotal: 33.46 EUR\n"), "{text}");
    assert!(!text.contains("contains") && !html.contains("contains"));
}

#[test]
fn what_a_shopper_typed_is_text_in_html_and_nothing_is_loaded_when_it_is_opened() {
    for refund in [None, returned(400, false)] {
        let (_, _, html) = letters().write(&order(TaxMode::Included), refund).unwrap();
        assert!(html.contains("Mug &amp; &lt;script&gt;"), "{html}");
        for word in ["<script", "<b>", "<img", "src=", "url(", "<link"] {
            assert!(!html.contains(word), "{word}\n{html}");
        }
    }
}

#[test]
fn a_refund_says_how_much_goes_back_and_whether_that_is_all() {
    let order = order(TaxMode::Included);
    let (subject, part, html) = letters().write(&order, returned(400, false)).unwrap();
    assert_eq!(subject, "A refund from Bücher & Mehr".parse().unwrap());
    assert!(part.starts_with("Bücher & Mehr has sent you 4.00 EUR back.\n"), "{part}");
    assert!(html.contains("<h1 style=\"margin:0;font-size:24px;\">4.00 EUR goes back to you</h1>"));
    let (_, all, _) = letters().write(&order, returned(1200, true)).unwrap();
    assert!(
        all.contains("12.00 EUR back; with it all that you paid for this order has gone back.\n"),
        "{all}"
    );
}

#[test]
fn a_merchants_own_templates_take_the_place_of_the_built_in_ones() {
    let folder = tempfile::tempdir().unwrap();
    let own = "Subject: Danke!\n\n{{ order.total }} bei {{ shop }}\n";
    fs::write(folder.path().join("receipt.txt"), own).unwrap();
    let letters = Letters::new("Till".into(), links(), Some(folder.path())).unwrap();
    let (subject, text, html) = letters.write(&order(TaxMode::Included), None).unwrap();
    assert_eq!((subject, text.as_str()), ("Danke!".parse().unwrap(), "28.90 EUR bei Till"));
    assert!(html.contains("Thank you for your order"));
}

#[test]
fn a_template_that_cannot_be_used_is_found_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = |text: &str| {
        fs::write(folder.path().join("refund.txt"), text).unwrap();
        Letters::new("Till".into(), links(), Some(folder.path())).map(drop).unwrap_err()
    };
    assert!(matches!(wrong("Dear {{ shop"), LettersError::Template(_)));
    assert!(matches!(wrong("Subject: {{ nobody.knows }}\n\nx"), LettersError::Template(_)));
    assert!(matches!(wrong("Hello"), LettersError::NoSubject { template: "refund.txt" }));
    assert!(matches!(wrong("Subject:  \n\nx"), LettersError::Subject(_)));
    let nowhere = Letters::new("Till".into(), links(), Some(&folder.path().join("nowhere")));
    assert!(matches!(nowhere.map(drop), Err(LettersError::Folder { .. })));
}
