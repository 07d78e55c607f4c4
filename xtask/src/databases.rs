//! The tests' own PostgreSQL and MariaDB.
//!
//! Each is a private instance in a folder of its own on a free port of this machine, so that a
//! database which the machine already runs is neither needed nor touched. Both are told not to
//! wait for the disk: what they hold is thrown away. They end with us, however we end: by `Drop`
//! in the ordinary case, by the kernel's signal to orphans (`--pdeathsig`) when we are killed.

use std::fs::File;
use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::packages;
use crate::process::{self, Running, StopSignal};

/// Names of the variables by which the tests learn where the databases are.
pub const POSTGRES_VARIABLE: &str = "TILL_TEST_POSTGRES_URL";
/// See [`POSTGRES_VARIABLE`].
pub const MARIADB_VARIABLE: &str = "TILL_TEST_MYSQL_URL";

/// Every test opens pools of its own, and the tests of a binary run in parallel.
const CONNECTIONS_MAX: u32 = 500;

/// Starting takes one to two seconds on an idle machine; a busy one gets time.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Servers refuse to work for root. This user owns nothing and is on every Debian system.
const SERVANT: [&str; 2] = ["nobody", "nogroup"];

/// Short, because a socket's path has 107 bytes at most, and open to [`SERVANT`], which a
/// user's own TMPDIR may not be.
const FOLDER_PARENT: &str = "/tmp";

/// Two running servers; dropping it stops them and removes their files.
pub struct Databases {
    _postgres: Running,
    _mariadb: Running,
    /// Last, so that it is removed when nobody writes into it any more.
    _folder: TempDir,
    postgres_port: u16,
    mariadb_port: u16,
}

impl Databases {
    /// Starts both and waits until they answer.
    pub fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("till-test-").tempdir_in(FOLDER_PARENT)?;
        if packages::is_root() {
            let (uid, gid) = servant_ids()?;
            chown(folder.path(), Some(uid), Some(gid))?;
        }
        let (postgres, postgres_port) = start_postgres(folder.path()).context("PostgreSQL")?;
        let (mariadb, mariadb_port) = start_mariadb(folder.path()).context("MariaDB")?;
        Ok(Self {
            _postgres: postgres,
            _mariadb: mariadb,
            _folder: folder,
            postgres_port,
            mariadb_port,
        })
    }

    /// Variables for the tests: a user who may create databases, and a database to start from.
    pub fn variables(&self) -> [(&'static str, String); 2] {
        let Self { postgres_port, mariadb_port, .. } = self;
        [
            (POSTGRES_VARIABLE, format!("postgres://till:till@127.0.0.1:{postgres_port}/postgres")),
            (MARIADB_VARIABLE, format!("mysql://till:till@127.0.0.1:{mariadb_port}/mysql")),
        ]
    }
}

/// `cargo xtask databases`: both servers for as long as someone wants them.
pub fn serve() -> Result<()> {
    process::listen_for_interrupts()?;
    packages::ensure()?;
    let databases = Databases::start()?;
    for (name, url) in databases.variables() {
        println!("export {name}={url}");
    }
    println!("# Ctrl-C stops them and throws their data away.");
    while process::pause().is_ok() {}
    Ok(())
}

fn start_postgres(folder: &Path) -> Result<(Running, u16)> {
    let program = |name: &str| packages::postgres_program(name).context(format!("no {name}"));
    let data = folder.join("postgres");
    let password = folder.join("postgres-password");
    std::fs::write(&password, "till\n")?;

    let mut initdb = as_servant(&program("initdb")?, StopSignal::Int);
    initdb.arg("-D").arg(&data).arg("--pwfile").arg(&password);
    initdb.args(["-U", "till", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]);
    initdb.args(["--no-sync", "--no-instructions"]).stdout(Stdio::null());
    process::run(initdb.current_dir(folder))?;

    let port = free_port()?;
    let mut server = as_servant(&program("postgres")?, StopSignal::Int);
    server.arg("-D").arg(&data).args(["-p", &port.to_string()]);
    for setting in [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        // More room between checkpoints than a test run fills.
        "max_wal_size=4GB",
        &format!("max_connections={CONNECTIONS_MAX}"),
    ] {
        server.args(["-c", setting]);
    }
    // Fast shutdown; its answer to TERM would be to wait until every client has gone.
    let log = folder.join("postgres.log");
    let running = start_server(server.current_dir(folder), &log, StopSignal::Int)?;
    let is_ready = program("pg_isready")?;
    let port_text = port.to_string();
    let running = wait_until_ready(running, &log, || {
        let mut ask = Command::new(&is_ready);
        ask.args(["-q", "-h", "127.0.0.1", "-p", &port_text]);
        ask.status().is_ok_and(|status| status.success())
    })?;
    Ok((running, port))
}

