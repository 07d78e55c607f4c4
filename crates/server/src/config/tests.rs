use domain::pricing::{ShippingRate, TaxMode, TaxRate};
use secrecy::ExposeSecret;

use super::*;

const COMPLETE: [(&str, &str); 4] = [
    ("TILL_SECRET", "0123456789abcdef0123456789abcdef"),
    ("STRIPE_SECRET_KEY", "sk_test_hidden1"),
    ("STRIPE_PUBLISHABLE_KEY", "pk_test_shown"),
    ("STRIPE_WEBHOOK_SECRET", "whsec_hidden2"),
];

/// The complete configuration with some settings changed.
fn with(changed: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let kept = COMPLETE.iter().filter(|(name, _)| changed.iter().all(|(other, _)| other != name));
    Config::load(Sources::of_texts(kept.chain(changed).copied(), "", ""))
}

/// What the configuration says of a shop whose orders are our own.
fn native(config: Config) -> NativeConfig {
    match config.backend {
        BackendConfig::Native(native) => *native,
        BackendConfig::ElasticPath(_) => panic!("another backend"),
    }
}

const AT_ELASTIC_PATH: [(&str, &str); 6] = [
    ("TILL_BACKEND", "elastic-path"),
    ("STRIPE_SECRET_KEY", ""),
    ("STRIPE_PUBLISHABLE_KEY", ""),
    ("STRIPE_WEBHOOK_SECRET", ""),
    ("EP_CLIENT_ID", "store-1"),
    ("EP_API_BASE_URL", "https://euwest.api.elasticpath.com"),
];

#[test]
fn a_shop_at_elastic_path_needs_no_key_of_stripes_and_takes_none() {
    let config = with(&AT_ELASTIC_PATH).unwrap();
    let BackendConfig::ElasticPath(store) = config.backend else { panic!("another backend") };
    assert_eq!(store.api_base.as_str(), "https://euwest.api.elasticpath.com/");
    assert!(store.client_secret.is_none() && !store.closes_challenges);
    assert_eq!(store.calls_per_second.get(), 20);

    let given = [&AT_ELASTIC_PATH[..1], &AT_ELASTIC_PATH[2..]].concat();
    assert!(sentence(&given).starts_with("STRIPE_SECRET_KEY must not be set with TILL_BACKEND="));
    let nowhere = sentence(&AT_ELASTIC_PATH[..5]);
    assert!(nowhere.starts_with("EP_API_BASE_URL is missing. "), "{nowhere}");
    let secret = [&AT_ELASTIC_PATH[..], &[("EP_CLIENT_SECRET", "sk_test_hidden")]].concat();
    assert!(sentence(&secret).contains("holds a secret API key of Stripe"));
    let public = [&AT_ELASTIC_PATH[..], &[("NEXT_PUBLIC_EP_CLIENT_SECRET", "hidden")]].concat();
    assert!(sentence(&public).contains("Next.js sends every variable"));
}

#[test]
fn what_the_other_backend_looks_at_is_named_or_refused_where_to_believe_in_it_costs_money() {
    let at_elastic_path =
        |more: &[(&'static str, &'static str)]| [&AT_ELASTIC_PATH[..], more].concat();
    assert_eq!(with(&AT_ELASTIC_PATH).unwrap().unused, [""; 0]);
    let shared = at_elastic_path(&[("TILL_SHIELD", "on"), ("TILL_MAIL", "folder:mail")]);
    assert_eq!(with(&shared).unwrap().unused, ["TILL_SHIELD", "TILL_MAIL"]);
    for (name, value) in [
        ("TILL_TAX_RATES", "*:19"),
        ("TILL_TAX_MODE", "added"),
        ("TILL_WEBHOOK_URLS", "https://erp.example/hooks"),
    ] {
        let refused = sentence(&at_elastic_path(&[(name, value)]));
        let start = format!("{name} must not be set with TILL_BACKEND=elastic-path: ");
        assert!(refused.starts_with(&start), "{refused}");
        let ours = [(name, value), ("TILL_WEBHOOK_SECRETS", SIGNING)];
        assert_eq!(with(&ours).unwrap().unused, [""; 0]);
    }
    let ours = with(&[("EP_CLIENT_ID", "store-1"), ("BETTER_AUTH_SECRET", "hidden")]).unwrap();
    assert_eq!(ours.unused, ["EP_CLIENT_ID", "BETTER_AUTH_SECRET"]);
}

