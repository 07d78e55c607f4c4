//! What is true in a shop, whatever database remembers it and whoever asks.
//!
//! The story, in reading order: a visitor fills a [`cart`] with lines from the [`catalog`];
//! [`checkout`] turns the cart into an [`order`] with a fixed price ([`pricing`]) and an address
//! ([`contact`]); a [`payment`] is asked of a gateway; the gateway's [`event`] says that the money
//! moved, and the order is paid. A [`cancellation`] gives the order up before that, a [`refund`]
//! gives money back after it, and in a [`dispute`] a bank takes it. The order's [`history`] tells
//! all of it; a [`notice`] tells others of each step, and its [`delivery`] brings it to one of them.
//! A [`shield`] keeps those out who only want to try stolen cards. A visitor who comes back may be a
//! [`customer`].
//!
//! The same sale in a single shot: a checkout [`session`] collects what the shopper says and leads
//! to one payment. Where cart and order live on a commerce platform, not here, a [`purchase`]
//! remembers how far the platform has come with them.
//!
//! Nothing here reads a clock, makes a random number, waits or logs: time and ids come in as
//! arguments, so every rule can be tried a million times in a second.
//!
//! # Glossary
//!
//! | word | meaning |
//! |---|---|
//! | visitor | a browser that the shop knows by a cookie, signed in or not |
//! | customer | a person with a proven e-mail address and a password; wherever she signs in she is one visitor |
//! | letter | a mail to a customer, or to somebody who wants to be one; most hold a link that works once |
//! | cart | what a visitor means to buy; a line keeps the price that the visitor saw |
//! | order | a cart at the moment of checkout, frozen; it holds a reservation while it is pending |
//! | reservation | stock set aside for an order that may still be paid |
//! | payment | the one demand for an order's total at the gateway |
//! | attempt | one request for a payment, written down with its idempotency key before it is sent |
//! | news | what the gateway says of a payment, whichever way we heard it |
//! | answer | news that the gateway gave to a question of ours; it never makes an order paid |
//! | event | news that the gateway made a record of; only an event makes an order paid |
//! | receipt | the proof, taken from an event, that the money moved |
//! | decline | a bank's no to one try; the payment stays payable |
//! | cancellation | an order given up because somebody wants it so, before any money moved |
//! | refund | money on its way back; what is given back never exceeds what was received |
//! | stray | a second payment at the gateway that names an order of ours; all of it goes back |
//! | dispute | a bank takes the money of a payment back, or asks about it first (an inquiry) |
//! | history | what happened to an order, line by line: when, who, what |
//! | notice | what others are told of a step of an order; the same words however often it is sent |
//! | endpoint | a server of the merchant's that notices are posted to |
//! | delivery | a notice on its way to one receiver: an endpoint, or the shopper's mailbox |
//! | mark | by what somebody is known again, as a digest: her cookie, network, e-mail address, card |
//! | breaker | opens when banks refuse most tries of the shop; then new orders need a proof |
//! | proof | a challenge solved: a second of work, or that a person is there |
//! | session | a checkout under way: what the shopper has said so far, and how its payment stands |
//! | platform | Elastic Path, where it keeps the shop's catalogue, carts and orders |
//! | purchase | one try to buy a cart at the platform: charge, checkout, confirmation, clean-up |
//! | token | what the shopper's browser made of her card; it pays once |
//! | discrepancy | news that does not fit our books; a person must look at it |
//! | difference | what our books and the gateway's do not both say, found by comparing them ([`books`]) |

pub mod books;
pub mod cancellation;
pub mod cart;
pub mod catalog;
pub mod checkout;
pub mod contact;
pub mod customer;
pub mod delivery;
pub mod dispute;
pub mod elastic_path;
pub mod event;
pub mod history;
pub mod id;
pub mod money;
pub mod notice;
pub mod order;
pub mod payment;
pub mod pricing;
pub mod purchase;
pub mod refund;
pub mod session;
pub mod shield;
