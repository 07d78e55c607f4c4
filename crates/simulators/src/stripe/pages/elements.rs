//! The stand-in for Stripe.js: one script for shops' pages, and the forms that it shows in frames.
//!
//! Both are written in `web/stripe-js` as modules, checked there, and part of this program as they
//! are. Only the script has to be a whole of its own, since a page expects `window.Stripe` as soon
//! as the script's tag has been run.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../../../../../web/stripe-js/", $name))
    };
}

/// The script's modules, each after those it needs.
const MODULES: [&str; 6] = [
    file!("elements/form.js"),
    file!("script/api.js"),
    file!("script/frame.js"),
    file!("script/elements.js"),
    file!("script/challenge.js"),
    file!("script/stripe.js"),
];

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// What the frames load, by name.
const FILES: [(&str, &str, &str); 13] = [
    ("payment.html", HTML, file!("elements/payment.html")),
    ("address.html", HTML, file!("elements/address.html")),
    ("element.css", CSS, file!("elements/element.css")),
    ("payment.js", JAVASCRIPT, file!("elements/payment.js")),
    ("methods.js", JAVASCRIPT, file!("elements/methods.js")),
    ("address.js", JAVASCRIPT, file!("elements/address.js")),
    ("appearance.js", JAVASCRIPT, file!("elements/appearance.js")),
    ("card.js", JAVASCRIPT, file!("elements/card.js")),
    ("channel.js", JAVASCRIPT, file!("elements/channel.js")),
    ("countries.js", JAVASCRIPT, file!("elements/countries.js")),
    ("fields.js", JAVASCRIPT, file!("elements/fields.js")),
    ("form.js", JAVASCRIPT, file!("elements/form.js")),
    ("iban.js", JAVASCRIPT, file!("elements/iban.js")),
];

/// A form speaks with this origin alone, whoever shows it; nothing that a shop styles it with can
/// load anything.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'";

/// From this machine: asking again costs less than an old form.
const FRESH: (header::HeaderName, &str) = (header::CACHE_CONTROL, "no-cache");

static SCRIPT: LazyLock<String> = LazyLock::new(|| {
    let mut script = String::from("(() => {\n'use strict';\n");
    for module in MODULES {
        join(module, &mut script);
    }
    script.push_str("})();\n");
    script
});

/// Appends a module to the script that all of them are: without its imports, and with nothing to
/// export.
fn join(module: &str, script: &mut String) {
    let mut is_import = false;
    for line in module.lines() {
        is_import |= line.starts_with("import ");
        if !is_import {
            script.push_str(line.strip_prefix("export ").unwrap_or(line));
            script.push('\n');
        }
        is_import &= !line.ends_with(';');
    }
}

/// What a shop's page loads instead of `https://js.stripe.com/endive/stripe.js`.
pub(crate) async fn script() -> Response {
    let headers = [
        (header::CONTENT_TYPE, JAVASCRIPT),
        FRESH,
        // A page may ask for it with `crossorigin`, or be isolated.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    (headers, SCRIPT.as_str()).into_response()
}

/// A form, or something that it is made of.
pub(crate) async fn file(Path(name): Path<String>) -> Response {
    let Some((_, kind, text)) = FILES.iter().find(|(known, ..)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, *kind),
        FRESH,
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, *text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_all_modules_in_one() {
        let is_of_a_module =
            |line: &&str| line.starts_with("import ") || line.starts_with("export ");
        assert_eq!(SCRIPT.lines().find(is_of_a_module), None);
        let mut joined = String::new();
        join("import {\n  a,\n} from 'a';\n// import b\nexport const c = a;\n", &mut joined);
        assert_eq!(joined, "// import b\nconst c = a;\n");
    }

    #[test]
    fn every_file_that_a_form_imports_is_served() {
        for (name, _, text) in FILES {
            let named = text.split("'./").skip(1).chain(text.split("src=\"").skip(1));
            for file in named.filter_map(|rest| rest.split(['\'', '"']).next()) {
                assert!(FILES.iter().any(|(known, ..)| *known == file), "{name} wants {file}");
            }
        }
    }
}
