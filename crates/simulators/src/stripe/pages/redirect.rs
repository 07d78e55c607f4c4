//! `/redirect/{id}`: the page of the buyer's own bank, for methods that lead there (iDEAL,
//! Bancontact and the like). It answers the same question as a 3-D Secure challenge.

use axum::Form;
use axum::extract::{Path, State as Shared};
use axum::response::Response;
use http::request::Parts;

use crate::stripe::Stripe;
use crate::stripe::pages::challenge::{self, Answer};

pub(crate) async fn show(Shared(stripe): Shared<Stripe>, Path(id): Path<String>) -> Response {
    challenge::ask(&stripe, &id, "redirect.html")
}

pub(crate) async fn answer(
    Shared(stripe): Shared<Stripe>,
    Path(id): Path<String>,
    parts: Parts,
    form: Result<Form<Answer>, axum::extract::rejection::FormRejection>,
) -> Response {
    challenge::take(&stripe, &id, &parts, form.map(|Form(answer)| answer.outcome).ok())
}
