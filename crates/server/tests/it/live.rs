//! A guest checkout in every way that there is, by the real binary, at the vendors whose test-mode
//! keys are in the environment (`cargo xtask test --live`, `docs/live-test.md`). The same run goes
//! against the simulators in every other test run, as if they were the vendors, so that it cannot rot.

use std::{collections::BTreeMap, env};

mod checkouts;
mod server;
mod simulated;

/// Set where the environment names the vendors.
const LIVE: &str = "TILL_LIVE";

/// Whose keys may be in the environment, and where they are used.
const STRIPE_KEY: &str = "STRIPE_SECRET_KEY";
const STRIPE_BASE: &str = "STRIPE_API_BASE";
const EP_CLIENT_ID: &str = "EP_CLIENT_ID";
const EP_CLIENT_SECRET: &str = "EP_CLIENT_SECRET";
const EP_BASE: &str = "EP_API_BASE_URL";
/// A test-mode key of the Stripe account that is connected to the store's gateway.
const GATEWAY_KEY: &str = "TILL_LIVE_GATEWAY_KEY";
const GATEWAY_BASE: &str = "TILL_LIVE_GATEWAY_API_BASE";
/// The currency in which the store's products have a price.
const EP_CURRENCY: &str = "TILL_LIVE_EP_CURRENCY";

const NAMES: [&str; 8] = [
    STRIPE_KEY,
    STRIPE_BASE,
    EP_CLIENT_ID,
    EP_CLIENT_SECRET,
    EP_BASE,
    GATEWAY_KEY,
    GATEWAY_BASE,
    EP_CURRENCY,
];

/// The vendors that are bought at, by the variables above. Its `Debug` would show keys: it has none.
#[derive(Clone, Default)]
pub struct Vendors(BTreeMap<&'static str, String>);

/// What became of one way to pay.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Passed(String),
    Skipped(String),
}

impl Vendors {
    fn of_environment() -> Self {
        let set = |name| env::var(name).ok().filter(|value: &String| !value.is_empty());
        Self(NAMES.into_iter().filter_map(|name| Some((name, set(name)?))).collect())
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.insert(name, value.into());
        self
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The values, or why there is nothing to do without them.
    fn need<const N: usize>(&self, names: [&'static str; N]) -> Result<[String; N], Outcome> {
        let missing: Vec<&str> =
            names.into_iter().filter(|name| self.get(name).is_none()).collect();
        match missing.as_slice() {
            [] => Ok(names.map(|name| self.0[name].clone())),
            [one] => Err(Outcome::Skipped(format!("{one} is not set"))),
            several => Err(Outcome::Skipped(format!("{} are not set", several.join(", ")))),
        }
    }

    /// Why these keys must not be used: a card is charged with them.
    fn refusal(&self) -> Option<String> {
        let is_test = |key: &str| key.starts_with("sk_test_") || key.starts_with("rk_test_");
        let live = [STRIPE_KEY, GATEWAY_KEY]
            .into_iter()
            .find(|name| self.get(name).is_some_and(|key| !is_test(key)));
        live.map(|name| {
            format!(
                "{name} is no secret key of Stripe's test mode (sk_test_ or rk_test_), and this run \
                 charges a card: nothing was asked of anybody"
            )
        })
    }

    /// What must not be believed of this run.
    fn warnings(&self) -> Vec<String> {
        let stand_ins = [
            (STRIPE_BASE, "Stripe", "stripe.com"),
            (GATEWAY_BASE, "Stripe", "stripe.com"),
            (EP_BASE, "Elastic Path", "elasticpath.com"),
        ];
        let is_theirs = |base: &str, theirs: &str| {
            let host = url::Url::parse(base).ok().and_then(|url| url.host_str().map(str::to_owned));
            host.is_some_and(|host| host == theirs || host.ends_with(&format!(".{theirs}")))
        };
        let of = |(name, vendor, theirs): (&str, &str, &str)| {
            let base = self.get(name).filter(|base| !is_theirs(base, theirs))?;
            Some(format!("!!! THIS IS NOT THE REAL {}: {name} is {base}", vendor.to_uppercase()))
        };
        stand_ins.into_iter().filter_map(of).collect()
    }
}

/// Buys in every way that the keys allow, and says how each ended. A way that does not end well is a
/// panic with what was seen.
async fn buy_everywhere(vendors: &Vendors) -> Vec<(&'static str, Outcome)> {
    if let Some(refusal) = vendors.refusal() {
        panic!("{refusal}");
    }
    for warning in vendors.warnings() {
        println!("{warning}");
    }
    let mut told = Vec::new();
    let mut tell = |way: &'static str, outcome: Outcome| {
        match &outcome {
            Outcome::Passed(what) => println!("passed   {way}: {what}"),
            Outcome::Skipped(why) => println!("skipped  {way}: {why}"),
        }
        told.push((way, outcome));
    };
    tell("native, shop API", checkouts::shop_api(vendors).await);
    tell("native, session", checkouts::native_session(vendors).await);
    let (session, payment) = checkouts::elastic_path(vendors).await;
    tell("Elastic Path, cart and session", session);
    tell("Elastic Path, payment and order", payment);
    told
}

#[tokio::test]
async fn a_guest_pays_in_every_way_at_the_vendors_or_at_simulators_in_their_place() {
    if env::var_os(LIVE).is_some() {
        buy_everywhere(&Vendors::of_environment()).await;
        return;
    }
    let simulators = simulated::open().await;
    assert_eq!(simulators.vendors.warnings().len(), 3, "a simulator is taken for the vendor");
    for (way, outcome) in buy_everywhere(&simulators.vendors).await {
        assert!(matches!(outcome, Outcome::Passed(_)), "{way}: {outcome:?}");
    }
    simulators.compare();
}

#[tokio::test]
async fn without_keys_nothing_is_bought_and_every_way_says_what_is_missing() {
    for (way, outcome) in buy_everywhere(&Vendors::default()).await {
        let Outcome::Skipped(why) = outcome else { panic!("{way} passed without keys") };
        assert!(why.contains("not set"), "{way}: {why}");
    }
}

#[tokio::test]
async fn without_the_gateways_key_the_session_at_elastic_path_is_not_paid() {
    let simulators = simulated::open().await;
    let mut vendors = simulators.vendors.clone();
    vendors.0.remove(GATEWAY_KEY);
    let (session, payment) = checkouts::elastic_path(&vendors).await;
    assert!(matches!(session, Outcome::Passed(_)), "{session:?}");
    assert_eq!(payment, Outcome::Skipped(format!("{GATEWAY_KEY} is not set")));
}

#[test]
fn a_live_key_is_refused_before_anything_is_asked() {
    for name in [STRIPE_KEY, GATEWAY_KEY] {
        let vendors = Vendors::default().with(name, "sk_live_51Abc");
        let refusal = vendors.refusal().unwrap();
        assert!(refusal.contains(name) && !refusal.contains("51Abc"), "{refusal}");
        assert_eq!(Vendors::default().with(name, "rk_test_51Abc").refusal(), None);
    }
}

#[test]
fn only_the_vendors_own_hosts_are_taken_for_them() {
    let of = |name, base: &str| Vendors::default().with(name, base).warnings().len();
    assert_eq!(of(STRIPE_BASE, "https://api.stripe.com"), 0);
    assert_eq!(of(EP_BASE, "https://euwest.api.elasticpath.com"), 0);
    assert_eq!(of(STRIPE_BASE, "https://stripe.com.example"), 1);
    assert_eq!(of(EP_BASE, "http://127.0.0.1:12112"), 1);
}
