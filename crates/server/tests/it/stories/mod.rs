//! What the shop promises, one file for each part of the house.

mod checkout;
