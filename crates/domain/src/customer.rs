//! A customer: somebody who has proven that an e-mail address is hers, and comes back with a password.
//!
//! Wherever she signs in she is one visitor, so that her cart is the same on all of her devices. What
//! was in the cart of the browser comes along ([`carts_on_sign_in`]). What she must prove first goes
//! to her mailbox in a letter ([`LetterKind`]) whose link works once and not for ever.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};

use crate::{
    contact::{Address, Email},
    id::{AddressId, CustomerId, VisitorId},
};

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Our id.
    pub id: CustomerId,
    /// Who she is to the cart and the checkout, wherever she is signed in. No cookie ever holds it.
    pub visitor: VisitorId,
    /// Her address, proven, as she typed it.
    pub email: Email,
    /// How she wants to be called.
    pub name: Option<PersonName>,
    /// What she agreed to hear from the shop.
    pub marketing: Option<Consent>,
    /// Where goods go unless she says otherwise; one of her addresses.
    pub default_address: Option<AddressId>,
    /// Since when.
    pub created_at: Timestamp,
}

/// An address that a customer has kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAddress {
    /// Our id.
    pub id: AddressId,
    /// The address.
    pub address: Address,
}

/// What somebody has agreed to, and when: the shop may have to show it years later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// When.
    pub at: Timestamp,
    /// The sentence beside the box that she ticked.
    pub text: ConsentText,
}

/// More is a household's worth of addresses many times over.
pub const ADDRESSES_MAX: usize = 50;

/// A mailbox, whatever the case of its letters: by it a customer is found. The standard leaves the
/// case of the part before the `@` to the receiving server, and none that people use looks at it; a
/// second account of one mailbox would be somebody else's way in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mailbox(String);

impl Mailbox {
    /// The mailbox of an address. Of letters beyond ASCII some become others' in small, such as the sign
    /// of the Kelvin: two addresses that a mail server tells apart stay two mailboxes.
    pub fn of(email: &Email) -> Self {
        Self(email.as_str().to_ascii_lowercase())
    }

    /// In small letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailbox(…)")
    }
}

/// A password as it was typed. It is kept nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// The text is no password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a password has from {} to {} characters", Password::CHARS_MIN, Password::CHARS_MAX)]
pub struct PasswordError;

impl Password {
    /// Shorter ones are guessed (NIST SP 800-63B, 5.1.1.2, read 2026-11-22).
    pub const CHARS_MIN: usize = 8;
    /// Longer than any that a person or her keyring makes; what is refused need not be hashed.
    pub const CHARS_MAX: usize = 1024;

    /// For the hash alone.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl FromStr for Password {
    type Err = PasswordError;
    /// Takes every character as it is, blanks at the ends too.
    fn from_str(text: &str) -> Result<Self, PasswordError> {
        match text.chars().count() {
            Self::CHARS_MIN..=Self::CHARS_MAX => Ok(Self(text.to_owned())),
            _too_short_or_too_long => Err(PasswordError),
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// The text is not one line, or is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one line of text with at most {max} characters")]
pub struct LineError {
    max: usize,
}

macro_rules! lines {
    ($($(#[$doc:meta])* $name:ident, $max:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The text, without blanks at its ends.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = LineError;
            fn from_str(text: &str) -> Result<Self, LineError> {
                let text = text.trim();
                let fits = (1..=$max).contains(&text.chars().count())
                    && !text.contains(char::is_control);
                if fits { Ok(Self(text.to_owned())) } else { Err(LineError { max: $max }) }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+};
}

lines! {
    /// How a person wants to be called.
    PersonName, 200;
    /// The sentence beside the box that somebody ticked.
    ConsentText, 1000;
}

/// What a customer, or somebody who wants to be one, is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterKind {
    /// Somebody wants an account with this address: is it hers? The link makes it.
    Confirm,
    /// Somebody wants an account with an address that has one.
    Known,
    /// The link lets her choose another password.
    Reset,
    /// A customer wants to be known by this address: is it hers? The link makes it so.
    NewAddress,
    /// Her password, or her address, is another now.
    Changed,
}

impl LetterKind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Confirm, Self::Known, Self::Reset, Self::NewAddress, Self::Changed];

    /// Its name in rows and templates.
    pub fn name(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Known => "known",
            Self::Reset => "reset",
            Self::NewAddress => "new_address",
            Self::Changed => "changed",
        }
    }

    /// For how long the letter matters: its link works, and it is tried to be sent. A reset is
    /// somebody who waits for it; who has just signed up may look into her mailbox tomorrow.
    pub fn lives(self) -> SignedDuration {
        match self {
            Self::Reset => SignedDuration::from_hours(1),
            Self::Confirm | Self::NewAddress | Self::Known | Self::Changed => {
                SignedDuration::from_hours(48)
            }
        }
    }
}

/// A cart, as far as it matters to whose it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Basket {
    /// Nothing is in it.
    pub is_empty: bool,
    /// An order of it has a payment that may still move.
    pub is_being_paid: bool,
}

/// What becomes of the two carts when a visitor signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carts {
    /// The account's stays as it is.
    AccountsStays,
    /// What is in the browser's is put into the account's.
    IntoAccounts,
    /// The browser's becomes the account's, with what was in that.
    BrowsersWithAccounts,
    /// The browser's becomes the account's, and that is nobody's from then on.
    BrowsersAlone,
}

