//! Lists, a page at a time.

use serde_json::{Value, json};

use crate::elastic_path::api::call::{Answer, Call};
use crate::elastic_path::api::error::ApiError;

const LIMIT_DEFAULT: usize = 25;
const LIMIT_MAX: usize = 100;
/// Beyond this a list is not looked through.
const OFFSET_MAX: usize = 10_000;

/// The page of `found` that the call asks for.
pub(crate) fn page(call: &Call, found: Vec<Value>) -> Result<Answer, ApiError> {
    let number = |name: &str, default: usize| match call.asked(name) {
        None => Ok(default),
        Some(text) => {
            text.parse().map_err(|_| ApiError::bad_request(format!("{name} must be a number.")))
        }
    };
    let limit = number("page[limit]", LIMIT_DEFAULT)?.clamp(1, LIMIT_MAX);
    let offset = number("page[offset]", 0)?;
    if offset > OFFSET_MAX {
        return Err(ApiError::bad_request("page[offset] must be 10000 at most."));
    }
    let total = found.len();
    let data: Vec<Value> = found.into_iter().skip(offset).take(limit).collect();
    Ok(Answer::ok(json!({
        "data": data,
        "meta": {
            "results": { "total": total },
            "page": {
                "limit": limit,
                "offset": offset,
                "current": offset / limit + 1,
                "total": total.div_ceil(limit),
            },
        },
        "links": {},
    })))
}
