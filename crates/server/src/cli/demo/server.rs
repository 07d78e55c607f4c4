//! A shop's server: a process of its own, started from this executable, so that it can be killed
//! like a real one and started again on the same database.

use std::{
    fs::{self, OpenOptions},
    future::Future,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use futures::future::{join_all, select_all};
use gateways::Transport;
use tokio::process::{Child, Command};
use url::Url;

use super::{DemoError, GLANCE, PATIENCE, client::Client};
use crate::config;

/// How long a server that was asked to stop may take; after that it is killed. So is every server
/// that nobody has asked: the database bears it, and `--kill-after` shows that it does.
const FAREWELL: Duration = Duration::from_secs(5);

/// A server that can be started again.
pub struct Server {
    /// Where it is reached.
    pub url: Url,
    transport: Transport,
    settings: Vec<(&'static str, String)>,
    folder: PathBuf,
    log: PathBuf,
    child: Option<Child>,
}

impl Server {
    /// A server that does not run yet. Its files begin with `name`.
    pub fn new(
        transport: Transport,
        (folder, name): (&Path, &str),
        listen: SocketAddr,
        mut settings: Vec<(&'static str, String)>,
    ) -> Result<Self, DemoError> {
        settings.extend([
            ("TILL_LISTEN", listen.to_string()),
            ("DATABASE_URL", database(folder, name)),
            ("TILL_SECRET", crate::clock::throwaway_secret()),
        ]);
        let log = folder.join(format!("{name}.log"));
        let (url, folder) = (local_url(listen)?, folder.to_owned());
        Ok(Self { url, transport, settings, folder, log, child: None })
    }

    /// A visitor without a past.
    pub fn visitor(&self) -> Client {
        Client::new(self.transport.clone(), self.url.clone())
    }

    /// Starts it on the database as it lies there, and waits until it answers.
    pub async fn start(&mut self) -> Result<(), DemoError> {
        let failed = || DemoError::io("the server cannot be started");
        let program = std::env::current_exe().map_err(failed())?;
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.map_err(failed())?;
        let mut command = Command::new(program);
        // Neither this process's settings nor a .env where it was started are meant for the demo.
        for name in config::variables_of_process() {
            command.env_remove(name);
        }
        let settings = self.settings.iter().map(|(name, value)| (name, value));
        command.arg("serve").envs(settings).current_dir(&self.folder);
        let errors = log.try_clone().map_err(failed())?;
        command.stdin(Stdio::null()).stdout(log).stderr(errors).kill_on_drop(true);
        let child = command.spawn().map_err(failed())?;
        let mut visitor = self.visitor();
        let child = self.child.insert(child);
        let ready = async {
            while !visitor.is_well("/readyz").await {
                tokio::time::sleep(GLANCE).await;
            }
        };
        let what = tokio::select! {
            done = tokio::time::timeout(PATIENCE, ready) => match done {
                Ok(()) => return Ok(()),
                Err(_) => "does not answer",
            },
            _ = child.wait() => "did not start",
        };
        Err(self.error(what))
    }

    /// Ends it as a power cut would: it learns nothing of it.
    pub async fn kill(&mut self) -> Result<(), DemoError> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        if matches!(child.try_wait(), Ok(Some(_))) {
            return Ok(());
        }
        child.kill().await.map_err(DemoError::io("the server cannot be killed"))
    }

    /// Until it ends by itself.
    async fn ended(&mut self) -> DemoError {
        let Some(child) = &mut self.child else { return std::future::pending().await };
        let ended = child.wait().await;
        self.child = None;
        let is_well = ended.is_ok_and(|status: ExitStatus| status.success());
        self.error(if is_well { "stopped" } else { "failed" })
    }

    fn error(&self, what: &'static str) -> DemoError {
        const LINES: usize = 15;
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let log = lines[lines.len().saturating_sub(LINES)..].join("\n");
        DemoError::Server { what, log }
    }
}

/// Waits until somebody stops the demo. Ctrl-C reaches the servers as well, which then finish what is
/// under way; a second one does not wait for that. SIGTERM reaches this process alone.
pub async fn until_stopped(mut servers: Vec<&mut Server>) -> Result<(), DemoError> {
    let first = select_all(servers.iter_mut().map(|server| Box::pin(server.ended())));
    tokio::select! {
        () = interrupted() => {}
        () = terminated() => return Ok(()),
        (error, _, _) = first => return Err(error),
    }
    let all = join_all(servers.iter_mut().map(|server| server.ended()));
    tokio::select! {
        _ = tokio::time::timeout(FAREWELL, all) => {}
        () = interrupted() => {}
    }
    Ok(())
}

/// The URL of a shop's database.
pub fn database(folder: &Path, name: &str) -> String {
    format!("sqlite://{}", folder.join(format!("{name}.db")).display())
}

/// Listens at the usual port of this machine, or at any other if it is taken.
pub fn free_listener(usual: SocketAddr) -> Result<TcpListener, DemoError> {
    let bind = |port| TcpListener::bind((usual.ip(), port));
    bind(usual.port()).or_else(|_| bind(0)).map_err(DemoError::io("no port is free"))
}

/// The usual address, or one with any other port if it is taken.
pub fn free_address(usual: SocketAddr) -> Result<SocketAddr, DemoError> {
    free_listener(usual)?.local_addr().map_err(DemoError::io("no port is free"))
}

/// Where an address of this machine is reached.
pub fn local_url(address: SocketAddr) -> Result<Url, DemoError> {
    let text = format!("http://{address}/");
    Url::parse(&text).map_err(|error| DemoError::Broken(format!("{text} is no address: {error}")))
}

/// Until Ctrl-C; for ever where signals cannot be heard.
pub async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Until SIGTERM; for ever where there is none.
pub fn terminated() -> impl Future<Output = ()> {
    #[cfg(unix)]
    let signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    async move {
        #[cfg(unix)]
        if let Ok(mut signal) = signal {
            signal.recv().await;
            return;
        }
        std::future::pending::<()>().await;
    }
}
