//! Documents that are printed from the code, and kept.

use std::fs;
use std::path::Path;

/// A kept document is what is printed now; `TILL_BLESS=1` keeps what is printed now.
pub fn check_printed(path: &str, printed: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("TILL_BLESS").is_some_and(|bless| bless == "1") {
        fs::write(&file, printed).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == printed,
        "{path} differs from what the code says. Print it anew with `TILL_BLESS=1 cargo test -p \
         server --test it printed`, and read what has changed."
    );
}
