//! till
fn main() {}
