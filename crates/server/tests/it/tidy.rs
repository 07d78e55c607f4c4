//! The house rules that a program can check, checked on the source as it lies in the repository.
//!
//! `docs/STYLE.md` gives the reasons. A rule's exceptions stand beside it with their own reason;
//! one that nothing needs any more fails too, so that the lists only shrink.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex::Regex;

mod documents;
mod settings;

/// This module spells out every forbidden word.
const TIDY: &str = "crates/server/tests/it/tidy";

/// Which of our crates each of our crates may know.
const ARROWS: [(&str, &[&str]); 6] = [
    ("domain", &[]),
    ("storage", &["domain"]),
    ("gateways", &["domain"]),
    ("simulators", &[]),
    ("server", &["domain", "storage", "gateways", "simulators"]),
    ("xtask", &[]),
];

/// Dependencies that only the named crates may have. What a crate's manifest does not name, its
/// code cannot name either.
const DEPENDENCIES: [(&str, &[&str]); 14] = [
    ("rusqlite", &["storage"]),
    ("tokio-postgres", &["storage"]),
    ("mysql_async", &["storage"]),
    ("axum", &["server", "simulators"]),
    // The server calls nobody: its command line does (see `WORDS`), as does the demo.
    ("reqwest", &["gateways", "simulators", "server"]),
    // The core has no IO, no async, no randomness, no JSON and no HTTP.
    ("tokio", &["storage", "gateways", "simulators", "server"]),
    ("futures", &["storage", "gateways", "simulators", "server"]),
    ("tower", &["gateways", "simulators", "server"]),
    ("http", &["gateways", "simulators", "server"]),
    ("serde", &["storage", "gateways", "simulators", "server", "xtask"]),
    ("serde_json", &["storage", "gateways", "simulators", "server", "xtask"]),
    ("tracing", &["storage", "gateways", "simulators", "server"]),
    // Chance comes from the server's clock file; a simulator has its own, from its seed.
    ("rand", &["simulators", "server"]),
    ("anyhow", &["server", "xtask"]),
];

/// Dependencies that a crate's tests may have beyond these, each with the reason.
const TEST_DEPENDENCIES: [(&str, &str, &str); 2] = [
    ("server", "tokio-postgres", "every story gets a database of its own, and someone makes it"),
    ("server", "mysql_async", "likewise"),
];

/// A pattern that may not appear in some folders.
struct Words {
    pattern: &'static str,
    /// Beginnings of the paths where the pattern is forbidden.
    forbidden_in: &'static [&'static str],
    /// Whether comments and the tests beside the code may contain it.
    only_in_production: bool,
    /// Beginnings of paths inside those folders, each with the reason why it may.
    except: &'static [(&'static str, &'static str)],
    why: &'static str,
}

/// Where the code of the product lies; the simulators have clocks and dice of their own.
const SHIPPED: [&str; 4] =
    ["crates/domain/src", "crates/storage/src", "crates/gateways/src", "crates/server/src"];

