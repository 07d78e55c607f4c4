//! Statements: written once in the common dialect, registered, and rewritten for each database
//! when it first needs them.

use std::sync::OnceLock;

use crate::dialect::{Dialect, Form};

/// One statement in the common dialect: lower case, parameters numbered `?1`, `?2`, …, which may
/// repeat and come in any order. `for update` at the end is dropped where the database has one
/// writer and no row locks.
///
/// Made by [`statements!`](crate::statements!), which also registers it, so that a test can prepare
/// every statement on every database.
pub struct Sql {
    name: &'static str,
    text: &'static str,
    forms: [OnceLock<Form>; 3],
    columns: OnceLock<Vec<String>>,
}

impl Sql {
    /// A statement; `name` is its path, for error messages.
    #[must_use]
    pub const fn new(name: &'static str, text: &'static str) -> Sql {
        Sql { name, text, forms: [const { OnceLock::new() }; 3], columns: OnceLock::new() }
    }

    /// Module and name of the static that holds it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The text in the common dialect.
    #[must_use]
    pub fn text(&self) -> &'static str {
        self.text
    }

    pub(crate) fn form(&self, dialect: Dialect) -> &Form {
        self.forms[dialect as usize].get_or_init(|| dialect.rewrite(self.text))
    }

    /// Names of the result's columns, the same on every database because every select names them.
    pub(crate) fn columns_or(&self, names: impl FnOnce() -> Vec<String>) -> &[String] {
        self.columns.get_or_init(names)
    }

    /// Names of the columns, once the statement has run; empty before.
    pub(crate) fn columns(&self) -> &[String] {
        self.columns.get().map_or(&[], Vec::as_slice)
    }
}

impl std::fmt::Debug for Sql {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Defines statements as statics and a list `ALL` of them:
///
/// ```
/// storage::statements! {
///     /// Locks the cart, so that its lines stand still.
///     pub LOCK_CART = "select id, currency from carts where id = ?1 for update";
/// }
/// assert_eq!(ALL.len(), 1);
/// assert!(LOCK_CART.name().ends_with("LOCK_CART"));
/// ```
#[macro_export]
macro_rules! statements {
    ($($(#[$doc:meta])* $visibility:vis $name:ident = $text:expr;)+) => {
        $(
            $(#[$doc])*
            $visibility static $name: $crate::Sql =
                $crate::Sql::new(concat!(module_path!(), "::", stringify!($name)), $text);
        )+
        /// Every statement of this module.
        pub static ALL: &[&$crate::Sql] = &[$(&$name),+];
    };
}
