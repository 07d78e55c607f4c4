//! What is written to shoppers. The templates are part of the binary; the merchant may put others in
//! their place. A letter loads nothing when it is opened: no picture, no script, no style from
//! anywhere, so that nobody learns that it was read.

use std::{collections::BTreeMap, fs, io, path::Path};

use domain::{
    contact::Address,
    customer::LetterKind,
    money::{Money, MoneyError},
    order::Order,
    pricing::TaxMode,
};
use gateways::mail::{Subject, SubjectError};
use minijinja::{
    Environment, UndefinedBehavior,
    syntax::SyntaxConfig,
    value::{Serde, Value},
};
use serde::Serialize;

use crate::order_link::OrderLinks;

/// The built-in templates; a merchant's folder may hold others of the same names. The text of a
/// letter begins with its subject.
const TEMPLATES: [(&str, &str); 8] = [
    ("receipt.txt", include_str!("../assets/templates/mail/receipt.txt")),
    ("receipt.html", include_str!("../assets/templates/mail/receipt.html")),
    ("refund.txt", include_str!("../assets/templates/mail/refund.txt")),
    ("refund.html", include_str!("../assets/templates/mail/refund.html")),
    ("order.txt", include_str!("../assets/templates/mail/order.txt")),
    ("order.html", include_str!("../assets/templates/mail/order.html")),
    ("customer.txt", include_str!("../assets/templates/mail/customer.txt")),
    ("customer.html", include_str!("../assets/templates/mail/customer.html")),
];

/// Why there are no letters.
#[derive(Debug, thiserror::Error)]
pub enum LettersError {
    /// The folder of templates cannot be read.
    #[error("TILL_MAIL_TEMPLATES: {path} cannot be read")]
    Folder {
        /// The file or folder.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// A template cannot be used.
    #[error("the mail template cannot be used")]
    Template(#[from] minijinja::Error),
    /// The text does not begin with a line `Subject: …`.
    #[error("{template} must begin with a line \"Subject: …\" and an empty line")]
    NoSubject {
        /// Which.
        template: &'static str,
    },
    /// The subject is not one line of text.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// An order's amounts overflow.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// Writes letters.
pub struct Letters {
    templates: Environment<'static>,
    shop: String,
    links: OrderLinks,
}

/// What a template can say.
#[derive(Debug, Serialize)]
struct Words<'a> {
    shop: &'a str,
    order: OrderWords,
    refund: Option<RefundWords>,
}

/// What the templates of letters to customers can say.
#[derive(Debug, Serialize)]
struct ToCustomer<'a> {
    shop: &'a str,
    letter: CustomerWords<'a>,
}

#[derive(Debug, Serialize)]
struct CustomerWords<'a> {
    kind: &'static str,
    link: &'a str,
    hours: i64,
}

#[derive(Debug, Serialize)]
struct OrderWords {
    id: String,
    link: String,
    date: String,
    lines: Vec<LineWords>,
    subtotal: String,
    shipping: String,
    tax: Option<String>,
    tax_included: bool,
    total: String,
    ships: bool,
    shipping_address: Vec<String>,
    billing_address: Vec<String>,
}

#[derive(Debug, Serialize)]
struct LineWords {
    quantity: u32,
    name: String,
    unit_price: String,
    total: String,
}

/// What a letter says of a refund.
#[derive(Debug, Clone, Copy)]
pub struct Returned {
    /// What goes back.
    pub amount: Money,
    /// Whether with it all that was paid has gone back.
    pub full: bool,
}

#[derive(Debug, Serialize)]
struct RefundWords {
    amount: String,
    full: bool,
}

