//! Customers over HTTP. No answer tells whether an address has an account.

use axum::{
    Extension, Json,
    extract::State,
    response::{AppendHeaders, IntoResponse, Response},
};
use domain::{
    contact::{Address as Known, Email, EmailError},
    customer::{ConsentText, KeptAddress, Password, PersonName},
    id::AddressId,
    shield::Network,
};
use http::{HeaderMap, StatusCode, header::SET_COOKIE};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use storage::customer::SignedIn;
use utoipa::ToSchema;

use super::{
    cookie::SignedCookie,
    error::{ApiError, Code},
    order::Address,
    read::{Body, Id, NoSuch},
    routes::Web,
    session::form::Form,
};
use crate::flows::customer::{
    Asker, Browser, Wanted, join,
    profile::{self, AddressChange, Changes, Profile},
    reset,
    sign_in::{self, Opened},
};

/// The cookie that names a sign-in.
#[derive(Clone)]
pub struct CustomerCookie(SignedCookie);

impl CustomerCookie {
    /// `secret` signs it, with a key of its own: what the visitor's cookie holds is no sign-in. A row
    /// says when a sign-in is over.
    pub fn new(secret: &str, https: bool, lasts: time::Duration) -> Self {
        let name = if https { "__Host-till_customer" } else { "till_customer" };
        Self(SignedCookie::new(name, lasts, &format!("{secret}: customers"), https))
    }

    /// The sign-in that the browser names.
    pub fn read(&self, headers: &HeaderMap) -> Option<domain::id::SignInId> {
        self.0.read(headers)?.parse().ok()
    }
}

/// A customer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    /// The customer's id, as her orders name it.
    pub id: String,
    /// Her address; it is proven.
    pub email: String,
    /// How she wants to be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// Whether she wants to hear from the shop.
    pub accepts_marketing: bool,
    /// Since when; with `marketingText` the proof that she does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, value_type = Option<String>, nullable = false)]
    pub marketing_since: Option<Timestamp>,
    /// The sentence that she agreed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub marketing_text: Option<String>,
    /// Where goods may go, in the order in which she added them.
    pub addresses: Vec<CustomerAddress>,
    /// Since when she has an account.
    #[schema(format = DateTime, value_type = String)]
    pub created_at: Timestamp,
}

/// An address that a customer has kept.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerAddress {
    /// The address's id.
    pub id: String,
    /// Whether goods go there unless she says otherwise; one of them does.
    pub is_default: bool,
    /// The address.
    #[serde(flatten)]
    pub address: Address,
}

/// Who wants an account.
#[derive(Deserialize, ToSchema)]
pub struct Registration {
    /// Her address, to be proven.
    email: String,
    /// From 8 to 1024 characters.
    password: String,
    /// How she wants to be called.
    #[schema(nullable = false)]
    name: Option<String>,
}

/// Who signs in.
#[derive(Deserialize, ToSchema)]
pub struct Login {
    /// Her address.
    email: String,
    /// Her password.
    password: String,
}

/// A link from a letter, followed.
#[derive(Deserialize, ToSchema)]
pub struct Verification {
    /// What stands behind `#token=` in the link.
    token: String,
    /// The password of whoever asked for the letter.
    password: String,
}

/// Who has forgotten her password.
#[derive(Deserialize, ToSchema)]
pub struct ResetRequest {
    /// Her address.
    email: String,
}

/// Another password, by a link from a letter.
#[derive(Deserialize, ToSchema)]
pub struct Reset {
    /// What stands behind `#token=` in the link.
    token: String,
    /// The new password, from 8 to 1024 characters.
    password: String,
}

/// What a customer says anew; what is not there stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerChanges {
    /// How she wants to be called; empty for no name.
    #[schema(nullable = false)]
    name: Option<String>,
    /// Whether she wants to hear from the shop; `true` needs `marketingText`.
    #[schema(nullable = false)]
    accepts_marketing: Option<bool>,
    /// The sentence beside the box that she ticked, in at most 1000 characters.
    #[schema(nullable = false)]
    marketing_text: Option<String>,
    /// Another address; it becomes hers by the link in the letter that goes there. Needs `password`.
    #[schema(nullable = false)]
    email: Option<String>,
    /// Another password, from 8 to 1024 characters. Needs `password`, and ends her other sign-ins.
    #[schema(nullable = false)]
    new_password: Option<String>,
    /// Her present password.
    #[schema(nullable = false)]
    password: Option<String>,
}

