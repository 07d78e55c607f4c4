//! What certainly reached nobody.

use super::*;

#[test]
fn a_question_that_reached_nobody_counts_as_if_it_had_not_been_put() {
    let unsent = ordering().unsent(at(4));
    assert_eq!(unsent.progress().orders_asked, 0, "there is no twin to look for");
    assert_eq!(unsent.clone().unsent(at(4)), unsent, "it is heard once");
    assert_eq!(unsent.next(at(5)), Step::FindOrder { may_repeat: true });
    assert_eq!(unsent.due(at(5)), Some(at(7)));
    let again = unsent.clone().check_out(at(5)).unwrap();
    assert_eq!(again.progress().orders_asked, 1);
    // However often that happens, a person is called in time, and the order is asked for on.
    let unsent = again.unsent(at(6));
    assert_eq!(unsent.next(at(243)), Step::CallPerson(Matter::CartUnread));
    let called = unsent.call_person(Matter::CartUnread, at(243));
    assert_eq!(called.next(at(300)), Step::CheckOut);
    let again = called.check_out(at(300)).unwrap();
    assert_eq!((again.progress().orders_asked, again.next(at(301))), (1, Step::Wait));
    assert_eq!(again.unsent(at(304)).next(at(304)), Step::CallPerson(Matter::CartUnread));

    let order = "aa85".parse().unwrap();
    let unsent = confirming().unsent(at(6));
    assert_eq!(unsent.next(at(7)), Step::ReadOrder { order, may_repeat: true });
    assert_eq!(
        matter(&unsent.confirm(at(7)).unwrap().hear_not_booked(at(8))),
        Some(Matter::ConfirmRefused)
    );

    let again = charging().lose_answer().charge_again(at(31)).unwrap().unsent(at(34));
    assert_eq!(again.next(at(35)), Step::FindCharge { may_repeat: false });
    let refused = again.charge_again(at(61)).unwrap().hear_charge(refused(), at(62));
    assert_eq!(
        matter(&refused),
        Some(Matter::ChargeUnknown),
        "the first may have been carried out"
    );

    let free = free().order_free(at(1)).unwrap().unsent(at(2));
    assert_eq!((free.standing(), free.is_live()), (Standing::NotBegun, false));
}
