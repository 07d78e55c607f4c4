//! The OpenAPI document, from the code. Which codes an operation can answer with stands here, in
//! one table; status, body and one named example for each code follow from [`Code::wire`].

use std::{collections::BTreeMap, sync::LazyLock};

use axum::response::{IntoResponse, Response};
use http::header;
use serde_json::json;
use utoipa::{
    OpenApi,
    openapi::{
        ContentBuilder, OpenApi as Document, Ref, RefOr, ResponseBuilder, example::ExampleBuilder,
        path::Operation,
    },
};

use super::{
    error::{Code, ErrorBody},
    routes,
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
        "clear_cart" => &[VISITOR, &[Code::CrossOrigin]],
        "add_item" => &[VISITOR, CHANGE, &[Code::ProductNotFound, Code::StockChanged]],
        "set_quantity" => &[VISITOR, CHANGE, &[Code::LineNotFound, Code::StockChanged]],
        "remove_item" => &[VISITOR, &[Code::CrossOrigin, Code::LineNotFound]],
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
        "list_orders" => &[VISITOR, &[Code::SignIn]],
        "get_order" => &[VISITOR, &[Code::OrderNotFound]],
        "cancel_order" => &[
            VISITOR,
            &[Code::CrossOrigin, Code::OrderNotFound, Code::Conflict, Code::PaymentUnknown],
        ],
        "stripe_webhook" => &[&[Code::Invalid, Code::TooLarge]],
        _ => &[],
    };
    own.iter().chain([&EVERYWHERE]).flat_map(|codes| codes.iter().copied()).collect()
}

/// The document.
pub fn document() -> Document {
    let mut document = Base::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document.merge(routes::documented().into_openapi());
    for path in document.paths.paths.values_mut() {
        let operations =
            [&mut path.get, &mut path.post, &mut path.patch, &mut path.delete, &mut path.put];
        for operation in operations.into_iter().flatten() {
            describe_failures(operation);
        }
    }
    document
}

fn describe_failures(operation: &mut Operation) {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes(operation.operation_id.as_deref().unwrap_or_default()) {
        by_status.entry(code.wire().1.as_u16()).or_default().push(code);
    }
    for (status, codes) in by_status {
        let sentences: Vec<_> =
            codes.iter().map(|code| format!("`{}`: {}", code.wire().0, code.wire().2)).collect();
        let examples = codes.iter().map(|code| {
            let (name, _, message) = code.wire();
            let value = json!({ "error": { "code": name, "message": message } });
            (name, RefOr::T(ExampleBuilder::new().value(Some(value)).build()))
        });
        let content = ContentBuilder::new()
            .schema(Some(RefOr::Ref(Ref::from_schema_name("Error"))))
            .examples_from_iter(examples)
            .build();
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