/// The customer's own password.
#[derive(Deserialize, ToSchema)]
pub struct Leaving {
    /// Her password.
    password: String,
}

/// An address to keep.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewAddress {
    /// The address.
    #[serde(flatten)]
    address: Address,
    /// Whether goods go there from now on unless she says otherwise. The first one is so anyway.
    #[serde(default)]
    #[schema(required = false)]
    is_default: bool,
}

/// Asks for an account. A letter goes to the address: with a link that makes the account, or, where it
/// has one already, without. The answer is the same either way.
#[utoipa::path(post, path = "/api/customers", tag = "customers", request_body = Registration,
    responses((status = 204, description = "A letter goes to the address.")))]
pub async fn register(
    State(web): State<Web>,
    Extension(network): Extension<Option<Network>>,
    Body(body): Body<Registration>,
) -> Result<StatusCode, ApiError> {
    let password = password("password", &body.password)?;
    let name = body.name.as_deref().map(name).transpose()?.flatten();
    let wanted = Wanted { email: email(&body.email)?, name };
    join::register(&web.cx, network, wanted, password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Follows the link from a letter that asked whether an address is hers: makes the account, or gives it
/// the new address, and signs her in. The link alone is not enough: whoever asked for the letter knows
/// the password, and she who only found it in her mailbox does not.
#[utoipa::path(post, path = "/api/customers/verify", tag = "customers",
    request_body = Verification,
    responses((status = 200, description = "The customer, signed in.", body = Customer)))]
pub async fn verify(
    State(web): State<Web>,
    Extension(asker): Extension<Asker>,
    Extension(network): Extension<Option<Network>>,
    headers: HeaderMap,
    Body(body): Body<Verification>,
) -> Result<Response, ApiError> {
    let password = password("password", &body.password)?;
    let browser = browser(&web, asker, &headers);
    let opened = join::confirm(&web.cx, (browser, network), &body.token, password).await?;
    signed_in(&web, opened).await
}

/// Signs a customer in. Her cart is the same wherever she is signed in; what is in the cart of this
/// browser comes along.
#[utoipa::path(post, path = "/api/customers/login", tag = "customers", request_body = Login,
    responses((status = 200, description = "The customer, signed in.", body = Customer)))]
pub async fn login(
    State(web): State<Web>,
    Extension(asker): Extension<Asker>,
    Extension(network): Extension<Option<Network>>,
    headers: HeaderMap,
    Body(body): Body<Login>,
) -> Result<Response, ApiError> {
    let (email, password) = (email(&body.email)?, password("password", &body.password)?);
    let browser = browser(&web, asker, &headers);
    signed_in(&web, sign_in::sign_in(&web.cx, (browser, network), email, password).await?).await
}

/// Signs out. Whoever is not signed in hears the same.
#[utoipa::path(post, path = "/api/customers/logout", tag = "customers",
    responses((status = 204, description = "Nobody is signed in.")))]
pub async fn logout(
    State(web): State<Web>,
    Extension(asker): Extension<Asker>,
) -> Result<Response, ApiError> {
    if let Some(signed_in) = asker.signed_in {
        sign_in::sign_out(&web.cx, signed_in.id).await?;
    }
    Ok(signed_out(&web))
}

/// Has a link sent to an address by which another password can be chosen. The answer is the same where
/// the address has no account.
#[utoipa::path(post, path = "/api/customers/reset", tag = "customers",
    request_body = ResetRequest,
    responses((status = 204, description = "A letter goes to the address, if it has an account.")))]
pub async fn ask_reset(
    State(web): State<Web>,
    Extension(network): Extension<Option<Network>>,
    Body(body): Body<ResetRequest>,
) -> Result<StatusCode, ApiError> {
    reset::ask(&web.cx, network, email(&body.email)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Follows the link from such a letter, once. She is signed in nowhere afterwards.
#[utoipa::path(post, path = "/api/customers/reset/finish", tag = "customers",
    request_body = Reset,
    responses((status = 204, description = "The new password holds.")))]
