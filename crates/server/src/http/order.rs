//! Orders over HTTP.

use axum::{
    Extension, Json,
    extract::{Query, State, rejection::QueryRejection},
};
use clap::ValueEnum;
use domain::{
    contact::{Address as Known, AddressDraft},
    dispute::Dispute,
    id::OrderId,
    money::{Money, MoneyError},
    order::{Order as Ordered, OrderState, PaidBy},
    payment::{Payment, PaymentState},
    pricing::TaxMode,
    refund::{Refund, given_back, taken_by_bank},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    cart::{OrderLine, lines},
    customer::required,
    error::{ApiError, Code},
    read::{Id, NoSuch, Search},
    routes::Web,
    wire::{Amount, CustomAttributes, currency},
};
use crate::flows::{
    FlowError,
    cancel_order::{self, Canceller, Wish},
    customer::{Asker, profile},
    see_order::{Seen, see_linked_order, see_order},
};

/// An order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The order's id; at Elastic Path the platform's own.
    pub id: String,
    /// How far it has come.
    pub status: OrderStatus,
    /// What was ordered, as the shopper saw it at checkout.
    pub items: Vec<OrderLine>,
    /// The lines alone; at Elastic Path less what promotions take off.
    pub subtotal: Amount,
    /// Sending.
    pub shipping: Amount,
    /// The tax; `taxIncluded` tells whether the total contains it already.
    pub tax: Amount,
    /// Whether prices contain the tax (`total = subtotal + shipping`) or it comes on top
    /// (`total = subtotal + shipping + tax`).
    pub tax_included: bool,
    /// What the shopper pays.
    pub total: Amount,
    /// The shop's currency, such as `eur`.
    pub currency: String,
    /// Who ordered.
    pub customer: OrderCustomer,
    /// Where the goods go.
    pub shipping_address: Address,
    /// Where the bill goes.
    pub billing_address: Address,
    /// What the storefront noted with it in its checkout session; absent where that is nothing, and at
    /// Elastic Path, whose own order has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub custom_attributes: Option<CustomAttributes>,
    /// When it was made.
    #[schema(format = DateTime, value_type = String)]
    pub created_at: Timestamp,
    /// When it was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, value_type = Option<String>, nullable = false)]
    pub paid_at: Option<Timestamp>,
    /// How its payment stands; absent where there was nothing to pay, and at Elastic Path, whose
    /// orders do not tell it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub payment: Option<OrderPayment>,
}

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OrderStatus {
    /// Waiting for its payment.
    Pending,
    /// Paid.
    Paid,
    /// The payment ended without success.
    Failed,
    /// Everything was given back.
    Refunded,
    /// Given up before any money moved.
    Cancelled,
}

/// Who ordered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderCustomer {
    /// Where the receipt goes; empty where the platform has forgotten her.
    pub email: String,
    /// The customer whose order it is, where she is signed in; to others it is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub customer_id: Option<String>,
}

/// How a payment stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderPayment {
    /// By the last news from the gateway.
    pub status: PaymentStatus,
    /// The gateway's event that says that the money moved; only an order that is paid has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event_id: Option<String>,
    /// How much of it has been given back, or is on its way; absent where nothing has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refunded_amount: Option<Amount>,
    /// Whether the shopper's bank has taken money of it back because she disputes the payment, for
    /// now or for good. The order stays as it is. A dispute that the shop has won, or a question of
    /// the bank's for which it has taken nothing, does not count.
    pub disputed: bool,
}

/// How a payment stands, by the last news from the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// The gateway is being asked for it.
    Starting,
    /// It waits for the shopper.
    Open,
    /// A bank said no; it can be tried again.
    Declined,
    /// The shopper must prove who she is.
    RequiresAction,
    /// Under way; it may take days.
    Processing,
    /// The money moved. The order turns `paid` with the gateway's event.
    Succeeded,
    /// It ended without success.
    Failed,
    /// It was given up.
    Cancelled,
}

/// An address.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// Who receives it.
    pub name: String,
    /// Their company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub company: Option<String>,
    /// Street and number.
    pub street: String,
    /// Postal code; empty where the country has none.
    pub postal_code: String,
    /// Town.
    pub city: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// For the carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub phone: Option<String>,
}

/// The part of a receipt's link that opens the order.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Link {
    /// From the link in the receipt; with it no cookie is needed.
    token: Option<String>,
}