const WORDS: [Words; 10] = [
    Words {
        pattern: r"PaymentIntent|payment_intent|paymentIntent",
        forbidden_in: &["crates/domain/", "crates/storage/", "crates/server/src/flows"],
        only_in_production: false,
        except: &[(
            "crates/storage/tests/contract/claims.rs",
            "an event's kind is kept as its sender wrote it",
        )],
        why: "another company's word stays at its border; say payment, or gateway reference",
    },
    Words {
        pattern: r"(?i)canceled|\bcanceling",
        forbidden_in: &["crates/"],
        only_in_production: false,
        except: &[
            ("crates/gateways/src/stripe", "Stripe's spelling at Stripe's border"),
            ("crates/gateways/src/elastic_path", "Elastic Path passes Stripe's words on"),
            ("crates/simulators/", "Stripe's spelling on Stripe's side"),
            ("crates/server/tests/it/stories/", "what Stripe calls its payments, asked there"),
            (
                "crates/server/tests/it/books.rs",
                "what Stripe calls its refunds, compared with ours",
            ),
            (
                "crates/server/tests/it/simulation/native/deeds.rs",
                "how Stripe ends a refund that is stopped",
            ),
        ],
        why: "we write cancelled",
    },
    Words {
        // Tokio's own `Instant` may be used: it stands still when a test says so.
        pattern: r"(SystemTime|Timestamp|Zoned)::now|(\bstd::|^|[\s{,])time::(\{[^}]*)?\b(Instant|SystemTime)\b",
        forbidden_in: &SHIPPED,
        only_in_production: true,
        except: &[("crates/server/src/clock.rs", "the one file that asks the system for the time")],
        why: "the time comes from crates/server/src/clock.rs, or no test can repeat a run",
    },
    Words {
        pattern: r"Uuid::(new_v|now_v)|\brand::|\bgetrandom|\bOsRng|\bthread_rng|\bRandomState::new",
        forbidden_in: &SHIPPED,
        only_in_production: true,
        except: &[
            ("crates/server/src/clock.rs", "the one file that makes ids"),
            (
                "crates/storage/src/network.rs",
                "two transactions that collided must not wait equally long; no row depends on it",
            ),
        ],
        why: "ids and chance come from crates/server/src/clock.rs, or no test can repeat a run",
    },
    Words {
        pattern: r"\bf(32|64)\b",
        forbidden_in: &["crates/domain/src", "crates/storage/src", "crates/gateways/src"],
        only_in_production: false,
        except: &[],
        why: "money is counted in whole minor units",
    },
    Words {
        pattern: r"^\s*(_|\(_(, _)*\)) (=>|if )",
        forbidden_in: &[
            "crates/domain/src/checkout",
            "crates/domain/src/dispute",
            "crates/domain/src/order",
            "crates/domain/src/payment",
            "crates/domain/src/purchase",
            "crates/domain/src/refund",
            "crates/domain/src/session",
        ],
        only_in_production: true,
        except: &[],
        why: "a new state must make the compiler ask every transition what it thinks",
    },
    Words {
        pattern: r"\breqwest::",
        forbidden_in: &["crates/server/src"],
        only_in_production: true,
        except: &[],
        why: "only gateways call other people's servers",
    },
    Words {
        pattern: r"\b(struct|enum|trait|type)\s+\w*(Manager|Processor|Helper|Util|Utils)\b",
        forbidden_in: &["crates/", "xtask/"],
        only_in_production: false,
        except: &[],
        why: "if it has no better name, it does not yet have a reason",
    },
    Words {
        pattern: r"\b(TODO|FIXME)\b|\btodo!\(",
        forbidden_in: &["crates/", "xtask/", "web/", "bench/", ".ci/"],
        only_in_production: false,
        except: &[],
        why: "a thing to do is an issue, not a comment",
    },
    Words {
        pattern: r"#\[ignore",
        forbidden_in: &["crates/", "xtask/"],
        only_in_production: false,
        except: &[],
        why: "a test that does not run promises nothing",
    },
];

const EMPTY_NAMES: [&str; 9] =
    ["utils", "util", "helpers", "helper", "common", "misc", "types", "core", "shared"];

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

/// Functions that may be longer, with the reason.
const LONG_FUNCTIONS: [(&str, &str, &str); 1] = [(
    "crates/server/src/http/error.rs",
    "wire",
    "the contract of errors is one match, a line or two for each code",
)];

/// Kinds of files that people write, and the rules are for.
const WRITTEN: [&str; 9] = ["rs", "sql", "toml", "md", "ts", "tsx", "vue", "sh", "html"];

#[test]
fn a_crate_knows_only_the_crates_it_may_know() {
    let ours: Vec<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let mut faults = Vec::new();
    for (name, allowed) in ARROWS {
        for dependency in product_dependencies(name).union(&test_dependencies(name)) {
            if ours.contains(&dependency.as_str()) && !allowed.contains(&dependency.as_str()) {
                faults.push(format!("{name} may not depend on {dependency}"));
            }
        }
    }
    expect_none("arrows between crates (docs/STYLE.md, Where things go)", &faults);
}

#[test]
fn every_crate_of_the_workspace_has_its_arrows_written_down() {
    let manifest = fs::read_to_string(repository().join("Cargo.toml")).expect("Cargo.toml");
    let manifest: toml::Table = manifest.parse().expect("Cargo.toml is TOML");
    let members = manifest["workspace"]["members"].as_array().expect("a workspace");
    let members: BTreeSet<&str> = members
        .iter()
        .map(|member| member.as_str().expect("a path").rsplit('/').next().expect("a name"))
        .collect();
    assert_eq!(members, ARROWS.iter().map(|(name, _)| *name).collect());
}

