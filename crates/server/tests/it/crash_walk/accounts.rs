//! The flows of customers' accounts. What each must lead to however often the power fails is asked at
//! its own end: whoever was told that something is done, or that it had been done before, signs in by it.

use std::fs;

use http::Method;
use serde_json::{Value, json};

use super::{
    flows::{Flow, ask_intent, fill_cart},
    stage::{Reply, Stage},
};

const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "correct horse battery";
const NEW_PASSWORD: &str = "an entirely new one";

/// Her letter comes, once or more often.
pub const REGISTRATION: Flow = Flow {
    before: |stage| {
        stage.write_letters();
        fill_cart(stage)
    },
    act: |stage| {
        register(stage)?;
        stage.work()?;
        token(stage, "confirm");
        Some(())
    },
};

/// The link works once; if it has, the account is there.
pub const VERIFICATION: Flow = Flow {
    before: |stage| {
        (REGISTRATION.before)(stage)?;
        (REGISTRATION.act)(stage)
    },
    act: |stage| {
        let reply = verify(stage)?;
        if reply.status == 404 {
            return sign_in(stage, PASSWORD);
        }
        assert_eq!(reply.status, 200, "{reply:?}");
        Some(())
    },
};

/// What is being paid stays one cart with one payment.
pub const SIGN_IN_WITH_A_CART_THAT_IS_BEING_PAID: Flow = Flow {
    before: |stage| {
        (VERIFICATION.before)(stage)?;
        verify(stage)?;
        stage.add("book", 1)?;
        stage.cookie.clear();
        fill_cart(stage)?;
        ask_intent(stage)
    },
    act: |stage| {
        sign_in(stage, PASSWORD)?;
        let order =
            stage.ask(Method::GET, &format!("/api/orders/{}", stage.order), &Value::Null)?;
        assert!(!order.body["customer"]["customerId"].is_null(), "{order:?}");
        Some(())
    },
};

pub const RESET: Flow = Flow {
    before: |stage| {
        (VERIFICATION.before)(stage)?;
        verify(stage)?;
        stage.ask(Method::POST, "/api/customers/reset", &json!({ "email": EMAIL }))?;
        stage.work()
    },
    act: |stage| {
        let body = json!({ "token": token(stage, "reset"), "password": NEW_PASSWORD });
        let reply = stage.ask(Method::POST, "/api/customers/reset/finish", &body)?;
        assert!([204, 404].contains(&reply.status), "{reply:?}");
        sign_in(stage, NEW_PASSWORD)?;
        stage.work()
    },
};

/// All of it, or nothing.
pub const CHANGE_OF_EVERYTHING: Flow = Flow {
    before: |stage| {
        (VERIFICATION.before)(stage)?;
        verify(stage).map(drop)
    },
    act: |stage| {
        let body = json!({
            "name": "Ada", "email": "ada@new.example", "password": PASSWORD,
            "newPassword": NEW_PASSWORD,
        });
        let reply = stage.ask(Method::PATCH, "/api/customers/me", &body)?;
        // 401: she had signed in by the new one, and the answer with its cookie was lost.
        assert!([200, 400, 401].contains(&reply.status), "{reply:?}");
        sign_in(stage, NEW_PASSWORD)?;
        let me = stage.ask(Method::GET, "/api/customers/me", &Value::Null)?;
        assert_eq!(me.text("name"), "Ada", "{me:?}");
        stage.work()
    },
};

/// She is gone, and buys as a guest.
pub const DELETION: Flow = Flow {
    before: CHANGE_OF_EVERYTHING.before,
    act: |stage| {
        let body = json!({ "password": PASSWORD });
        let reply = stage.ask(Method::DELETE, "/api/customers/me", &body)?;
        assert!([204, 401].contains(&reply.status), "{reply:?}");
        let me = stage.ask(Method::GET, "/api/customers/me", &Value::Null)?;
        assert_eq!(me.status, 401, "{me:?}");
        fill_cart(stage)
    },
};

fn register(stage: &mut Stage) -> Option<()> {
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    let reply = stage.ask(Method::POST, "/api/customers", &body)?;
    assert_eq!(reply.status, 204, "{reply:?}");
    Some(())
}

fn verify(stage: &mut Stage) -> Option<Reply> {
    let body = json!({ "token": token(stage, "confirm"), "password": PASSWORD });
    stage.ask(Method::POST, "/api/customers/verify", &body)
}

fn sign_in(stage: &mut Stage, password: &str) -> Option<()> {
    let body = json!({ "email": EMAIL, "password": password });
    let reply = stage.ask(Method::POST, "/api/customers/login", &body)?;
    assert_eq!(reply.status, 200, "{reply:?}");
    Some(())
}

/// What stands behind the link of a letter that leads to this page.
fn token(stage: &Stage, page: &str) -> String {
    let link = format!("/account/{page}#token=");
    let letters = fs::read_dir(stage.mails()).unwrap().filter_map(|file| {
        let text = fs::read_to_string(file.unwrap().path()).ok()?;
        let text = text.replace("=\r\n", "").replace("=3D", "=");
        let (_, rest) = text.split_once(&link)?;
        Some(rest.chars().take_while(char::is_ascii_hexdigit).collect::<String>())
    });
    // Made by counting: the first letter's.
    letters.min().unwrap_or_else(|| panic!("no letter leads to {page}"))
}
