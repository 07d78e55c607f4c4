//! Debian packages that the tests need, installed when something of them is missing.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::process;

/// Programs of servers lie in folders that a user's PATH does not name.
const SERVER_FOLDERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// Where Debian keeps PostgreSQL's programs, one folder per major version.
const POSTGRES_VERSIONS: &str = "/usr/lib/postgresql";

/// Something a part of the tests cannot do without.
struct Need {
    what: &'static str,
    packages: &'static [&'static str],
    is_there: fn() -> bool,
}

const NEEDS: [Need; 3] = [
    Need {
        what: "PostgreSQL's server",
        packages: &["postgresql"],
        is_there: || postgres_program("postgres").is_some() && postgres_program("initdb").is_some(),
    },
    Need {
        what: "MariaDB's server",
        packages: &["mariadb-server-core", "mariadb-client-core"],
        is_there: || {
            ["mariadbd", "mariadb-install-db", "my_print_defaults"]
                .iter()
                .all(|name| program(name).is_some())
        },
    },
    Need {
        what: "Python with venv",
        packages: &["python3", "python3-venv"],
        is_there: || python_has_venv(),
    },
];

const CHROMIUM: Need =
    Need { what: "Chromium", packages: &["chromium"], is_there: || program("chromium").is_some() };

/// Installs what is missing for the tests of the workspace, or says what is missing and how to get
/// it.
pub fn ensure() -> Result<String> {
    install(&NEEDS)
}

/// The browser, installed if it is missing and we may.
pub fn chromium() -> Result<PathBuf> {
    install(&[CHROMIUM])?;
    program("chromium").context("Chromium is not in PATH")
}

fn install(needs: &[Need]) -> Result<String> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !(need.is_there)()).collect();
    if missing.is_empty() {
        return Ok("all there".to_owned());
    }
    let what = missing.iter().map(|need| need.what).collect::<Vec<_>>().join(", ");
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.packages).copied().collect();
    let by_hand = format!("sudo apt-get install --no-install-recommends {}", packages.join(" "));
    let Some(prefix) = apt_get() else {
        bail!(
            "{what} is missing, and only root may install it. Run\n    {by_hand}\nand start again."
        );
    };
    println!("missing: {what}; installing {}", packages.join(" "));
    let install = ["install", "--yes", "--no-install-recommends"];
    for arguments in [&["update"][..], &[&install[..], &packages[..]].concat()] {
        let mut apt = Command::new(prefix[0]);
        apt.args(&prefix[1..]).args(arguments).stdout(Stdio::null());
        process::run(&mut apt)
            .with_context(|| format!("{what} could not be installed; by hand: {by_hand}"))?;
    }
    if let Some(need) = missing.iter().find(|need| !(need.is_there)()) {
        bail!("{} is still missing after installing {}", need.what, need.packages.join(" "));
    }
    Ok(format!("installed {}", packages.join(" ")))
}

/// The words before `apt-get`'s own arguments, or nothing when we may not install.
fn apt_get() -> Option<&'static [&'static str]> {
    // It waits for another apt-get that is at work, and asks no questions.
    const APT: [&str; 5] =
        ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-oDPkg::Lock::Timeout=120"];
    const SUDO: [&str; 7] = [
        "sudo",
        "-n",
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "-qq",
        "-oDPkg::Lock::Timeout=120",
    ];
    program("apt-get")?;
    if is_root() {
        return Some(&APT);
    }
    succeeds(Command::new("sudo").args(["-n", "true"])).then_some(&SUDO)
}

/// Whether we run as root, whom database servers refuse to work for.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Where a program lies, in PATH or among the servers.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(SERVER_FOLDERS.map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Where a program of PostgreSQL lies: Debian's newest version, else PATH.
pub fn postgres_program(name: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir(POSTGRES_VERSIONS).into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())))
        .map(|(version, folder)| (version, folder.join("bin").join(name)))
        .filter(|(_, file)| file.is_file())
        .max();
    newest.map(|(_, file)| file).or_else(|| program(name))
}

/// Debian's python3 has a venv that cannot make one until python3-venv is installed.
fn python_has_venv() -> bool {
    succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"]))
}

/// Whether a quick question to a program is answered with yes; its words do not matter.
pub fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