pub async fn finish_reset(
    State(web): State<Web>,
    Extension(network): Extension<Option<Network>>,
    Body(body): Body<Reset>,
) -> Result<StatusCode, ApiError> {
    let password = password("password", &body.password)?;
    reset::finish(&web.cx, network, &body.token, password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The customer who is signed in.
#[utoipa::path(get, path = "/api/customers/me", tag = "customers",
    responses((status = 200, description = "The customer.", body = Customer)))]
pub async fn get_customer(
    State(web): State<Web>,
    Extension(asker): Extension<Asker>,
) -> Result<Json<Customer>, ApiError> {
    let signed_in = required(asker)?;
    Ok(Json(profile::look(&web.cx, signed_in.customer).await?.into()))
}

/// Changes what a customer says of herself.
#[utoipa::path(patch, path = "/api/customers/me", tag = "customers",
    request_body = CustomerChanges,
    responses((status = 200, description = "The customer as she is now.", body = Customer)))]
pub async fn change_customer(
    State(web): State<Web>,
    Extension(asker): Extension<Asker>,
    Extension(network): Extension<Option<Network>>,
    Body(body): Body<CustomerChanges>,
) -> Result<Json<Customer>, ApiError> {
    let signed_in = required(asker)?;
    let changes = changes(&body)?;
    Ok(Json(profile::change(&web.cx, (signed_in, network), changes).await?.into()))
}

/// Deletes the account. Her orders stay, as the law wants them to; she can no longer be signed in to
/// see them.
#[utoipa::path(delete, path = "/api/customers/me", tag = "customers", request_body = Leaving,
    responses((status = 204, description = "There is no such account any more.")))]
pub async fn delete_customer(
    State(web): State<Web>,
    Extension(asker): Extension<Asker>,
    Extension(network): Extension<Option<Network>>,
    Body(body): Body<Leaving>,
) -> Result<Response, ApiError> {
    let signed_in = required(asker)?;
    let password = password("password", &body.password)?;
    profile::leave(&web.cx, (signed_in, network), password).await?;
    Ok(signed_out(&web))
}

/// Keeps an address.
#[utoipa::path(post, path = "/api/customers/me/addresses", tag = "customers",
    request_body = NewAddress,
    responses((status = 200, description = "The customer with the address.", body = Customer)))]
pub async fn add_address(
    State(web): State<Web>,
    Extension(asker): Extension<Asker>,
    Body(body): Body<NewAddress>,
) -> Result<Json<Customer>, ApiError> {
    let signed_in = required(asker)?;
    let (address, is_default) = known(body)?;
    let id = AddressId(web.cx.ids.next());
    let prefer = is_default.then_some(AddressChange::Prefer(id));
    let changes = [AddressChange::Add(id, address)].into_iter().chain(prefer).collect();
    Ok(Json(profile::change_addresses(&web.cx, signed_in.customer, changes).await?.into()))
}

/// Replaces an address, or makes it the one where goods go.
#[utoipa::path(patch, path = "/api/customers/me/addresses/{id}", tag = "customers",
    request_body = NewAddress,
    params(("id" = String, Path, description = "The address's id.")),
    responses((status = 200, description = "The customer with the address.", body = Customer)))]
pub async fn change_address(
    State(web): State<Web>,
    Extension(asker): Extension<Asker>,
    id: Result<Id<AddressId>, NoSuch>,
    Body(body): Body<NewAddress>,
) -> Result<Json<Customer>, ApiError> {
    let signed_in = required(asker)?;
    let (address, is_default) = known(body)?;
    let id = address_id(id)?;
    let prefer = is_default.then_some(AddressChange::Prefer(id));
    let changes = [AddressChange::Set(id, address)].into_iter().chain(prefer).collect();
    Ok(Json(profile::change_addresses(&web.cx, signed_in.customer, changes).await?.into()))
}

/// Forgets an address. If goods went there, they go to the oldest that is left.
#[utoipa::path(delete, path = "/api/customers/me/addresses/{id}", tag = "customers",
    params(("id" = String, Path, description = "The address's id.")),
    responses((status = 200, description = "The customer without the address.", body = Customer)))]
