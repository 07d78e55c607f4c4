//! What happens to money: amounts, cards and accounts, tries to be paid and what comes of them.

pub(crate) mod agenda;
pub(crate) mod attempt;
pub(crate) mod banks;
pub(crate) mod capture;
pub(crate) mod cards;
pub(crate) mod customers;
pub(crate) mod debits;
pub(crate) mod details;
pub(crate) mod disputes;
pub(crate) mod money;
pub(crate) mod refunds;
