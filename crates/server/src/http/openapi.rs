//! The OpenAPI document, from the code. Which codes an operation can answer with stands here, in
//! one table; status, body and one named example for each code follow from [`Code::wire`].

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use axum::response::{IntoResponse, Response};
use http::header;
use serde_json::json;
use utoipa::{
    OpenApi,
    openapi::{
        ContentBuilder, OpenApi as Document, Ref, RefOr, ResponseBuilder, Schema,
        example::ExampleBuilder, path::Operation, schema::OneOfBuilder,
    },
};

use super::{
    error::{Code, ErrorBody},
    routes,
    session::code::SessionCode,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Till",
        description = "Cart, checkout and orders. Amounts are numbers in the currency's major \
                       unit, times are ISO 8601 in UTC. The visitor is known by a cookie that is \
                       set on first use.",
        license(name = "Apache-2.0 OR MIT"),
    ),
    tags(
        (name = "catalogue", description = "What the shop sells."),
        (name = "cart", description = "What the visitor means to buy."),
        (name = "checkout", description = "From cart to payment."),
        (name = "sessions", description = "From cart to a paid order in one call; amounts are in \
                                          the minor unit here."),
        (name = "customers", description = "Accounts: a proven e-mail address and a password."),
        (name = "orders", description = "What has become of it."),
        (name = "webhooks", description = "What Stripe tells us."),
    ),
    components(schemas(ErrorBody))
)]
struct Base;

static JSON: LazyLock<String> =
    LazyLock::new(|| document().to_pretty_json().unwrap_or_else(|error| error.to_string()));

/// Codes that any route of the shop can answer with.
const EVERYWHERE: &[Code] = &[Code::Server, Code::Unavailable];
/// Codes of routes that know the visitor.
const VISITOR: &[Code] = &[Code::RateLimited];
/// Codes of routes that take a body and change something.
const CHANGE: &[Code] = &[Code::Invalid, Code::CrossOrigin, Code::TooLarge];

/// Which codes an operation can answer with, by its id.
pub fn codes(operation: &str) -> Vec<Code> {
    let own: &[&[Code]] = match operation {
        "list_products" => &[VISITOR, &[Code::Invalid]],
        "get_product" => &[VISITOR, &[Code::ProductNotFound]],
        "get_cart" => &[VISITOR],
        // At Elastic Path a cart that is being paid stays as it is.
        "clear_cart" => &[VISITOR, &[Code::CrossOrigin, Code::Conflict]],
        "add_item" => {
            &[VISITOR, CHANGE, &[Code::ProductNotFound, Code::StockChanged, Code::Conflict]]
        }
        "set_quantity" => {
            &[VISITOR, CHANGE, &[Code::LineNotFound, Code::StockChanged, Code::Conflict]]
        }
        "remove_item" => &[VISITOR, &[Code::CrossOrigin, Code::LineNotFound, Code::Conflict]],
        "start_intent" => &[
            VISITOR,
            CHANGE,
            &[
                Code::CartEmpty,
                Code::AddressInvalid,
                Code::StockChanged,
                Code::PriceChanged,
                Code::AmountTooSmall,
                Code::ChallengeRequired,
                Code::Conflict,
                Code::PaymentUnknown,
            ],
        ],
        "confirm_order" => &[
            VISITOR,
            CHANGE,
            &[Code::OrderNotFound, Code::Declined, Code::AuthRequired, Code::PaymentUnknown],
        ],
        "list_orders" => &[VISITOR, &[Code::Invalid, Code::SignIn]],
        "get_order" => &[VISITOR, &[Code::OrderNotFound]],
        "cancel_order" => &[
            VISITOR,
            &[Code::CrossOrigin, Code::OrderNotFound, Code::Conflict, Code::PaymentUnknown],
        ],
        "register" | "ask_reset" => &[VISITOR, CHANGE],
        "verify" => &[VISITOR, CHANGE, &[Code::SignIn, Code::LinkNotFound]],
        "login" | "change_customer" | "delete_customer" => &[VISITOR, CHANGE, &[Code::SignIn]],
        "logout" => &[VISITOR, &[Code::CrossOrigin]],
        "finish_reset" => &[VISITOR, CHANGE, &[Code::LinkNotFound]],
        "get_customer" => &[VISITOR, &[Code::SignIn]],
        "add_address" => &[VISITOR, CHANGE, &[Code::SignIn, Code::AddressInvalid]],
        "change_address" => {
            &[VISITOR, CHANGE, &[Code::SignIn, Code::AddressInvalid, Code::AddressNotFound]]
        }
        "remove_address" => &[VISITOR, &[Code::CrossOrigin, Code::SignIn, Code::AddressNotFound]],
        "open_session" | "patch_session" | "pay_session" => {
            &[VISITOR, &[Code::CrossOrigin, Code::TooLarge]]
        }
        "offer_shipping" | "resume_payment" | "abandon_payment" | "confirm_session" => {
            &[VISITOR, &[Code::CrossOrigin]]
        }
        "current_session" => &[VISITOR],
        "stripe_webhook" => &[&[Code::Invalid, Code::TooLarge]],
        _ => &[],
    };
    own.iter().chain([&EVERYWHERE]).flat_map(|codes| codes.iter().copied()).collect()
}