pub async fn remove_address(
    State(web): State<Web>,
    Extension(asker): Extension<Asker>,
    id: Result<Id<AddressId>, NoSuch>,
) -> Result<Json<Customer>, ApiError> {
    let signed_in = required(asker)?;
    let changes = vec![AddressChange::Remove(address_id(id)?)];
    Ok(Json(profile::change_addresses(&web.cx, signed_in.customer, changes).await?.into()))
}

/// Where somebody signs in.
fn browser(web: &Web, asker: Asker, headers: &HeaderMap) -> Browser {
    let session = Form::of(&web.sessions, headers).map(|form| form.session());
    Browser { asker, session }
}

/// Whoever is signed in.
pub fn required(asker: Asker) -> Result<SignedIn, ApiError> {
    asker.signed_in.ok_or_else(|| ApiError::new(Code::SignIn))
}

/// The customer, with the cookie that names her sign-in.
async fn signed_in(web: &Web, opened: Opened) -> Result<Response, ApiError> {
    let customer = Customer::from(profile::look(&web.cx, opened.customer).await?);
    let cookie = web.front.customers.as_ref();
    let cookie = cookie.and_then(|cookie| cookie.0.set(&opened.sign_in.to_string()));
    let headers = cookie.map(|cookie| (SET_COOKIE, cookie));
    Ok((AppendHeaders(headers), Json(customer)).into_response())
}

fn signed_out(web: &Web) -> Response {
    let cookie = web.front.customers.as_ref().and_then(|cookie| cookie.0.forget());
    let headers = cookie.map(|cookie| (SET_COOKIE, cookie));
    (StatusCode::NO_CONTENT, AppendHeaders(headers)).into_response()
}

fn email(text: &str) -> Result<Email, ApiError> {
    text.parse().map_err(|error: EmailError| ApiError::field("email", &error))
}

fn password(field: &str, text: &str) -> Result<Password, ApiError> {
    text.parse().map_err(|error| ApiError::field(field, &error))
}

/// Empty: no name.
fn name(text: &str) -> Result<Option<PersonName>, ApiError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| ApiError::field("name", &error))
}

fn changes(body: &CustomerChanges) -> Result<Changes, ApiError> {
    let text = body.marketing_text.as_deref().unwrap_or_default();
    let marketing = match body.accepts_marketing {
        None => None,
        Some(false) => Some(None),
        Some(true) => {
            let text = text.parse::<ConsentText>();
            Some(Some(text.map_err(|error| ApiError::field("marketingText", &error))?))
        }
    };
    let of = |field, text: &Option<String>| {
        text.as_deref().map(|text| password(field, text)).transpose()
    };
    Ok(Changes {
        name: body.name.as_deref().map(name).transpose()?,
        marketing,
        email: body.email.as_deref().map(email).transpose()?,
        new_password: of("newPassword", &body.new_password)?,
        password: of("password", &body.password)?,
    })
}

fn known(body: NewAddress) -> Result<(Known, bool), ApiError> {
    let address = Known::parse(&body.address.draft());
    let address = address.map_err(|error| ApiError::kept_address(&error))?;
    Ok((address, body.is_default))
}

fn address_id(id: Result<Id<AddressId>, NoSuch>) -> Result<AddressId, ApiError> {
    id.map(|Id(id)| id).map_err(|NoSuch| ApiError::new(Code::AddressNotFound))
}

impl From<Profile> for Customer {
    fn from(Profile { customer, addresses }: Profile) -> Self {
        let address = |KeptAddress { id, address }: KeptAddress| CustomerAddress {
            id: id.to_string(),
            is_default: customer.default_address == Some(id),
            address: Address::of(&address),
        };
        let marketing = customer.marketing.as_ref();
        Self {
            id: customer.id.to_string(),
            email: customer.email.as_str().to_owned(),
            name: customer.name.as_ref().map(|name| name.as_str().to_owned()),
            accepts_marketing: marketing.is_some(),
            marketing_since: marketing.map(|consent| consent.at),
            marketing_text: marketing.map(|consent| consent.text.as_str().to_owned()),
            addresses: addresses.into_iter().map(address).collect(),
            created_at: customer.created_at,
        }
    }
}
