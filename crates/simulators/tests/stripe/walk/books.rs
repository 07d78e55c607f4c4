//! What must be true of the books at every moment.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Walk;

const LISTS: &[&str] =
    &["payment_intents", "charges", "refunds", "disputes", "balance_transactions"];

/// What the last look has found, to compare the next one with.
#[derive(Default)]
pub struct Books {
    objects: BTreeMap<String, Value>,
    /// Oldest first.
    events: Vec<Value>,
}

impl Books {
    fn of(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.objects.values().filter(move |object| object["object"] == kind)
    }

    pub fn ids(&self, kind: &str) -> Vec<String> {
        self.of(kind).map(id).collect()
    }

    pub fn in_status(&self, kind: &str, status: &str) -> Vec<String> {
        self.of(kind).filter(|object| object["status"] == status).map(id).collect()
    }

    fn with<'a>(
        &'a self,
        kind: &'a str,
        property: &'a str,
        is: &'a str,
    ) -> impl Iterator<Item = &'a Value> {
        self.of(kind).filter(move |object| object[property] == is)
    }
}

fn id(object: &Value) -> String {
    text(object, "id").to_owned()
}

fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().unwrap_or_default()
}

fn number(object: &Value, name: &str) -> i64 {
    object[name].as_i64().unwrap()
}

fn sum<'a>(objects: impl Iterator<Item = &'a Value>) -> i64 {
    objects.map(|object| number(object, "amount")).sum()
}

/// What counts as given back.
fn lives(refund: &Value) -> bool {
    ["pending", "requires_action", "succeeded"].contains(&text(refund, "status"))
}

fn is_final(object: &Value) -> bool {
    let ends: &[&str] = match text(object, "object") {
        "payment_intent" => &["succeeded", "canceled"],
        "charge" => &["succeeded", "failed"],
        "refund" => &["failed", "canceled"],
        "dispute" => &["won", "lost", "warning_closed", "prevented"],
        _ => &[],
    };
    ends.contains(&text(object, "status"))
}

impl Walk {
    /// Looks at everything through the API and compares it with itself and with the last look.
    pub async fn audit(&mut self) {
        let mut objects = BTreeMap::new();
        for list in LISTS {
            let page = self.page(&format!("/v1/{list}?limit=100")).await;
            if page["has_more"] == true {
                self.fail("this walk is too long for one page");
            }
            for object in page["data"].as_array().unwrap() {
                objects.insert(id(object), object.clone());
            }
        }
        let fresh = self.new_events().await;
        let before = std::mem::replace(&mut self.books.objects, objects);
        self.books.events.extend(fresh.iter().cloned());
        self.check_moves(&before, &fresh);
        for intent in self.books.of("payment_intent") {
            self.check_intent(intent);
        }
        for charge in self.books.of("charge") {
            self.check_charge(charge);
        }
        self.check_balance();
    }

    /// Small pages show what one large page shows, everything once, in both directions.
    pub async fn audit_pages(&self) {
        for list in LISTS {
            let whole = self.page(&format!("/v1/{list}?limit=100")).await;
            let whole: Vec<String> = whole["data"].as_array().unwrap().iter().map(id).collect();
            let down = self.in_pages(list, "starting_after", None).await;
            let mut up = self.in_pages(list, "ending_before", whole.last()).await;
            up.reverse();
            if down != whole || up != whole {
                self.fail(&format!("/v1/{list} is {whole:?}, in pages {down:?} and {up:?}"));
            }
        }
    }

    /// From the newest on with `starting_after`, from the oldest one on with `ending_before`.
    async fn in_pages(&self, list: &str, cursor: &str, from: Option<&String>) -> Vec<String> {
        let mut found: Vec<String> = from.into_iter().cloned().collect();
        loop {
            let after = found.last().map(|last| format!("&{cursor}={last}"));
            let path = format!("/v1/{list}?limit=2{}", after.unwrap_or_default());
            let page = self.page(&path).await;
            let mut ids: Vec<String> = page["data"].as_array().unwrap().iter().map(id).collect();
            if cursor == "ending_before" {
                ids.reverse();
            }
            found.extend(ids);
            if page["has_more"] != true {
                return found;
            }
        }
    }

