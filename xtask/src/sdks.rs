//! The vendors' own clients, by which the tests drive our simulators, and the schemas that their
//! types say.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::packages;
use crate::process;

/// Where the simulators' tests keep the clients' versions.
const FOLDER: &str = "crates/simulators/tests/sdk";
/// Schemas of the types of one vendor's client. A bare `cargo test` looks for them too.
struct Schemas {
    vendor: &'static str,
    /// What derives them.
    script: &'static str,
    /// Where they go.
    file: &'static str,
    /// What tells the tests.
    variable: &'static str,
}

const SCHEMAS: [Schemas; 2] = [
    Schemas {
        vendor: "Stripe",
        script: "schemas.mjs",
        file: "target/stripe-types.schema.json",
        variable: "TILL_STRIPE_SCHEMA",
    },
    Schemas {
        vendor: "Elastic Path",
        script: "elastic_path/schemas.mjs",
        file: "target/elastic-path-types.schema.json",
        variable: "TILL_ELASTIC_PATH_SCHEMA",
    },
];
/// A Python environment of ours; pip would refuse to write into Debian's.
const PYTHON_FOLDER: &str = "target/python-sdk";

/// What the tests have to know, and a sentence about what was done.
pub struct Sdks {
    /// Environment variables for the tests.
    pub variables: Vec<(&'static str, String)>,
    /// What is there, and what is not and why.
    pub note: String,
}

/// Installs the clients whose version files are in the repository.
pub fn prepare(root: &Path) -> Result<Sdks> {
    let mut variables = Vec::new();
    let mut notes = Vec::new();

    if !root.join(FOLDER).join("package-lock.json").is_file() {
        notes.push(format!("npm clients skipped: no package-lock.json in {FOLDER}"));
    } else if packages::program("npm").is_none() {
        notes.push("npm clients skipped: npm is missing, it comes with Node".to_owned());
    } else {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
        process::run(npm.current_dir(root.join(FOLDER)))?;
        variables.push(("TILL_NODE_SDK", "1".to_owned()));
        notes.push("npm clients installed".to_owned());
        for schemas in &SCHEMAS {
            notes.push(schemas.derive(root)?);
            variables.push((schemas.variable, root.join(schemas.file).display().to_string()));
        }
    }

    let requirements = root.join(FOLDER).join("requirements.txt");
    if requirements.is_file() {
        let python = root.join(PYTHON_FOLDER).join("bin/python");
        // An environment that was left half made, or whose Python is gone, is made anew.
        if !packages::succeeds(Command::new(&python).args(["-m", "pip", "--version"])) {
            let mut venv = Command::new("python3");
            process::run(venv.args(["-m", "venv", "--clear"]).arg(root.join(PYTHON_FOLDER)))?;
        }
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
        process::run(pip.arg(requirements))?;
        variables.push(("TILL_PYTHON", python.display().to_string()));
        notes.push("Python clients installed".to_owned());
    } else {
        notes.push(format!("Python clients skipped: no requirements.txt in {FOLDER}"));
    }
    Ok(Sdks { variables, note: notes.join("; ") })
}

impl Schemas {
    /// Derives them, unless nothing has changed since.
    fn derive(&self, root: &Path) -> Result<String> {
        let (vendor, folder) = (self.vendor, root.join(FOLDER));
        let changed = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
        // The lock file says which types are installed.
        let inputs = [folder.join("package-lock.json"), folder.join(self.script)];
        let newest_input = inputs.iter().filter_map(|path| changed(path)).max();
        let target = root.join(self.file);
        if changed(&target) > newest_input {
            return Ok(format!("{vendor}'s types unchanged"));
        }
        let mut node = Command::new("node");
        node.current_dir(&folder).arg(self.script).arg(target);
        let counted = process::read(&mut node)?;
        Ok(format!("{vendor}'s types derived: {}", counted.trim()))
    }
}
