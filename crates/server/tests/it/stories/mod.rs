//! What the shop promises, one file for each part of the house.

mod automatic_refund;
mod books;
mod cancel;
mod cart;
mod catalogue;
mod checkout;
mod demo;
mod dispute;
mod doctor;
mod gate;
mod history;
mod import;
mod intent_input;
mod mail;
mod notice;
mod operator;
mod order;
mod pages;
mod payment;
mod refund;
mod second_payment;
mod shield;
mod stock;
mod webhook;
mod worker;