/// Which codes of the session contract an operation can answer with, by its id.
pub fn session_codes(operation: &str) -> Vec<SessionCode> {
    use SessionCode as C;
    let own: &[C] = match operation {
        "open_session" => &[C::Validation, C::Platform, C::RateLimited],
        "current_session" => &[],
        "patch_session" => {
            &[C::Validation, C::Gone, C::NotOpen, C::Shipping, C::Platform, C::RateLimited]
        }
        "offer_shipping" => &[
            C::Gone,
            C::NotOpen,
            C::MissingShippingAddress,
            C::Shipping,
            C::Platform,
            C::RateLimited,
        ],
        "pay_session" => &[
            C::Validation,
            C::Gone,
            C::MissingFields,
            C::CartMismatch,
            C::RateUnresolvable,
            C::Shipping,
            C::UnknownGateway,
            C::Adapter,
            C::Platform,
            C::RateLimited,
            C::ChallengeRequired,
            C::AccountRequired,
            C::AccountToken,
        ],
        "resume_payment" => &[C::Gone, C::NotResumable, C::StillRequiresAction, C::Adapter],
        "confirm_session" => &[C::Gone, C::NotConfirmable],
        "abandon_payment" => &[C::Gone, C::NotAbandonable, C::Adapter],
        _ => return Vec::new(),
    };
    own.iter().chain(&[C::Store]).copied().collect()
}

/// The document.
pub fn document() -> Document {
    let mut document = Base::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document.merge(routes::documented());
    for path in document.paths.paths.values_mut() {
        let operations =
            [&mut path.get, &mut path.post, &mut path.patch, &mut path.delete, &mut path.put];
        for operation in operations.into_iter().flatten() {
            describe_failures(operation);
        }
    }
    document
}

/// A failure that an operation can answer with.
struct Failure {
    name: &'static str,
    sentence: &'static str,
    schema: &'static str,
    example: serde_json::Value,
}

fn describe_failures(operation: &mut Operation) {
    let mut by_status: BTreeMap<u16, Vec<Failure>> = BTreeMap::new();
    let id = operation.operation_id.as_deref().unwrap_or_default();
    for (name, status, sentence) in codes(id).into_iter().map(Code::wire) {
        let example = json!({ "error": { "code": name, "message": sentence } });
        let failure = Failure { name, sentence, schema: "Error", example };
        by_status.entry(status.as_u16()).or_default().push(failure);
    }
    for (name, status, sentence) in session_codes(id).into_iter().map(SessionCode::wire) {
        let error = json!({ "code": name, "message": sentence });
        let example = json!({ "success": false, "error": error });
        let failure = Failure { name, sentence, schema: "SessionAnswer", example };
        by_status.entry(status.as_u16()).or_default().push(failure);
    }
    for (status, failures) in by_status {
        let sentences: Vec<_> = failures
            .iter()
            .map(|Failure { name, sentence, .. }| format!("`{name}`: {sentence}"))
            .collect();
        let schemas: BTreeSet<&str> = failures.iter().map(|failure| failure.schema).collect();
        let mut of = schemas.into_iter().map(Ref::from_schema_name);
        let schema = match (of.next(), of.next()) {
            (Some(one), Some(other)) => {
                let either = OneOfBuilder::new().item(one).item(other).build();
                Some(RefOr::T(Schema::OneOf(either)))
            }
            (one, _) => one.map(RefOr::Ref),
        };
        let examples = failures.into_iter().map(|Failure { name, example, .. }| {
            (name, RefOr::T(ExampleBuilder::new().value(Some(example)).build()))
        });
        let content = ContentBuilder::new().schema(schema).examples_from_iter(examples).build();
        let response = ResponseBuilder::new()
            .description(sentences.join("  \n"))
            .content("application/json", content)
            .build();
        operation.responses.responses.insert(status.to_string(), RefOr::T(response));
    }
}

/// The document over HTTP.
pub async fn openapi_json() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], JSON.as_str()).into_response()
}