fn start_mariadb(folder: &Path) -> Result<(Running, u16)> {
    let program = |name: &str| packages::program(name).context(format!("no {name}"));
    let data = folder.join("mariadb");
    let users = folder.join("mariadb-users.sql");
    std::fs::write(
        &users,
        "create user 'till'@'%' identified by 'till';\n\
         grant all privileges on *.* to 'till'@'%' with grant option;\n",
    )?;

    let mut install = as_servant(&program("mariadb-install-db")?, StopSignal::Term);
    install.arg("--no-defaults").arg(option("--datadir", &data));
    install.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
    install.args(["--skip-name-resolve", "--innodb-flush-method=nosync"]).stdout(Stdio::null());
    process::run(install.current_dir(folder))?;

    let port = free_port()?;
    let mut server = as_servant(&program("mariadbd")?, StopSignal::Term);
    server.arg("--no-defaults").arg(option("--datadir", &data));
    server.arg(option("--socket", &folder.join("mariadb.sock")));
    server.arg(option("--pid-file", &folder.join("mariadb.pid")));
    // Run before the first connection is let in: who connects finds the user.
    server.arg(option("--init-file", &users));
    server.arg(format!("--port={port}")).arg(format!("--max-connections={CONNECTIONS_MAX}"));
    server.args(["--bind-address=127.0.0.1", "--skip-name-resolve"]);
    // What Debian's own configuration sets.
    server.args(["--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci"]);
    server.args(["--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=0"]);
    server.args(["--skip-innodb-doublewrite", "--innodb-buffer-pool-size=256M"]);

    let log = folder.join("mariadb.log");
    let running = start_server(server.current_dir(folder), &log, StopSignal::Term)?;
    Ok((wait_until_ready(running, &log, || greets(port))?, port))
}

/// A MariaDB server that lets clients in greets them: four bytes of header, then the protocol's
/// version, which is ten.
fn greets(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut greeting = [0; 5];
    stream.set_read_timeout(Some(Duration::from_secs(1))).is_ok()
        && stream.read_exact(&mut greeting).is_ok()
        && greeting[4] == 10
}

/// A command that runs as a user whom servers work for, and ends when we do.
fn as_servant(program: &Path, on_our_death: StopSignal) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", on_our_death.name()]);
    if packages::is_root() {
        let [user, group] = SERVANT;
        command.args(["--reuid", user, "--regid", group, "--clear-groups"]);
        command.env("HOME", "/nonexistent");
    }
    command.arg("--").arg(program);
    command
}

fn start_server(command: &mut Command, log: &Path, stop: StopSignal) -> Result<Running> {
    let file = File::create(log)?;
    command.stderr(file.try_clone()?).stdout(file);
    Running::start_server(command, stop)
}

fn wait_until_ready(
    mut server: Running,
    log: &Path,
    mut is_ready: impl FnMut() -> bool,
) -> Result<Running> {
    let began = Instant::now();
    loop {
        if let Some(status) = server.ended()? {
            bail!("ended at once with {status}; the end of its log:\n{}", tail(log));
        }
        if is_ready() {
            return Ok(server);
        }
        if began.elapsed() > READY_WITHIN {
            bail!("not ready after {READY_WITHIN:?}; the end of its log:\n{}", tail(log));
        }
        process::pause()?;
    }
}

fn tail(log: &Path) -> String {
    let text = std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let text = text.unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// A port that was free a moment ago. Someone may take it before the server does; then the
/// server says so and the run fails, which has to be seldom, not impossible.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn option(name: &str, path: &Path) -> String {
    format!("{name}={}", path.display())
}

fn servant_ids() -> Result<(u32, u32)> {
    let [user, group] = SERVANT;
    Ok((id_in("/etc/passwd", user)?, id_in("/etc/group", group)?))
}

/// Both files hold lines of `name:password:id:…`.
fn id_in(file: &str, name: &str) -> Result<u32> {
    let text = std::fs::read_to_string(PathBuf::from(file))?;
    let mut rows = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let row = rows.find(|row| row[0] == name && row.len() > 2);
    let row = row.with_context(|| format!("no {name} in {file}"))?;
    Ok(row[2].parse()?)
}
