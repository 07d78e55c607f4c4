//! Who a shopper is that is signed in to an account.
//!
//! A storefront hands on the token of its shopper and nothing else, and an order is asked for by the
//! names of account and member. Elastic Path says whether the token is good, which member it is of and
//! which accounts that member has; which of these the token is for stands in the token itself, a JSON
//! Web Token, and is believed because Elastic Path has just accepted it.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use domain::{elastic_path::EpAccountId, purchase::Account};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    AccountToken, Call, Caller, ElasticPath, EpError, Repeat, data, post,
    wire::{self, id, need},
};

/// A page of as many accounts as Elastic Path shows at once.
const TOKENS: &str = "/v2/account-members/tokens?page%5Blimit%5D=100";

impl ElasticPath {
    /// The account and the member that a token is of. A refusal where it is too old or never was
    /// one; `None` where it does not say which of its member's accounts it is for.
    ///
    /// The question makes new tokens for all of the member's accounts, which are thrown away: it may
    /// be asked again.
    pub async fn signed_in(&self, token: &AccountToken) -> Result<Option<Account>, EpError> {
        let kind = "account_management_authentication_token";
        let body = data(&json!({ "type": kind, "authentication_mechanism": kind }));
        let call = Call {
            repeat: Repeat::Always,
            ..post("/v2/account-members/tokens", TOKENS.to_owned(), body)
        };
        let reply = self.call(Caller::Account(token), &call).await?;
        wire::read(&reply, |answer: Answer| {
            let member = id(answer.meta.account_member_id.as_deref(), "meta.account_member_id")?;
            let accounts = need(answer.data, "data")?.into_iter();
            let accounts = accounts.map(|one| id(one.account_id.as_deref(), "account_id"));
            let accounts = accounts.collect::<Result<Vec<EpAccountId>, _>>()?;
            let account = the_one(&accounts, &claims(token.text()));
            Ok(account.map(|account| Account { account: account.clone(), member }))
        })
    }
}

#[derive(Deserialize)]
struct Answer {
    data: Option<Vec<OfAccount>>,
    #[serde(default)]
    meta: Meta,
}

#[derive(Deserialize)]
struct OfAccount {
    account_id: Option<String>,
}

#[derive(Deserialize, Default)]
struct Meta {
    account_member_id: Option<String>,
}

/// The account that a token is for: the only one, or the only one that it names. Nobody has
/// documented by which claim it does, so each is looked at.
fn the_one<'a>(
    accounts: &'a [EpAccountId],
    claims: &Map<String, Value>,
) -> Option<&'a EpAccountId> {
    let is_named = |account: &&EpAccountId| {
        claims.values().any(|claim| claim.as_str() == Some(account.as_str()))
    };
    match accounts {
        [only] => Some(only),
        several => {
            let mut named = several.iter().filter(is_named);
            named.next().filter(|_| named.next().is_none())
        }
    }
}

/// What stands in a JSON Web Token; nothing where it is none.
fn claims(token: &str) -> Map<String, Value> {
    let payload = token.split('.').nth(1).and_then(|part| BASE64.decode(part).ok());
    payload.and_then(|payload| serde_json::from_slice(&payload).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::{
        elastic_path::script::{answer, ep, last, no},
        stripe::script::headers,
    };

    fn token_of(claims: &Value) -> AccountToken {
        let [head, body] = ["{}", &claims.to_string()].map(|part| BASE64.encode(part));
        AccountToken::new(&format!("{head}.{body}.signature").into()).unwrap()
    }

    fn accounts(ids: &[&str]) -> Value {
        let data: Vec<Value> =
            ids.iter().map(|id| json!({ "account_id": id, "token": "another" })).collect();
        json!({ "data": data, "meta": { "account_member_id": "m1" } })
    }

    async fn told(token: &AccountToken, ids: &[&str]) -> Option<Account> {
        let (ep, _, _) = ep([answer(201, &accounts(ids))]);
        ep.signed_in(token).await.unwrap()
    }

    #[tokio::test]
    async fn elastic_path_says_who_a_token_is_of() {
        let (ep, _, asked) = ep([answer(201, &accounts(&["a1"]))]);
        let token = token_of(&json!({}));
        let account = ep.signed_in(&token).await.unwrap().unwrap();
        assert_eq!((account.account.as_str(), account.member.as_str()), ("a1", "m1"));
        let kind = "account_management_authentication_token";
        let body = json!({ "data": { "type": kind, "authentication_mechanism": kind } });
        assert_eq!(last(&asked), (Method::POST, TOKENS.to_owned(), body));
        let sent = headers(&asked, "ep-account-management-authentication-token");
        assert_eq!(sent.last().unwrap(), token.text());
    }

    #[tokio::test]
    async fn of_several_accounts_it_is_the_one_that_the_token_names() {
        let of = |claims| async move { told(&token_of(&claims), &["a1", "a2"]).await };
        let account = of(json!({ "sub": "m1", "scope": "a2", "exp": 1 })).await.unwrap();
        assert_eq!(account.account.as_str(), "a2");
        assert_eq!(of(json!({ "sub": "m1" })).await, None);
        assert_eq!(of(json!({ "sub": "a1", "scope": "a2" })).await, None, "which of them?");
        let no_jwt = AccountToken::new(&"a2".to_owned().into()).unwrap();
        assert_eq!(told(&no_jwt, &["a1", "a2"]).await, None);
        assert_eq!(told(&no_jwt, &[]).await, None);
    }

    #[tokio::test]
    async fn a_token_that_is_too_old_is_refused() {
        // The implicit token may be what was too old, so it is renewed once.
        let renewed = crate::elastic_path::script::token("t1", 3600);
        let (ep, _, _) = ep([no(401), renewed, no(401)]);
        let refused = ep.signed_in(&token_of(&json!({}))).await.unwrap_err();
        assert_eq!(refused.refusal().unwrap().status, 401);
    }
}