#[test]
fn the_server_that_says_what_sending_costs_is_reached_safely_and_knows_who_asks() {
    let url = ("TILL_SHIPPING_RATES_URL", "https://erp.example/rates");
    let secret = ("TILL_SHIPPING_RATES_SECRET", SIGNING);
    assert!(with(&[]).unwrap().shipping_rates.is_none());
    for more in [&[][..], &AT_ELASTIC_PATH] {
        let config = with(&[&[url, secret], more].concat()).unwrap();
        let rates = config.shipping_rates.unwrap();
        assert_eq!((rates.url.as_str(), rates.secrets.len()), (url.1, 1));
    }
    assert!(sentence(&[url]).starts_with("TILL_SHIPPING_RATES_SECRET is missing: "));
    for (wrong, why) in [
        ("http://erp.example/rates", "must begin with https://"),
        ("erp", "no address such as"),
        ("https://a.example/, https://b.example/", "more than one address"),
    ] {
        let refused = sentence(&[(url.0, wrong), secret]);
        assert!(refused.contains(why), "{refused}");
    }
    let loopback = [(url.0, "http://127.0.0.1:8090/rates"), secret];
    assert!(with(&loopback).unwrap().shipping_rates.is_some());
}

#[test]
fn a_session_is_kept_for_a_while_after_its_end() {
    let days = |text| with(&[("TILL_SESSION_RETENTION_DAYS", text)]);
    let day = Duration::from_secs(24 * 60 * 60);
    assert_eq!(days("").unwrap().session_retention, 14 * day);
    assert_eq!(days("1").unwrap().session_retention, day);
    assert!(days("0").is_err() && days("3651").is_err());
}

/// The only sentence about a configuration.
fn sentence(changed: &[(&str, &str)]) -> String {
    let error = with(changed).unwrap_err();
    let [problem] = error.problems() else { panic!("{error}") };
    assert!(!problem.contains("hidden"), "{problem}");
    problem.clone()
}

