//! The front end's packages: installed, checked, and tested against the server as it was built; and
//! shops of them walked through in a browser.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::{packages, process};

/// The workspace of npm.
const FOLDER: &str = "web";

const INSTALL: [&str; 4] = ["ci", "--ignore-scripts", "--prefer-offline", "--loglevel=error"];

/// Checks and tests all packages, with the server that `build` makes; `each` gets the tests' lines.
pub fn test(root: &Path, build: &mut Command, mut each: impl FnMut(&str)) -> Result<()> {
    if packages::program("npm").is_none() {
        println!("   left out: npm is missing, it comes with Node");
        return Ok(());
    }
    process::run(npm(root).args(INSTALL))?;
    process::run(npm(root).args(["run", "--silent", "check"]))?;
    let server = build_server(build)?;
    let mut tests = npm(root);
    tests.arg("test").env("TILL_BINARY", &server).env("NO_COLOR", "1");
    if !process::read_lines(&mut tests, &mut each)?.success() {
        bail!("a test of the front end failed; see above");
    }
    walk(root, &server, each)
}

/// Makes the storefront that the server takes into itself. Without Node there is none, which its page
/// at `/` says; `true` where it was made.
pub fn storefront(root: &Path) -> bool {
    let made = make_storefront(root);
    if let Err(why) = &made {
        eprintln!("The storefront is left out: {why:#}");
    }
    made.is_ok()
}

fn make_storefront(root: &Path) -> Result<()> {
    if packages::program("npm").is_none() {
        bail!("npm is missing, it comes with Node");
    }
    let changed = |path: &str| fs::metadata(root.join(FOLDER).join(path))?.modified();
    // npm notes there what it has installed.
    let is_installed = changed("node_modules/.package-lock.json")
        .is_ok_and(|installed| changed("package-lock.json").is_ok_and(|lock| lock <= installed));
    if !is_installed {
        process::run(npm(root).args(INSTALL))?;
    }
    process::run(npm(root).args(["run", "--silent", "storefront", "--", "--logLevel=error"]))
}

/// The walks through shops, where there is a browser for them.
fn walk(root: &Path, server: &str, each: impl FnMut(&str)) -> Result<()> {
    let chromium = match packages::chromium() {
        Ok(chromium) => chromium,
        Err(why) => {
            println!("   the walks in a browser are left out: {why:#}");
            return Ok(());
        }
    };
    let mut walks = npm(root);
    walks.args(["run", "--silent", "walk"]).env("NO_COLOR", "1");
    walks.env("TILL_BINARY", server).env("TILL_CHROMIUM", chromium);
    if !process::read_lines(&mut walks, each)?.success() {
        bail!("a walk through a shop failed; see above");
    }
    Ok(())
}

fn npm(root: &Path) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(root.join(FOLDER));
    npm
}

/// A line of what cargo says of a build.
#[derive(Deserialize)]
struct Built {
    target: Option<Target>,
    executable: Option<String>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// Builds the server unless it is built, and says where it lies.
fn build_server(build: &mut Command) -> Result<String> {
    let said = process::read(build.arg("--message-format=json-render-diagnostics"))?;
    said.lines().find_map(server_in).context("cargo does not say where it has built the server")
}

fn server_in(line: &str) -> Option<String> {
    let built: Built = serde_json::from_str(line).ok()?;
    let is_server =
        built.target.is_some_and(|target| target.name == "till" && target.kind == ["bin"]);
    built.executable.filter(|_| is_server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_found_among_what_cargo_has_built() {
        let lines = [
            r#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"till"},"executable":null}"#,
            r#"{"reason":"compiler-artifact","target":{"kind":["test"],"name":"it"},"executable":"/t/it"}"#,
            r#"{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"till"},"executable":"/t/till"}"#,
            r#"{"reason":"build-finished","success":true}"#,
        ];
        assert_eq!(lines.iter().find_map(|line| server_in(line)).as_deref(), Some("/t/till"));
    }
}
