//! Paying a cart at Elastic Path. Each story ends by comparing our purchases with the store's books.

mod before;
mod challenge;
mod clean_up;
mod decline;
mod lost;
mod old_payment;
mod race;
mod sale;
mod settle;
mod slow;
mod stuck;