#[test]
fn the_four_secrets_are_enough_to_start() {
    let config = with(&[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.public_url.as_str(), "http://127.0.0.1:8080/");
    assert_eq!(config.database_url.to_string(), "sqlite://till.db");
    assert_eq!(config.prices.currency.code(), "EUR");
    assert_eq!(config.prices.tax_mode, TaxMode::Included);
    assert_eq!(config.prices.tax.otherwise, Some(TaxRate::NONE));
    assert_eq!(config.prices.shipping.otherwise, None);
    assert!(config.migrate_at_start);
    assert_eq!(config.log_format, LogFormat::Text);
    assert!(!format!("{config:?}").contains("hidden"));
    let native = native(config);
    assert_eq!(native.stripe.api_base.as_str(), "https://api.stripe.com/");
    assert_eq!(native.reservation, Duration::from_secs(1800));
    assert_eq!(native.poll_interval, Duration::from_secs(60));
}

#[test]
fn everything_that_is_missing_is_said_at_once_with_what_it_is_for() {
    let error = Config::load(Sources::default()).unwrap_err();
    assert_eq!(error.problems().len(), 4, "{error}");
    for (name, _) in COMPLETE {
        assert!(error.to_string().contains(&format!("\n  {name} is missing. ")), "{error}");
    }
}

#[test]
fn the_environment_hides_dotenv_and_dotenv_hides_till_toml() {
    let sources = Sources::of_texts(
        COMPLETE.into_iter().chain([("TILL_SHOP_NAME", "one"), ("TILL_CURRENCY", " ")]),
        "TILL_SHOP_NAME=two\nTILL_POLL_SECONDS=7\n# a comment\nexport TILL_LISTEN='[::1]:9000'\n",
        "TILL_SHOP_NAME = \"three\"\nTILL_POLL_SECONDS = 8\nTILL_CURRENCY = \"chf\"\n\
         TILL_RESERVATION_MINUTES = 10\n",
    );
    let config = Config::load(sources).unwrap();
    assert_eq!(config.shop_name, "one");
    let poll_interval = Duration::from_secs(7);
    assert_eq!(config.public_url.as_str(), "http://[::1]:9000/");
    assert_eq!(config.prices.currency.code(), "CHF", "an empty value counts as absent");
    let native = native(config);
    assert_eq!(
        (native.poll_interval, native.reservation),
        (poll_interval, Duration::from_secs(600))
    );
}

#[test]
fn a_sentence_says_where_the_setting_was_found() {
    let toml = "TILL_POLL_SECONDS = 0";
    let error = Config::load(Sources::of_texts(COMPLETE, "TILL_LISTEN=here", toml)).unwrap_err();
    assert_eq!(
        error.problems(),
        [
            "TILL_LISTEN must be an address with a port, such as 127.0.0.1:8080, not \"here\" \
             (from .env)",
            "TILL_POLL_SECONDS must be a whole number from 1 to 3600, not \"0\" (from till.toml)"
        ]
    );
}

#[test]
fn a_misspelt_setting_is_refused_with_the_nearest_one() {
    assert_eq!(
        sentence(&[("TILL_SHOPNAME", "x")]),
        "TILL_SHOPNAME (from the environment) is not a setting; did you mean TILL_SHOP_NAME?"
    );
    let of = |dotenv, toml| {
        let error = Config::load(Sources::of_texts(COMPLETE, dotenv, toml)).unwrap_err();
        error.problems().join("\n")
    };
    assert!(of("TILL_LISTN=x", "").contains("did you mean TILL_LISTEN?"));
    assert!(of("", "listen = \"x\"").contains("did you mean TILL_LISTEN?"));
    assert!(of("", "stripe_secret_key = \"x\"").contains("did you mean STRIPE_SECRET_KEY?"));
}

#[test]
fn variables_of_other_programs_and_of_our_tests_are_none_of_our_business() {
    with(&[("PATH", "/bin"), ("STRIPE_CLI", "x"), ("TILL_TEST_POSTGRES_URL", "x")]).unwrap();
    with(&[("NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY", "pk_test_shown")]).unwrap();
}

#[test]
fn a_file_that_cannot_be_read_is_refused_by_line_without_repeating_it() {
    let of = |dotenv, toml| {
        let error = Config::load(Sources::of_texts(COMPLETE, dotenv, toml)).unwrap_err();
        let problems = error.problems().join("\n");
        assert!(!problems.contains("hidden"), "{problems}");
        problems
    };
    assert!(of("TILL_LOG=info\nhidden\n", "").starts_with("line 2 of .env cannot be read"));
    assert!(of("", "TILL_LOG = \"info\"\nTILL_SECRET = hidden\n").starts_with("line 2 of till"));
    assert!(of("", "TILL_RESERVATION_MINUTES = 1.5").contains("must be text in quotes"));
    assert!(of("", "[till]\nlisten = \"x\"").contains("must be text in quotes"));
}

#[test]
fn a_secret_with_a_name_for_browsers_is_refused() {
    for (name, value) in [
        ("NEXT_PUBLIC_STRIPE_SECRET_KEY", "hidden"),
        ("NEXT_PUBLIC_TILL_SECRET", "hidden"),
        ("NEXT_PUBLIC_STRIPE_WEBHOOK_SECRET", "hidden"),
        ("NEXT_PUBLIC_EP_CLIENT_SECRET", "hidden"),
        ("NEXT_PUBLIC_DATABASE_URL", "hidden"),
        ("NEXT_PUBLIC_KEY", "sk_test_hidden"),
        ("NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY", " rk_test_hidden"),
    ] {
        let sentence = sentence(&[(name, value)]);
        assert!(sentence.starts_with(&format!("{name} (from the environment) holds a secret")));
        assert!(sentence.contains("replace the secret"), "{sentence}");
    }
}

#[test]
fn keys_of_two_modes_do_not_go_together() {
    assert_eq!(
        sentence(&[("STRIPE_PUBLISHABLE_KEY", "pk_live_x")]),
        "STRIPE_PUBLISHABLE_KEY is a live key and STRIPE_SECRET_KEY is a test key; both must be \
         of one mode (from the environment)"
    );
    let public = ("TILL_PUBLIC_URL", "https://shop.example");
    let swapped = sentence(&[("STRIPE_SECRET_KEY", "sk_live_hidden"), public]);
    assert!(swapped.contains("is a test key and STRIPE_SECRET_KEY is a live key"), "{swapped}");
}

#[test]
fn a_key_in_the_wrong_place_stops_the_start() {
    for name in ["STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET"] {
        let value = if name == "STRIPE_SECRET_KEY" { "whsec_hidden" } else { "sk_test_hidden" };
        assert!(sentence(&[(name, value)]).starts_with(&format!("{name} holds a ")));
    }
    assert!(sentence(&[("TILL_SECRET", "short")]).contains("at least 32 characters"));
}

#[test]
fn live_keys_need_the_real_stripe_and_a_safe_way_to_the_shop() {
    let live = [("STRIPE_SECRET_KEY", "sk_live_hidden"), ("STRIPE_PUBLISHABLE_KEY", "pk_live_x")];
    let and = |more: &[(&'static str, &'static str)]| [&live, more].concat();
    let safe = ("TILL_PUBLIC_URL", "https://shop.example");
    with(&and(&[safe])).unwrap();
    assert!(sentence(&live).starts_with("TILL_PUBLIC_URL must begin with https://"));
    let simulated = and(&[safe, ("STRIPE_API_BASE", "http://127.0.0.1:12111")]);
    assert!(sentence(&simulated).starts_with("STRIPE_API_BASE is not Stripe's own address"));
}

#[test]
fn stripe_is_reached_over_https_or_on_this_machine() {
    for base in ["http://127.0.0.1:12111", "http://localhost:1", "http://[::1]:1"] {
        assert_eq!(
            native(with(&[("STRIPE_API_BASE", base)]).unwrap()).stripe.api_base.scheme(),
            "http"
        );
    }
    let far = sentence(&[("STRIPE_API_BASE", "http://stripe.example")]);
    assert!(far.contains("must begin with https:// unless it is on this machine"), "{far}");
    assert!(sentence(&[("STRIPE_API_BASE", "https://x.example/v1")]).contains("without a path"));
    assert!(sentence(&[("STRIPE_JS_URL", "http://js.example/x.js")]).contains("https://"));
    assert!(sentence(&[("STRIPE_JS_URL", "javascript:x")]).contains("must be a web address"));
}

#[test]
fn several_webhook_secrets_count_while_one_is_being_rolled() {
    let rolled = with(&[("STRIPE_WEBHOOK_SECRET", " whsec_a , whsec_b ")]).unwrap();
    assert_eq!(native(rolled).stripe.webhook_secrets.len(), 2);
    assert!(sentence(&[("STRIPE_WEBHOOK_SECRET", "whsec_a,sk_test_hidden")]).contains("holds a "));
    assert!(sentence(&[("STRIPE_WEBHOOK_SECRET", " , ")]).contains("whsec_"));
}

#[test]
fn blanks_around_a_key_are_dropped() {
    let config = with(&[("STRIPE_SECRET_KEY", " sk_test_hidden\n")]).unwrap();
    assert_eq!(native(config).stripe.secret_key.expose_secret(), "sk_test_hidden");
}

#[test]
fn shipping_is_a_price_per_country_with_a_threshold_where_it_is_free() {
    let text = "*: 4.90 / 50.00, ch:12.00,";
    let config = with(&[("TILL_SHIPPING", text)]).unwrap();
    let shipping = config.prices.shipping;
    let rate = |flat: &str, free_from: Option<&str>| {
        let amount =
            |text| domain::money::Money::parse_major(text, config.prices.currency).unwrap();
        ShippingRate { flat: amount(flat), free_from: free_from.map(amount) }
    };
    assert_eq!(shipping.otherwise, Some(rate("4.90", Some("50.00"))));
    assert_eq!(shipping.countries[&"CH".parse().unwrap()], rate("12.00", None));

    for (text, expected) in [
        ("4.90", "has \"4.90\" where COUNTRY:VALUE belongs, such as CH:12.00"),
        ("DE:4,90", "has \"90\" where COUNTRY:VALUE belongs"),
        ("DE:4.905", "is not an amount in EUR"),
        ("DE:4.90/", "is not an amount in EUR"),
        ("DE:-1", "is not an amount in EUR"),
        ("XX:1", "is not a country code"),
        ("DE:1, de:2", "names de twice"),
        ("*:1,*:2", "names * twice"),
    ] {
        let sentence = sentence(&[("TILL_SHIPPING", text)]);
        assert!(sentence.contains(expected), "{text}: {sentence}");
    }
}

#[test]
fn a_tax_rate_is_a_percentage_with_at_most_two_decimals() {
    let config = with(&[("TILL_TAX_RATES", "*:19, AT:20, CH:8.1, FR:5.55, US:0")]).unwrap();
    let tax = config.prices.tax;
    assert_eq!(tax.otherwise, Some(TaxRate(1900)));
    for (country, rate) in [("AT", 2000), ("CH", 810), ("FR", 555), ("US", 0)] {
        assert_eq!(tax.countries[&country.parse().unwrap()], TaxRate(rate), "{country}");
    }
    for text in ["*:19%", "*:101", "*:100.01", "*:1.234", "*:", "*:.5", "*:-1", "*:1e1", "*:5."] {
        let sentence = sentence(&[("TILL_TAX_RATES", text)]);
        assert!(sentence.contains("where a percentage from 0 to 100 belongs"), "{sentence}");
    }
}

#[test]
fn a_value_that_cannot_be_read_is_answered_with_how_it_is_written() {
    for (name, value, expected) in [
        ("TILL_LISTEN", "8080", "must be an address with a port"),
        ("TILL_PUBLIC_URL", "shop.example", "must be a web address"),
        ("TILL_PUBLIC_URL", "https://shop.example/till", "must end after the host"),
        ("TILL_PUBLIC_URL", "https://user@shop.example", "must be a web address"),
        ("DATABASE_URL", "till.db", "must begin with sqlite://"),
        ("DATABASE_URL", "postgres://till:hidden@db", "must name user, host and database"),
        ("TILL_BACKEND", "shopify", "must be native or elastic-path"),
        ("TILL_BACKEND", "magento", "must be native"),
        ("TILL_SHOP_NAME", "a\nb", "must be one line"),
        ("TILL_CURRENCY", "EURO", "must be a currency of ISO 4217"),
        ("TILL_TAX_MODE", "none", "must be included or added, not \"none\""),
        ("TILL_SESSION_MINUTES", "4", "from 5 to 1440"),
        ("TILL_SESSION_MINUTES", "1441", "from 5 to 1440"),
        ("TILL_RESERVATION_MINUTES", "4", "from 5 to 1440"),
        ("TILL_RESERVATION_MINUTES", "1441", "from 5 to 1440"),
        ("TILL_ALLOWED_ORIGINS", "*", "where an origin belongs"),
        ("TILL_ALLOWED_ORIGINS", "https://a.example/shop", "where an origin belongs"),
        ("TILL_TRUSTED_PROXIES", "proxy", "where an address or a network belongs"),
        ("TILL_RATE_VISITOR_PER_MINUTE", "0", "from 1 to"),
        ("TILL_RATE_ADDRESS_PER_MINUTE", "many", "must be a whole number"),
        ("TILL_POLL_SECONDS", "3601", "from 1 to 3600"),
        ("TILL_MIGRATE", "yes", "must be auto or manual"),
        ("TILL_LOG", "info,server=loud", "must be error, warn, info, debug or trace"),
        ("TILL_LOG_FORMAT", "xml", "must be text or json"),
    ] {
        let sentence = sentence(&[(name, value)]);
        assert!(sentence.starts_with(name), "{sentence}");
        assert!(sentence.contains(expected), "{sentence}");
    }
}

#[test]
fn origins_and_networks_are_lists() {
    let config = with(&[
        ("TILL_ALLOWED_ORIGINS", "https://WWW.shop.example/, http://localhost:5173"),
        ("TILL_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8, ::1"),
    ])
    .unwrap();
    assert_eq!(config.allowed_origins, ["https://www.shop.example", "http://localhost:5173"]);
    let proxies: Vec<String> = config.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["127.0.0.1/32", "10.0.0.0/8", "::1/128"]);
}