/// An order, for the visitor who made it, the customer whose it is, and whoever has the link from its
/// receipt.
///
/// At Elastic Path it is the platform's order, and there are no such links; it is `paid` when the
/// platform says so and the payment is known to be booked on it.
#[utoipa::path(get, path = "/api/orders/{id}", tag = "orders",
    params(("id" = String, Path, description = "The order's id."), Link),
    responses((status = 200, description = "The order.", body = Order)))]
pub async fn get_order(
    State(web): State<Web>,
    Extension(asker): Extension<Asker>,
    id: Result<Id<OrderId>, NoSuch>,
    link: Result<Query<Link>, QueryRejection>,
) -> Result<Json<Order>, ApiError> {
    let Id(id) = id.map_err(|NoSuch| ApiError::new(Code::OrderNotFound))?;
    // A query that cannot be read is no link: the answer is the one for no link.
    let token = link.map(|Query(link)| link).unwrap_or_default().token;
    if token.is_some_and(|token| web.links.is_for(id, &token)) {
        return render(&see_linked_order(&web.cx, id).await?);
    }
    render(&see_order(&web.cx, asker, id).await?)
}

/// Gives an order up, for the visitor who made it and the customer whose it is: Stripe cancels the
/// payment, then the pieces are free again. Once the payment is under way or made, it is too late. If
/// Stripe does not answer, the wish is kept and carried out as soon as it does, unless the order is
/// paid first. An order that is over without a payment is answered as it is.
#[utoipa::path(post, path = "/api/orders/{id}/cancel", tag = "orders",
    params(("id" = String, Path, description = "The order's id.")),
    responses((status = 200, description = "The order, over.", body = Order)))]
pub async fn cancel_order(
    State(web): State<Web>,
    Extension(asker): Extension<Asker>,
    id: Result<Id<OrderId>, NoSuch>,
) -> Result<Json<Order>, ApiError> {
    let Id(order) = id.map_err(|NoSuch| ApiError::new(Code::OrderNotFound))?;
    let cx = web.cx.clone();
    let flow = async move {
        // Whoever may see it may give it up.
        let by = Canceller::Shopper(see_order(&cx, asker, order).await?.order.visitor);
        cancel_order::cancel_order(&cx, Wish { order, by }).await?;
        see_order(&cx, asker, order).await
    };
    render(&web.cx.see_through(flow).await?)
}

/// A page of orders, and where the next one starts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderPage {
    /// The orders, newest first.
    pub items: Vec<Order>,
    /// Give it as `cursor` to get the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

/// Which orders.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OrderSearch {
    /// Where the page starts: the `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many, from 1 to 50; 20 unless told.
    #[param(minimum = 1, maximum = 50)]
    limit: Option<u32>,
}

/// Orders on a page when the client does not say.
const PAGE: u32 = 20;
/// Orders on a page at most: each is read with its lines, payment and refunds.
const PAGE_MAX: u32 = 50;

/// The orders of the customer who is signed in, newest first. A guest has no such list: an order of hers
/// is read by its id, and is the customer's once she has proven that its e-mail address is hers.
#[utoipa::path(get, path = "/api/orders", tag = "orders", params(OrderSearch),
    responses((status = 200, description = "A page of orders.", body = OrderPage)))]
pub async fn list_orders(
    State(web): State<Web>,
    Extension(asker): Extension<Asker>,
    Search(search): Search<OrderSearch>,
) -> Result<Json<OrderPage>, ApiError> {
    let customer = required(asker)?.customer;
    let limit = search.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(ApiError::invalid(format!("limit is a number from 1 to {PAGE_MAX}.")));
    }
    let before = search.cursor.map(|cursor| cursor.parse::<OrderId>()).transpose();
    let before = before.map_err(|_| {
        ApiError::invalid("cursor is not one of ours: give the nextCursor of the page before.")
    })?;
    let (page, next) = profile::orders(&web.cx, customer, (before, limit)).await?;
    let items = page.iter().map(on_the_wire).collect::<Result<_, _>>().map_err(FlowError::from)?;
    Ok(Json(OrderPage { items, next_cursor: next.map(|next| next.to_string()) }))
}

/// An order, answered.
pub fn render(seen: &Seen) -> Result<Json<Order>, ApiError> {
    Ok(Json(on_the_wire(seen).map_err(FlowError::from)?))
}