    async fn page(&self, path: &str) -> Value {
        match self.send("GET", path, &[], None).await {
            Some(answer) if answer.status == 200 => answer.body,
            other => self.fail(&format!("GET {path} was answered with {other:#?}")),
        }
    }

    /// Oldest first. Events of more than 30 days ago are not listed, so after a jump of the clock
    /// the control API shows them.
    async fn new_events(&mut self) -> Vec<Value> {
        let known = self.books.events.len();
        if !std::mem::take(&mut self.jumped) {
            let after = self.books.events.last().map(|last| format!("&ending_before={}", id(last)));
            let path = format!("/v1/events?limit=100{}", after.unwrap_or_default());
            let page = self.page(&path).await;
            return page["data"].as_array().unwrap().iter().rev().cloned().collect();
        }
        let all = self.order("GET", "/_sim/state", Value::Null).await.body;
        let events = all["events"].as_array().unwrap();
        if events.iter().take(known).map(id).ne(self.books.events.iter().map(id)) {
            self.fail("an event has vanished");
        }
        events.iter().skip(known).cloned().collect()
    }

    /// What is final stays, and each change is told by an event with the object as it is now.
    fn check_moves(&self, before: &BTreeMap<String, Value>, fresh: &[Value]) {
        let last = self.books.events.len().checked_sub(fresh.len() + 1);
        let mut time = last.map_or(0, |place| number(&self.books.events[place], "created"));
        for event in fresh {
            if number(event, "created") < time {
                self.fail(&format!("{} is dated before its predecessor", event["id"]));
            }
            time = number(event, "created");
            self.check_previous(event);
        }
        for (id, old) in before {
            let Some(now) = self.books.objects.get(id) else {
                self.fail(&format!("{id} is no longer listed"));
            };
            if is_final(old) && old["status"] != now["status"] {
                self.fail(&format!("{id} has left {}: {}", old["status"], now["status"]));
            }
            if old["status"] != now["status"] {
                self.check_told(now, fresh);
            }
        }
        for (id, now) in &self.books.objects {
            if !before.contains_key(id) {
                self.check_told(now, fresh);
            }
        }
    }

    /// The newest event about the object shows the status that it has now.
    fn check_told(&self, object: &Value, fresh: &[Value]) {
        let waits = ["requires_payment_method", "requires_confirmation"];
        let kind = text(object, "object");
        // A change by request alone, of which Stripe has no event.
        let untold = kind == "payment_intent" && waits.contains(&text(object, "status"));
        if kind == "balance_transaction" || untold {
            return;
        }
        let about = fresh.iter().rev().map(|event| &event["data"]["object"]);
        let newest = about.clone().find(|shown| shown["id"] == object["id"]);
        if newest.is_none_or(|shown| shown["status"] != object["status"]) {
            self.fail(&format!("no event says that {} is {}", object["id"], object["status"]));
        }
        let same = newest.is_some_and(|shown| shown == object);
        if ["refund", "dispute", "payment_intent"].contains(&kind) && !same {
            self.fail(&format!("the last event shows {newest:#?} and not {object:#}"));
        }
    }

    fn check_previous(&self, event: &Value) {
        let Some(previous) = event["data"]["previous_attributes"].as_object() else { return };
        let object = &event["data"]["object"];
        let unchanged = previous.iter().find(|(name, value)| object[name.as_str()] == **value);
        if previous.is_empty() || unchanged.is_some() {
            self.fail(&format!("{} has changed nothing: {unchanged:?}", event["id"]));
        }
    }

    fn check_intent(&self, intent: &Value) {
        let id = text(intent, "id");
        let charges: Vec<&Value> = self.books.with("charge", "payment_intent", id).collect();
        let paid: Vec<&&Value> =
            charges.iter().filter(|charge| charge["status"] == "succeeded").collect();
        if paid.len() > 1 {
            self.fail(&format!("{id} was charged {} times", paid.len()));
        }
        let status = text(intent, "status");
        let taken: i64 = paid.iter().map(|charge| number(charge, "amount_captured")).sum();
        let (received, capturable) = match status {
            "succeeded" => (taken, 0),
            "requires_capture" => (0, number(intent, "amount")),
            _ => (0, 0),
        };
        let shown = (number(intent, "amount_received"), number(intent, "amount_capturable"));
        if shown != (received, capturable) || received > number(intent, "amount") {
            self.fail(&format!("{id} is {status} and has received and set aside {shown:?}"));
        }
        if paid.len() != usize::from(["succeeded", "requires_capture"].contains(&status))
            && !(status == "canceled" && paid[0]["refunded"] == true)
        {
            self.fail(&format!("{id} is {status} with {} paid charges", paid.len()));
        }
        for end in ["succeeded", "canceled"] {
            let kind = format!("payment_intent.{end}");
            let told = self.books.events.iter().filter(|event| {
                event["type"] == kind.as_str() && event["data"]["object"]["id"] == id
            });
            if told.count() != usize::from(status == end) {
                self.fail(&format!("{id} is {status}, and not so many events say {kind}"));
            }
        }
    }