#[test]
fn the_shop_is_reached_on_this_machine_when_it_listens_everywhere() {
    let config = with(&[("TILL_LISTEN", "0.0.0.0:80")]).unwrap();
    assert_eq!(config.public_url.as_str(), "http://127.0.0.1/");
}

#[test]
fn commands_for_the_database_need_no_keys() {
    let sources = Sources::of_texts([("TILL_CURRENCY", "JPY")], "", "");
    let config = DatabaseConfig::load(sources).unwrap();
    assert_eq!(
        (config.url.to_string().as_str(), config.currency.code()),
        ("sqlite://till.db", "JPY")
    );
    let misspelt = Sources::of_texts([("TILL_CURENCY", "JPY")], "", "");
    assert!(DatabaseConfig::load(misspelt).is_err());
}

/// Who copies the example and starts the server hears about every secret that is still to be set,
/// and about nothing else.
#[test]
fn the_example_is_refused_for_its_placeholders_and_for_nothing_else() {
    let example = include_str!("../../../../.env.example");
    let error = Config::load(Sources::of_texts([], example, "")).unwrap_err();
    assert_eq!(error.problems().len(), 4, "{error}");
    for problem in error.problems() {
        assert!(problem.contains("still holds the placeholder of .env.example"), "{problem}");
    }
}