#[test]
fn a_dependency_stays_in_the_crates_that_exist_for_it() {
    let mut faults = Vec::new();
    for (name, _) in ARROWS {
        let (product, tests) = (product_dependencies(name), test_dependencies(name));
        for (dependency, allowed) in DEPENDENCIES.iter().filter(|rule| !rule.1.contains(&name)) {
            let exception =
                TEST_DEPENDENCIES.iter().find(|one| (one.0, one.1) == (name, dependency));
            if product.contains(*dependency) || tests.contains(*dependency) && exception.is_none() {
                faults.push(format!("{name} may not depend on {dependency}, only {allowed:?} may"));
            }
        }
    }
    for (name, dependency, _) in TEST_DEPENDENCIES {
        if !test_dependencies(name).contains(dependency) {
            faults.push(format!("{name} no longer needs its exception for {dependency}"));
        }
    }
    expect_none("dependencies (docs/STYLE.md, Where things go)", &faults);
}

#[test]
fn forbidden_words_stay_out_of_their_folders() {
    let sources = sources();
    let mut faults = Vec::new();
    for rule in &WORDS {
        let pattern = Regex::new(rule.pattern).expect("the rule's pattern");
        let mut used = BTreeSet::new();
        for source in &sources {
            if !starts_with_any(&source.path, rule.forbidden_in) || source.path.starts_with(TIDY) {
                continue;
            }
            let exception = rule.except.iter().find(|(path, _)| source.path.starts_with(path));
            for (number, line) in source.lines(rule.only_in_production) {
                let Some(found) = pattern.find(line) else { continue };
                match exception {
                    Some((path, _)) => _ = used.insert(*path),
                    None => faults.push(format!(
                        "{}:{number}: {}: {}",
                        source.path,
                        found.as_str(),
                        rule.why
                    )),
                }
            }
        }
        let stale = rule.except.iter().filter(|(path, _)| !used.contains(path));
        faults.extend(stale.map(|(path, _)| {
            format!("{path} no longer needs its exception from `{}`", rule.pattern)
        }));
    }
    expect_none("forbidden words", &faults);
}

#[test]
fn no_module_has_a_name_that_says_nothing() {
    let inline = Regex::new(r"(?m)^\s*(?:pub(?:\([a-z]+\))? )?mod (\w+)").expect("a pattern");
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| source.is_rust()) {
        let stem = source.path.trim_end_matches(".rs");
        if let Some(name) = stem.split('/').find(|name| EMPTY_NAMES.contains(name)) {
            faults.push(format!("{}: {name}", source.path));
        }
        for found in inline.captures_iter(&source.text) {
            if EMPTY_NAMES.contains(&&found[1]) {
                faults.push(format!("{}: mod {}", source.path, &found[1]));
            }
        }
    }
    expect_none("modules without a name of their own", &faults);
}

#[test]
fn a_file_is_short_enough_to_be_read_at_once() {
    let sources = sources();
    let rust = sources.iter().filter(|source| source.is_rust());
    let faults: Vec<String> = rust
        .map(|source| (&source.path, source.text.lines().count()))
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    expect_none(&format!("files over {FILE_LINES_MAX} lines"), &faults);
}

#[test]
fn a_function_fits_on_a_screen() {
    let sources = sources();
    let mut used = BTreeSet::new();
    let mut faults = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        for (line, name, lines) in source.long_functions() {
            let path = source.path.as_str();
            match LONG_FUNCTIONS.iter().find(|long| (long.0, long.1) == (path, &name)) {
                Some(long) => _ = used.insert(long),
                None => faults.push(format!("{path}:{line}: {name}: {lines} lines")),
            }
        }
    }
    let stale = LONG_FUNCTIONS.iter().filter(|long| !used.contains(long));
    faults.extend(stale.map(|(path, name, _)| format!("{path}: {name} is no longer that long")));
    expect_none(&format!("functions over {FUNCTION_LINES_MAX} lines"), &faults);
}