impl Letters {
    /// Reads the templates, and writes a specimen with each: one that cannot be used is found at the
    /// start and not when the first shopper has paid.
    pub fn new(
        shop: String,
        links: OrderLinks,
        folder: Option<&Path>,
    ) -> Result<Self, LettersError> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
        templates.set_syntax(syntax);
        let mut own = folder.map(read_folder).transpose()?.unwrap_or_default();
        for (name, built_in) in TEMPLATES {
            let text = own.remove(name).unwrap_or_else(|| built_in.to_owned());
            templates.add_template_owned(name, text)?;
        }
        let letters = Self { templates, shop, links };
        for refund in [false, true] {
            letters.compose(&Words::specimen(&letters.shop, refund))?;
        }
        for kind in LetterKind::ALL {
            letters.write_to_customer(kind, "https://shop.example/account")?;
        }
        Ok(letters)
    }

    /// A receipt, or with a refund what is said of that: subject, text, HTML.
    pub fn write(
        &self,
        order: &Order,
        refund: Option<Returned>,
    ) -> Result<(Subject, String, String), LettersError> {
        let refund =
            refund.map(|Returned { amount, full }| RefundWords { amount: told(amount), full });
        let order = OrderWords::of(order, self.links.url(order.id))?;
        self.compose(&Words { shop: &self.shop, order, refund })
    }

    /// A letter to a customer, or to somebody who wants to be one: subject, text, HTML.
    pub fn write_to_customer(
        &self,
        kind: LetterKind,
        link: &str,
    ) -> Result<(Subject, String, String), LettersError> {
        let letter = CustomerWords { kind: kind.name(), link, hours: kind.lives().as_hours() };
        let words = Value::from(Serde(ToCustomer { shop: &self.shop, letter }));
        self.render(("customer.txt", "customer.html"), &words)
    }

    fn compose(&self, words: &Words) -> Result<(Subject, String, String), LettersError> {
        let names = match words.refund {
            None => ("receipt.txt", "receipt.html"),
            Some(_) => ("refund.txt", "refund.html"),
        };
        self.render(names, &Value::from(Serde(words)))
    }

    fn render(
        &self,
        (text, html): (&'static str, &'static str),
        words: &Value,
    ) -> Result<(Subject, String, String), LettersError> {
        let render = |name: &str| self.templates.get_template(name)?.render(words);
        let written = render(text)?;
        let subject = written.strip_prefix("Subject: ").and_then(|rest| rest.split_once("\n\n"));
        let (subject, body) = subject.ok_or(LettersError::NoSubject { template: text })?;
        Ok((subject.parse()?, body.to_owned(), render(html)?))
    }
}

fn read_folder(folder: &Path) -> Result<BTreeMap<&'static str, String>, LettersError> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |source| LettersError::Folder { path, source }
    };
    // A folder that is not there is a mistake, a template that is not there is none.
    fs::read_dir(folder).map_err(failed(folder))?;
    let mut own = BTreeMap::new();
    for (name, _) in TEMPLATES {
        let path = folder.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => _ = own.insert(name, text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&path)(error)),
        }
    }
    Ok(own)
}

impl OrderWords {
    fn of(order: &Order, link: String) -> Result<Self, MoneyError> {
        let totals = order.totals;
        let line = |line: &domain::cart::Line| {
            Ok(LineWords {
                quantity: line.quantity.count(),
                name: line.name.clone(),
                unit_price: told(line.unit_price),
                total: told(line.total()?),
            })
        };
        Ok(Self {
            id: order.id.to_string(),
            link,
            date: order.created_at.strftime("%-d %B %Y").to_string(),
            lines: order.lines.iter().map(line).collect::<Result<_, MoneyError>>()?,
            subtotal: told(totals.subtotal()),
            shipping: told(totals.shipping()),
            tax: (!totals.tax().is_zero()).then(|| told(totals.tax())),
            tax_included: match totals.tax_mode() {
                TaxMode::Included => true,
                TaxMode::Added => false,
            },
            total: told(totals.total()),
            ships: order.lines.iter().any(|line| line.requires_shipping),
            shipping_address: lines_of(&order.shipping_address),
            billing_address: lines_of(&order.billing_address),
        })
    }
}

impl<'a> Words<'a> {
    fn specimen(shop: &'a str, refund: bool) -> Self {
        let text = |text: &str| text.to_owned();
        let amount = || text("1.00 EUR");
        let (name, quantity) = (text("A thing"), 1);
        let lines = vec![LineWords { quantity, name, unit_price: amount(), total: amount() }];
        let order = OrderWords {
            id: text("0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00"),
            link: text("https://shop.example/api/orders/…"),
            date: text("1 January 2026"),
            lines,
            subtotal: amount(),
            shipping: amount(),
            tax: Some(amount()),
            tax_included: true,
            total: amount(),
            ships: true,
            shipping_address: vec![text("Ada")],
            billing_address: vec![text("Ada")],
        };
        let refund = refund.then(|| RefundWords { amount: amount(), full: true });
        Self { shop, order, refund }
    }
}

/// As the pages write it.
fn told(money: Money) -> String {
    format!("{} {}", money.major(), money.currency())
}

fn lines_of(address: &Address) -> Vec<String> {
    let town = format!("{} {}", address.postal_code(), address.city());
    let country = address.country().to_string();
    let lines = [address.name(), address.company().unwrap_or_default(), address.street()];
    let lines = lines.into_iter().chain([town.trim(), &country]);
    lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