/// The commented lines show values that can be used as they are.
#[test]
fn every_commented_line_of_the_example_can_be_uncommented() {
    let example = include_str!("../../../../.env.example");
    let commented =
        example.lines().filter_map(|line| line.strip_prefix("# ").or(line.strip_prefix('#')));
    let settings: Vec<&str> = commented
        .filter(|line| {
            line.split_once('=').is_some_and(|(name, _)| settings::setting(name).is_some())
        })
        .collect();
    assert_eq!(settings.len(), SETTINGS.len() - COMPLETE.len(), "{settings:?}");
    Config::load(Sources::of_texts(COMPLETE, &settings.join("\n"), "")).unwrap();
}

const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[test]
fn whoever_is_told_of_orders_is_reached_safely_and_knows_who_tells() {
    let told = |urls: &str, secrets: &str| {
        let config = with(&[("TILL_WEBHOOK_URLS", urls), ("TILL_WEBHOOK_SECRETS", secrets)]);
        config.map(|config| {
            let webhooks = native(config).webhooks;
            (webhooks.urls.len(), webhooks.secrets.len())
        })
    };
    assert_eq!(native(with(&[]).unwrap()).webhooks.urls, []);
    assert_eq!(
        told("https://erp.example/hooks, http://localhost:9000/x", SIGNING).unwrap(),
        (2, 1)
    );
    let both = format!("{SIGNING}, whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    assert_eq!(told("https://erp.example/hooks", &both).unwrap(), (1, 2));

    let nine = (0..9).map(|n| format!("https://erp{n}.example/")).collect::<Vec<_>>().join(",");
    let long = format!("https://erp.example/{}", "x".repeat(240));
    for (urls, secrets, words) in [
        ("http://erp.example/hooks", SIGNING, "must begin with https://"),
        ("https://ada:hidden@erp.example", SIGNING, "without user, query and fragment"),
        ("https://erp.example,https://erp.example/", SIGNING, "twice"),
        (&nine, SIGNING, "more than 8"),
        (&long, SIGNING, "more than 240 characters"),
        ("https://erp.example", "", "TILL_WEBHOOK_SECRETS is missing"),
        ("https://erp.example", "whsec_hidden", "24 to 64 bytes in base64"),
        ("", "sk_test_hidden", "24 to 64 bytes in base64"),
    ] {
        let error = told(urls, secrets).unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains("hidden"), "{words}: {error}");
    }
}

