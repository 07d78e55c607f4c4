//! The server as a process of its own: the real binary, started as an operator starts it.

use std::{fs::File, io, net::TcpStream, path::PathBuf, process::Stdio, time::Duration};

use tokio::{
    process::{Child, Command},
    time::Instant,
};

use crate::shop::Shop;

/// A start takes a fraction of a second; a machine that is busy gets time.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

pub struct Process {
    settings: Vec<(String, String)>,
    address: String,
    folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Process {
    /// Nothing runs yet.
    pub fn of(shop: &Shop) -> Self {
        let address = shop.url.trim_start_matches("http://").to_owned();
        let settings = shop.settings().iter().filter(|(name, _)| *name != "TILL_LISTEN");
        let mut settings: Vec<_> =
            settings.map(|(name, value)| (name.clone(), value.clone())).collect();
        settings.push(("TILL_LISTEN".to_owned(), address.clone()));
        Self::at(address, settings)
    }

    /// A server that listens there, in an empty folder.
    pub fn at(address: String, settings: Vec<(String, String)>) -> Self {
        Self { settings, address, folder: tempfile::tempdir().unwrap(), child: None }
    }

    /// Another command of the same binary, with the same settings; its output if it fails.
    pub async fn run(&self, arguments: &[&str]) {
        let mut command = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_till")));
        command.args(arguments).env_clear().envs(self.settings.iter().cloned());
        let output = command.current_dir(self.folder.path()).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "till {arguments:?}: {said}");
    }

    /// Starts the server; it may not answer yet.
    pub fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        let mut command = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_till")));
        command.arg("serve").env_clear().envs(self.settings.iter().cloned());
        command.current_dir(self.folder.path()).stdin(Stdio::null()).kill_on_drop(true);
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().unwrap());
    }

    /// Waits until it listens.
    pub async fn is_up(&mut self) {
        let end = Instant::now() + STARTS_WITHIN;
        while TcpStream::connect(&self.address).is_err() {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < end, "it did not start:\n{}", self.last());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// SIGKILL: it learns nothing of it.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "it ended by itself:\n{}", self.last());
        child.kill().await.unwrap();
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    /// The end of its log.
    pub fn last(&self) -> String {
        let log: io::Result<String> = std::fs::read_to_string(self.log());
        let log = log.unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}