    fn check_charge(&self, charge: &Value) {
        let id = text(charge, "id");
        let captured = number(charge, "amount_captured");
        let refunded = number(charge, "amount_refunded");
        if charge["status"] != "succeeded" && captured + refunded != 0 {
            self.fail(&format!("{id} has not succeeded and moves money"));
        }
        let refunds = self.books.with("refund", "charge", id);
        let living = sum(refunds.filter(|refund| lives(refund)));
        let released = charge["captured"] == false && charge["refunded"] == true;
        let expected = if released { number(charge, "amount") } else { living };
        if refunded != expected || living > captured {
            self.fail(&format!(
                "{id} has given back {refunded} of {captured}, its refunds {living}"
            ));
        }
        let held = self.books.with("dispute", "charge", id);
        let held = sum(held.filter(|dispute| dispute["is_charge_refundable"] == false));
        if held > captured {
            self.fail(&format!("disputes hold {held} of {id}, which took {captured}"));
        }
    }

    /// Money in minus money out, line by line and in all.
    fn check_balance(&self) {
        let mut expected: BTreeMap<&str, i64> = BTreeMap::new();
        for charge in self.books.of("charge").filter(|charge| charge["captured"] == true) {
            expected.insert(text(charge, "id"), number(charge, "amount_captured"));
        }
        for refund in self.books.of("refund") {
            let paid = !refund["balance_transaction"].is_null();
            let returned = refund.get("failure_balance_transaction").is_some();
            let out = if paid && !returned { -number(refund, "amount") } else { 0 };
            if (out != 0) && !lives(refund) {
                self.fail(&format!("{} has ended and its money is gone", refund["id"]));
            }
            expected.insert(text(refund, "id"), out);
        }
        for dispute in self.books.of("dispute") {
            let taken = dispute["is_charge_refundable"] == false;
            let out = if taken { -number(dispute, "amount") } else { 0 };
            expected.insert(text(dispute, "id"), out);
        }
        let mut booked: BTreeMap<&str, i64> = BTreeMap::new();
        for line in self.books.of("balance_transaction") {
            *booked.entry(text(line, "source")).or_default() += number(line, "amount");
            let fees = line["fee_details"].as_array().unwrap();
            let fee = number(line, "fee");
            let right = sum(fees.iter()) == fee && fee >= 0;
            if number(line, "net") != number(line, "amount") - fee || !right {
                self.fail(&format!("{line:#} does not add up"));
            }
        }
        expected.retain(|_, amount| *amount != 0);
        booked.retain(|_, amount| *amount != 0);
        if booked != expected {
            self.fail(&format!("the balance has {booked:#?} and not {expected:#?}"));
        }
    }

    /// Every id that an object names leads to an object.
    pub async fn audit_references(&self) {
        let routes = [
            ("balance_transaction", "balance_transactions"),
            ("charge", "charges"),
            ("customer", "customers"),
            ("failure_balance_transaction", "balance_transactions"),
            ("latest_charge", "charges"),
            ("payment_intent", "payment_intents"),
            ("payment_method", "payment_methods"),
        ];
        let mut named = BTreeSet::new();
        for object in self.books.objects.values() {
            named.insert(format!("/v1/{}/{}", list_of(object), text(object, "id")));
            for (property, list) in routes {
                named.extend(object[property].as_str().map(|id| format!("/v1/{list}/{id}")));
            }
        }
        for path in named {
            self.page(&path).await;
        }
    }
}

fn list_of(object: &Value) -> String {
    format!("{}s", text(object, "object"))
}