#[test]
fn mail_is_sent_only_where_somebody_is_named_who_writes() {
    let from = ("TILL_MAIL_FROM", "Shop <shop@example.org>");
    assert!(native(with(&[]).unwrap()).mail.is_none());
    assert!(native(with(&[from]).unwrap()).mail.is_none());
    let config = with(&[("TILL_MAIL", "smtps://ada:hidden@mail.example"), from]).unwrap();
    assert!(!format!("{config:?}").contains("hidden"));
    assert!(native(config).mail.is_some());

    let said = sentence(&[("TILL_MAIL", "folder:mails")]);
    assert!(said.starts_with("TILL_MAIL_FROM is missing: TILL_MAIL is set"), "{said}");
    let said = sentence(&[("TILL_MAIL", "mail.example:hidden"), from]);
    assert!(said.starts_with("TILL_MAIL must be smtp://"), "{said}");
    let said = sentence(&[("TILL_MAIL", "folder:mails"), ("TILL_MAIL_FROM", "nobody")]);
    assert!(said.starts_with("TILL_MAIL_FROM must be an address"), "{said}");
}

#[test]
fn the_shield_is_on_and_its_limits_are_all_given() {
    let shield = native(with(&[]).unwrap()).shield.unwrap();
    assert!(shield.turnstile.is_none());
    assert_eq!(shield.rules.orders.network.0.get(), 120);
    assert_eq!(shield.rules.declines.card.0.get(), 10);
    assert_eq!((shield.rules.held.orders, shield.rules.held.pieces), (50, 500));
    assert!(native(with(&[("TILL_SHIELD", "off")]).unwrap()).shield.is_none());
    let other =
        native(with(&[("TILL_SHIELD_UNPAID", "pieces:7,orders: 3 ,")]).unwrap()).shield.unwrap();
    assert_eq!((other.rules.held.orders, other.rules.held.pieces), (3, 7));
    for (text, wrong) in [
        ("orders:3", "TILL_SHIELD_UNPAID lacks pieces, such as pieces:20"),
        ("orders:3, pieces:4, orders:5", "TILL_SHIELD_UNPAID names orders twice"),
        ("boxes:3", "TILL_SHIELD_UNPAID has \"boxes:3\" where one of orders, pieces belongs"),
        (
            "orders:0, pieces:4",
            "TILL_SHIELD_UNPAID is wrong at orders: it must be a whole number from 1 to 1000000, \
             not \"0\"",
        ),
    ] {
        assert!(sentence(&[("TILL_SHIELD_UNPAID", text)]).starts_with(wrong), "{text}");
    }
    assert!(with(&[("TILL_SHIELD_BREAKER_PERCENT", "19")]).is_err());
}

#[test]
fn a_widget_needs_both_of_its_keys() {
    let both = [("TILL_TURNSTILE_SECRET", "hidden3"), ("TILL_TURNSTILE_SITE_KEY", "0x4AAA")];
    let shield = native(with(&both).unwrap()).shield.unwrap();
    assert!(!format!("{shield:?}").contains("hidden"));
    let widget = shield.turnstile.unwrap();
    assert_eq!((widget.secret.expose_secret(), widget.site_key.as_str()), ("hidden3", "0x4AAA"));
    assert_eq!(widget.base.as_str(), "https://challenges.cloudflare.com/");
    assert!(sentence(&both[..1]).starts_with("TILL_TURNSTILE_SITE_KEY is missing"));
    assert!(sentence(&both[1..]).starts_with("TILL_TURNSTILE_SECRET is missing"));
    assert!(sentence(&[("TILL_TURNSTILE_SECRET", "hid den")]).contains("has a blank inside"));
}