/// An order as the wire has it.
pub fn on_the_wire(seen: &Seen) -> Result<Order, MoneyError> {
    let payment = seen.payment.as_ref().map(|stored| &stored.payment);
    let mut order = Order::of(&seen.order, payment, &seen.refunds, &seen.disputes)?;
    order.customer.customer_id = seen.customer.map(|customer| customer.to_string());
    Ok(order)
}

impl Order {
    /// An order with its payment, where there was something to pay, its refunds and disputes.
    pub fn of(
        order: &Ordered,
        payment: Option<&Payment>,
        refunds: &[Refund],
        disputes: &[Dispute],
    ) -> Result<Self, MoneyError> {
        let totals = order.totals;
        let refunded = given_back(refunds)?;
        let paid_at = match order.state() {
            OrderState::Paid { at, .. } => Some(*at),
            OrderState::Pending { .. }
            | OrderState::Failed { .. }
            | OrderState::Cancelled { .. } => None,
        };
        Ok(Self {
            id: order.id.to_string(),
            status: status(order, refunded),
            items: lines(&order.lines)?,
            subtotal: totals.subtotal().into(),
            shipping: totals.shipping().into(),
            tax: totals.tax().into(),
            tax_included: match totals.tax_mode() {
                TaxMode::Included => true,
                TaxMode::Added => false,
            },
            total: totals.total().into(),
            currency: currency(totals.total()),
            customer: OrderCustomer { email: order.email.as_str().to_owned(), customer_id: None },
            shipping_address: Address::of(&order.shipping_address),
            billing_address: Address::of(&order.billing_address),
            custom_attributes: CustomAttributes::some(&order.attributes),
            created_at: order.created_at,
            paid_at,
            payment: payment.map(|payment| OrderPayment {
                status: payment_status(payment.state()),
                event_id: event_id(order.state()),
                refunded_amount: refunded.map(Amount::from),
                disputed: taken_by_bank(payment, disputes).is_some(),
            }),
        })
    }
}

/// That everything was given back follows from the refunds, so that the two cannot disagree: one
/// that fails weeks later shows the order as paid again.
pub fn status(order: &Ordered, refunded: Option<Money>) -> OrderStatus {
    match order.state() {
        OrderState::Pending { .. } => OrderStatus::Pending,
        OrderState::Paid { .. } if refunded == Some(order.totals.total()) => OrderStatus::Refunded,
        OrderState::Paid { .. } => OrderStatus::Paid,
        OrderState::Failed { .. } => OrderStatus::Failed,
        OrderState::Cancelled { .. } => OrderStatus::Cancelled,
    }
}

fn event_id(state: &OrderState) -> Option<String> {
    match state {
        OrderState::Paid { by: PaidBy::Event(event), .. } => Some(event.to_string()),
        OrderState::Paid { by: PaidBy::NothingToPay, .. }
        | OrderState::Pending { .. }
        | OrderState::Failed { .. }
        | OrderState::Cancelled { .. } => None,
    }
}

fn payment_status(state: &PaymentState) -> PaymentStatus {
    use PaymentState as S;
    match state {
        S::Created | S::Unknown => PaymentStatus::Starting,
        S::Open => PaymentStatus::Open,
        S::Declined { .. } => PaymentStatus::Declined,
        S::RequiresAction => PaymentStatus::RequiresAction,
        S::Processing => PaymentStatus::Processing,
        S::Answered | S::Succeeded { .. } => PaymentStatus::Succeeded,
        S::Closing { .. } | S::Failed { .. } => PaymentStatus::Failed,
        S::Cancelled => PaymentStatus::Cancelled,
    }
}

impl Address {
    /// An address as it is known.
    pub fn of(known: &Known) -> Self {
        Self {
            name: known.name().to_owned(),
            company: known.company().map(str::to_owned),
            street: known.street().to_owned(),
            postal_code: known.postal_code().to_owned(),
            city: known.city().to_owned(),
            country: known.country().to_string(),
            phone: known.phone().map(str::to_owned),
        }
    }

    /// What was typed, to be checked.
    pub fn draft(self) -> AddressDraft {
        AddressDraft {
            name: self.name,
            company: self.company,
            street: self.street,
            postal_code: self.postal_code,
            city: self.city,
            country: self.country,
            phone: self.phone,
        }
    }
}
