//! An order at Elastic Path, in the shop API's words. What the platform does not tell of an order is
//! left out: its payment in particular, of which it knows no disputes.

use axum::{Extension, Json, extract::State};
use domain::{elastic_path::EpOrderId, id::VisitorId, money::MoneyError};
use gateways::elastic_path::{
    checkout::EpAddress,
    order::{OrderPayment, OrderStatus as Standing},
    placed::PlacedLine,
};

use super::{
    cart::OrderLine,
    error::{ApiError, Code},
    order::{Address, Order, OrderCustomer, OrderStatus},
    read::{Id, NoSuch},
    routes::PlatformWeb,
    wire::currency,
};
use crate::flows::{
    FlowError,
    see_placed_order::{Seen, Standing as Purchase, see_placed_order},
};

/// An order, for the visitor whose purchase made it.
pub async fn get_order(
    State(web): State<PlatformWeb>,
    Extension(visitor): Extension<VisitorId>,
    id: Result<Id<EpOrderId>, NoSuch>,
) -> Result<Json<Order>, ApiError> {
    let Id(id) = id.map_err(|NoSuch| ApiError::new(Code::OrderNotFound))?;
    let seen = see_placed_order(&web.px, visitor, &id).await?;
    Ok(Json(on_the_wire(seen).map_err(FlowError::from)?))
}

fn on_the_wire(seen: Seen) -> Result<Order, MoneyError> {
    let status = status(&seen);
    let placed = seen.placed;
    let (total, shipping) = (placed.total, placed.shipping);
    Ok(Order {
        id: placed.order.id.to_string(),
        status,
        items: placed.goods.into_iter().map(line).collect(),
        // What a promotion takes off is in no line.
        subtotal: total.minus(shipping)?.into(),
        shipping: shipping.into(),
        tax: placed.tax.into(),
        tax_included: true,
        total: total.into(),
        currency: currency(total),
        customer: OrderCustomer { customer_id: None, email: placed.email.unwrap_or_default() },
        shipping_address: address(placed.shipping_address),
        billing_address: address(placed.billing_address),
        custom_attributes: None,
        created_at: placed.created_at,
        paid_at: match status {
            OrderStatus::Paid | OrderStatus::Refunded => placed.paid_at,
            OrderStatus::Pending | OrderStatus::Failed | OrderStatus::Cancelled => None,
        },
        payment: None,
    })
}

/// What is to be fulfilled is `paid`, so that takes two: the order says it, and its purchase has
/// heard that our payment is booked on it. To cancel an order gives nothing back there, so of those
/// that may still be paid only one that nobody has paid is `cancelled`. Where its purchase has come to
/// nothing it is, whatever the platform still says of it: what a person gave back at the gateway the
/// platform does not hear of. Money that is held has not been received.
fn status(seen: &Seen) -> OrderStatus {
    let order = &seen.placed.order;
    match (&order.payment, &order.status, seen.purchase) {
        (OrderPayment::Refunded, _, _) => OrderStatus::Refunded,
        (_, _, Purchase::Over) => OrderStatus::Cancelled,
        (OrderPayment::Paid, _, Purchase::Booked) => OrderStatus::Paid,
        (OrderPayment::Unpaid, Standing::Cancelled, _) => OrderStatus::Cancelled,
        (
            OrderPayment::Paid
            | OrderPayment::Unpaid
            | OrderPayment::Authorized
            | OrderPayment::PartiallyAuthorized
            | OrderPayment::PartiallyPaid
            | OrderPayment::Other(_),
            _,
            Purchase::Open | Purchase::Booked,
        ) => OrderStatus::Pending,
    }
}

fn line(line: PlacedLine) -> OrderLine {
    OrderLine {
        id: line.id.to_string(),
        product_id: line.product.as_ref().map(ToString::to_string).unwrap_or_default(),
        sku: line.sku.unwrap_or_default(),
        name: line.name,
        image: None,
        unit_price: line.unit.into(),
        quantity: line.quantity,
        line_total: line.value.into(),
    }
}

fn address(known: EpAddress) -> Address {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let joined = |first: String, second: String, between: &str| {
        let parts: Vec<String> = [first, second].into_iter().filter_map(some).collect();
        parts.join(between)
    };
    Address {
        name: joined(known.first_name, known.last_name, " "),
        company: some(known.company_name),
        street: joined(known.line_1, known.line_2, ", "),
        postal_code: known.postcode,
        city: known.city,
        country: known.country,
        phone: some(known.phone_number),
    }
}