/// What becomes of the browser's cart and the account's when a visitor signs in. A cart that is being
/// paid is never emptied into another one: it keeps its name, and with it the one live payment that
/// a cart may have.
pub fn carts_on_sign_in(browsers: Option<Basket>, accounts: Option<Basket>) -> Carts {
    let Some(browsers) = browsers else { return Carts::AccountsStays };
    let accounts = accounts.unwrap_or(Basket { is_empty: true, is_being_paid: false });
    match (browsers.is_being_paid, accounts.is_being_paid) {
        (false, _) if browsers.is_empty => Carts::AccountsStays,
        (false, false) if accounts.is_empty => Carts::BrowsersAlone,
        (false, false | true) => Carts::IntoAccounts,
        (true, false) if !accounts.is_empty => Carts::BrowsersWithAccounts,
        (true, false | true) => Carts::BrowsersAlone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_one_whatever_the_case_of_its_letters() {
        let of = |text: &str| Mailbox::of(&text.parse().unwrap());
        assert_eq!(of("Ada@Example.org"), of(" ada@EXAMPLE.ORG "));
        assert_ne!(of("mar\u{212a}@example.org"), of("mark@example.org"));
        assert_ne!(of("ada+shop@example.org"), of("ada@example.org"));
        assert_ne!(of("a.da@example.org"), of("ada@example.org"));
    }

    #[test]
    fn a_password_has_from_8_to_1024_characters_of_any_script() {
        for fine in ["12345678", "        ", "пароль-ё", "🔑🔑🔑🔑🔑🔑🔑🔑", &"x".repeat(1024)]
        {
            assert_eq!(fine.parse::<Password>().unwrap().as_bytes(), fine.as_bytes());
        }
        for wrong in ["", "1234567", "🔑🔑🔑🔑🔑🔑🔑", &"x".repeat(1025)] {
            assert_eq!(wrong.parse::<Password>(), Err(PasswordError));
        }
    }

    #[test]
    fn a_password_a_name_and_a_mailbox_print_nothing() {
        let password = "correct horse".parse::<Password>().unwrap();
        let name = "Ada Beispiel".parse::<PersonName>().unwrap();
        let mailbox = Mailbox::of(&"ada@example.org".parse().unwrap());
        let printed = format!("{password:?} {name:?} {mailbox:?}");
        assert_eq!(printed, "Password(…) PersonName(…) Mailbox(…)");
    }

    #[test]
    fn a_name_is_one_line() {
        assert_eq!(" Ada ".parse::<PersonName>().unwrap().as_str(), "Ada");
        for wrong in ["", "  ", "Ada\nBcc: all", "a\0", &"x".repeat(201)] {
            assert!(wrong.parse::<PersonName>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_cart_that_is_being_paid_is_never_emptied_into_another() {
        let basket = |is_empty, is_being_paid| Some(Basket { is_empty, is_being_paid });
        let (empty, full) = (basket(true, false), basket(false, false));
        let paying = basket(false, true);
        let table = [
            (None, full, Carts::AccountsStays),
            (empty, full, Carts::AccountsStays),
            (full, None, Carts::BrowsersAlone),
            (full, empty, Carts::BrowsersAlone),
            (full, full, Carts::IntoAccounts),
            (full, paying, Carts::IntoAccounts),
            (paying, None, Carts::BrowsersAlone),
            (paying, full, Carts::BrowsersWithAccounts),
            (paying, paying, Carts::BrowsersAlone),
            (basket(true, true), empty, Carts::BrowsersAlone),
        ];
        for (browsers, accounts, expected) in table {
            assert_eq!(carts_on_sign_in(browsers, accounts), expected, "{browsers:?} {accounts:?}");
        }
    }
}
