//! Running other programs so that none outlives us: every child has its own process group, and
//! whoever waits for it also listens for Ctrl-C.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// How often a waiting loop looks: short beside what any step takes, long enough to cost nothing.
const POLL: Duration = Duration::from_millis(20);

/// What a child gets to end by itself before it is killed. A database without fsync needs less
/// than a second.
const GRACE: Duration = Duration::from_secs(10);

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From here on SIGINT, SIGTERM and SIGHUP end the current step with an error instead of ending
/// us at once, so that what we started is stopped. A second signal ends us at once.
pub fn listen_for_interrupts() -> Result<()> {
    let flag = INTERRUPTED.get_or_init(Arc::default);
    for signal in
        [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP]
    {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(flag))?;
        signal_hook::flag::register(signal, Arc::clone(flag))?;
    }
    Ok(())
}

fn interrupted() -> bool {
    INTERRUPTED.get().is_some_and(|flag| flag.load(Ordering::Relaxed))
}

/// Waits a moment between two looks at something; fails when the user has had enough.
pub fn pause() -> Result<()> {
    std::thread::sleep(POLL);
    if interrupted() {
        bail!("interrupted");
    }
    Ok(())
}

/// A running program and everything it started; dropping it ends them all.
pub struct Running {
    child: Child,
    stop: StopSignal,
    ended: bool,
}

/// How a program is asked to end.
#[derive(Clone, Copy)]
pub enum StopSignal {
    /// What most programs take for a request to end in order.
    Term,
    /// What Ctrl-C sends.
    Int,
}

impl StopSignal {
    /// As `kill -s` wants it.
    pub fn name(self) -> &'static str {
        match self {
            StopSignal::Term => "TERM",
            StopSignal::Int => "INT",
        }
    }
}

impl Running {
    /// Starts the program in a process group of its own.
    fn start(command: &mut Command) -> Result<Self> {
        Self::start_server(command, StopSignal::Term)
    }

    /// Starts a program that has its own idea of how to be stopped.
    pub fn start_server(command: &mut Command, stop: StopSignal) -> Result<Self> {
        command.stdin(Stdio::null()).process_group(0);
        let child = command.spawn().with_context(|| format!("start {}", shown(command)))?;
        Ok(Self { child, stop, ended: false })
    }

    /// The exit status if the program has ended by itself.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        self.ended |= status.is_some();
        Ok(status)
    }

    fn wait(&mut self) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            pause()?;
        }
    }

    fn signal(&self, signal: &str) {
        // The shell's own `kill`: the program of that name is not on every system.
        let mut kill = Command::new("sh");
        kill.args(["-c", "kill -s \"$1\" -- \"-$2\"", "sh", signal, &self.child.id().to_string()]);
        kill.stdout(Stdio::null()).stderr(Stdio::null());
        // A group that is already gone is what we wanted.
        let _ = kill.status();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        self.signal(self.stop.name());
        let began = Instant::now();
        while began.elapsed() < GRACE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(POLL);
        }
        self.signal("KILL");
        let _ = self.child.kill();
        // Killed: it will end, and must not stay behind as a zombie.
        let _ = self.child.wait();
    }
}

/// Runs a program with its output shown; anything but success is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let status = Running::start(command)?.wait()?;
    expect_success(command, status)
}

/// Runs a program and returns what it printed.
pub fn read(command: &mut Command) -> Result<String> {
    let mut printed = String::new();
    let status = read_lines(command, |line| {
        printed.push_str(line);
        printed.push('\n');
    })?;
    expect_success(command, status)?;
    Ok(printed)
}

/// Runs a program and hands over each line of its standard output as it comes.
pub fn read_lines(command: &mut Command, each: impl FnMut(&str)) -> Result<ExitStatus> {
    let status = read_lines_within(command, Duration::MAX, each)?;
    status.context("nothing takes for ever")
}

/// The same for a program that may hang: `None` if it was ended because it took longer.
pub fn read_lines_within(
    command: &mut Command,
    limit: Duration,
    mut each: impl FnMut(&str),
) -> Result<Option<ExitStatus>> {
    let began = Instant::now();
    let mut running = Running::start(command.stdout(Stdio::piped()))?;
    let stdout = running.child.stdout.take().context("standard output is piped")?;
    // Read on a thread: a blocking read here would not hear of Ctrl-C.
    let (sender, lines) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
        }
    });
    loop {
        match lines.recv_timeout(POLL) {
            Ok(line) => each(&line),
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
        }
        if interrupted() {
            bail!("interrupted");
        }
        if began.elapsed() > limit {
            return Ok(None);
        }
    }
    // It only ends, without a result, when the output does.
    let _ = reader.join();
    running.wait().map(Some)
}

fn expect_success(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// The command as a person would type it: programs by their names, not by where they lie.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