/// A file of the repository, with its path from the root.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Numbered lines; without comments and the tests at the end if only production counts.
    fn lines(&self, only_production: bool) -> impl Iterator<Item = (usize, &str)> {
        let is_test = self.path.ends_with("/tests.rs") || self.path.contains("/tests/");
        let end = match self.text.find("#[cfg(test)]\nmod tests {") {
            _ if only_production && is_test => 0,
            Some(end) if only_production => end,
            _ => self.text.len(),
        };
        let without_comment = move |line| match only_production {
            true => code_of(line),
            false => line,
        };
        let lines = self.text[..end].lines().map(without_comment);
        lines.enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Line, name and length of each function that is too long, counted from its first line to its
    /// closing brace, which rustfmt puts under it.
    fn long_functions(&self) -> Vec<(usize, String, usize)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let head = Regex::new(
            r"^(\s*)(?:pub(?:\([a-z: ]+\))? )?(?:default )?(?:const )?(?:async )?fn (\w+)",
        );
        let head = head.expect("a pattern");
        let mut long = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            let Some(found) = head.captures(line) else { continue };
            let closing = format!("{}}}", &found[1]);
            let has_no_body = line.ends_with(';') || line.ends_with('}');
            let end = lines[index..].iter().position(|line| *line == closing);
            let Some(length) = end.filter(|_| !has_no_body).map(|end| end + 1) else { continue };
            if length > FUNCTION_LINES_MAX {
                long.push((index + 1, found[2].to_owned(), length));
            }
        }
        long
    }
}

/// The line without its comment. A `//` inside a string is a web address and has no space before.
fn code_of(line: &str) -> &str {
    let code = line.split(" // ").next().unwrap_or_default();
    if code.trim_start().starts_with("//") { "" } else { code }
}

/// Every file that people write, outside of what tools produce.
fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    walk(repository(), "", &mut paths);
    paths.sort();
    let written = paths.into_iter().filter(|path| {
        path == ".ci/run" || path.rsplit_once('.').is_some_and(|(_, kind)| WRITTEN.contains(&kind))
    });
    written
        .map(|path| {
            let text = fs::read_to_string(repository().join(&path));
            let text = text.unwrap_or_else(|error| panic!("{path}: {error}"));
            Source { path, text }
        })
        .collect()
}

/// Collects the paths of all files, leaving out what git ignores.
fn walk(folder: &Path, prefix: &str, paths: &mut Vec<String>) {
    const PRODUCED: [&str; 7] =
        ["target", "node_modules", ".git", ".cache", "dist", ".next", ".venv"];
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("a name in UTF-8");
        let path = format!("{prefix}{name}");
        if entry.file_type().expect("a kind").is_dir() {
            if !PRODUCED.contains(&name.as_str()) {
                walk(&entry.path(), &format!("{path}/"), paths);
            }
        } else {
            paths.push(path);
        }
    }
}

fn product_dependencies(name: &str) -> BTreeSet<String> {
    named_in_manifest(name, &["dependencies", "build-dependencies"])
}

/// For tests and benchmarks.
fn test_dependencies(name: &str) -> BTreeSet<String> {
    named_in_manifest(name, &["dev-dependencies"])
}

fn named_in_manifest(name: &str, tables: &[&str]) -> BTreeSet<String> {
    let folder = if name == "xtask" { "" } else { "crates/" };
    let path = format!("{folder}{name}/Cargo.toml");
    let text = fs::read_to_string(repository().join(&path));
    let text = text.unwrap_or_else(|error| panic!("{path}: {error}"));
    let manifest: toml::Table = text.parse().expect("a manifest is TOML");
    let tables = tables.iter().filter_map(|table| manifest.get(*table)?.as_table());
    tables.flat_map(|table| table.keys().cloned()).collect()
}

fn repository() -> &'static Path {
    let server = Path::new(env!("CARGO_MANIFEST_DIR"));
    server.ancestors().nth(2).expect("crates/server lies two folders deep")
}

fn starts_with_any(path: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| path.starts_with(beginning))
}

fn expect_none(what: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{what}:\n  {}\n", faults.join("\n  "));
}

#[test]
fn a_planted_fault_is_seen_and_a_comment_or_a_test_is_not_taken_for_one() {
    let long = "    work();\n".repeat(FUNCTION_LINES_MAX);
    let text = format!(
        "// rand:: in a comment\nlet url = \"http://x\"; // rand::\nrand::rng();\n\
         pub async fn too_long() {{\n{long}}}\n#[cfg(test)]\nmod tests {{\n    rand::rng();\n}}\n"
    );
    let source = Source { path: "crates/domain/src/planted.rs".to_owned(), text };

    let seen: Vec<_> = source.lines(true).filter(|(_, line)| line.contains("rand::")).collect();
    assert_eq!(seen, [(3, "rand::rng();")]);
    assert_eq!(source.long_functions(), [(4, "too_long".to_owned(), FUNCTION_LINES_MAX + 2)]);
}
