//! What others do with the shop's carts: pages and programs past this server, and the operator.

use bytes::Bytes;
use domain::elastic_path::EpCartId;
use gateways::elastic_path::payment::PaymentRequest;
use http::{
    Request,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::{Value, json};
use server::{
    cli::{orders::Form, purchases},
    flows::call_person,
};
use simulators::elastic_path::Options;
use tower::ServiceExt;

use super::{ELASTIC_PATH, Platform};
use crate::platform_books as books;

impl Platform {
    /// The storefront's page puts something into a cart, past this server.
    pub async fn add_by_page(&self, cart: &EpCartId, item: &Value) {
        let grant = format!("grant_type=implicit&client_id={}", Options::default().client_id);
        self.post_elsewhere(&grant, &format!("/v2/carts/{cart}/items"), item).await;
    }

    /// Another program makes a payment that its page is about to confirm.
    pub async fn begin_payment_elsewhere(&self, cart: &EpCartId) {
        let Options { client_id, client_secret, .. } = Options::default();
        let grant = format!(
            "grant_type=client_credentials&client_id={client_id}&client_secret={client_secret}"
        );
        let payment = json!({"gateway": "elastic_path_payments_stripe", "method": "purchase"});
        self.post_elsewhere(&grant, &format!("/v2/carts/{cart}/payments"), &payment).await;
    }

    async fn post_elsewhere(&self, grant: &str, path: &str, data: &Value) {
        let mint = Request::post(format!("{ELASTIC_PATH}/oauth/access_token"))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(grant.to_owned()))
            .unwrap();
        let minted = self.wire.clone().oneshot(mint).await.unwrap();
        let minted: Value = serde_json::from_slice(minted.body()).unwrap();
        let token = minted["access_token"].as_str().unwrap();
        let request = Request::post(format!("{ELASTIC_PATH}{path}"))
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(json!({ "data": data }).to_string()))
            .unwrap();
        let made = self.wire.clone().oneshot(request).await.unwrap();
        assert_eq!(made.status(), 201, "{:?}", made.body());
    }

    /// Another program pays a cart with a token of this kind, past this server.
    pub async fn pay_elsewhere(&self, cart: &EpCartId, kind: &str) -> String {
        let ep = &self.px.elastic_path;
        let admin = ep.admin().unwrap();
        let request = PaymentRequest {
            sequence: &admin.admit(1).await.unwrap(),
            confirmation_token: &format!("{kind}_{}", self.ids.next().simple()),
            return_url: &self.px.shop.return_url,
            receipt_email: None,
            external_ref: &"another-program".parse().unwrap(),
        };
        ep.create_payment(&admin, cart, &request).await.unwrap();
        self.ep.ledger().payments.last().unwrap().id.clone()
    }

    /// What a person reads, oldest first.
    pub async fn sentences(&self) -> Vec<String> {
        books::open_items(&self.px.store).await.into_iter().map(|item| item.sentence).collect()
    }

    /// What `till purchases list` prints.
    pub async fn listed(&self, state: Option<&'static str>) -> String {
        let mut out = Vec::new();
        let store = &self.px.store;
        purchases::list(store, (state, 50), Form::Table, &mut out).await.unwrap();
        String::from_utf8(out).unwrap()
    }

    /// The history of a cart's newest purchase, as `till purchases show` tells it: who, and what.
    pub async fn history(&self, cart: &EpCartId) -> Vec<String> {
        let id = self.purchase(cart).await.to_string();
        let mut out = Vec::new();
        purchases::show(&self.px.store, &id, Form::Json, &mut out).await.unwrap();
        let shown: Value = serde_json::from_slice(&out).unwrap();
        let lines = shown["history"].as_array().unwrap().iter();
        let told = |line: &Value| format!("{}: {}", line["actor"], line["sentence"]);
        lines.map(|line| told(line).replace('"', "")).collect()
    }

    /// An operator closes every item that waits for her.
    pub async fn close_items(&self) {
        for item in books::open_items(&self.px.store).await {
            let at = self.px.clock.now();
            call_person::resolve(&self.px.store, item.id, None, at).await.unwrap();
        }
    }
}
