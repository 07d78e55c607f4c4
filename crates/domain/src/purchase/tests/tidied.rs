//! What is tidied up after a sale, one piece after the other.

use super::*;
use crate::session::AttributeValue;

#[test]
fn what_is_noted_with_an_order_is_written_on_it_and_holds_up_nothing() {
    let mut purchase = charging();
    let gift = ("gift".to_owned(), AttributeValue::Flag(true));
    purchase.terms.attributes = Attributes::new([gift]).unwrap();
    let news = ChargeNews::Succeeded { payment: "pi_1".parse().unwrap(), amount: usd(3599) };
    let ordering = purchase.hear_charge(news, at(2)).check_out(at(3)).unwrap();
    let confirming = ordering.hear_order(order(3599), at(4)).confirm(at(5)).unwrap();
    let paid = confirming.hear_settlement(paid(3599), at(6));
    let steps = [CleanUpStep::Detach, CleanUpStep::DeleteCart, CleanUpStep::Note];
    assert_eq!(paid.to_tidy(at(7)), steps);
    let tidy = paid.tidy(Tidied::Detached, at(7)).tidy(Tidied::Cart(CartsEnd::Deleted), at(7));
    assert_eq!((name(&tidy), tidy.is_live()), ("confirmed", false));
    assert_eq!(tidy.next(at(8)), Step::CleanUp(CleanUpStep::Note));
    assert_eq!(name(&tidy.tidy(Tidied::Noted, at(9))), "cleaned");
}
