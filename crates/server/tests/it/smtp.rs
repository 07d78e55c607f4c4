//! A mail server on a real socket that speaks as much SMTP as a sender needs, and misbehaves in the
//! way that a story orders.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// What it does to one letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It says at once that it is busy (421).
    Busy,
    /// It knows no such recipient (550).
    NoSuchRecipient,
    /// It takes the letter, and the connection breaks before its answer.
    LoseAnswer,
}

/// A letter that it has taken.
#[derive(Debug, Clone)]
pub struct Received {
    pub to: String,
    /// Headers and body, as they came.
    pub text: String,
}

impl Received {
    /// The letter as its reader sees it: lines that were too long for the wire are whole again (RFC
    /// 2045, quoted-printable, as far as text in ASCII needs it).
    pub fn decoded(&self) -> String {
        self.text.replace("=\r\n", "").replace("=3D", "=")
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> &str {
        let head = self.text.split("\r\n\r\n").next().unwrap();
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name} in {head}"))
    }
}

#[derive(Clone)]
pub struct MailServer {
    received: Arc<Mutex<Vec<Received>>>,
    troubles: Arc<Mutex<VecDeque<Trouble>>>,
    /// Whether it lets senders wait for its answer to a letter.
    held: watch::Sender<bool>,
}

impl MailServer {
    /// The server, and the setting by which it is reached.
    pub async fn serve() -> (Self, String, JoinHandle<()>) {
        let held = watch::Sender::new(false);
        let server = Self { received: Arc::default(), troubles: Arc::default(), held };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = format!("smtp://{}", listener.local_addr().unwrap());
        let accepting = server.clone();
        let serving = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let server = accepting.clone();
                tokio::spawn(async move { server.talk(stream).await });
            }
        });
        (server, place, serving)
    }

    /// What it does to the next letters, in order; after that it is well.
    pub fn order(&self, troubles: &[Trouble]) {
        self.troubles.lock().unwrap().extend(troubles);
    }

    /// It takes letters, and says nothing to them until it is let go.
    pub fn hold(&self) {
        self.held.send_replace(true);
    }

    pub fn let_go(&self) {
        self.held.send_replace(false);
    }

    /// How many letters it has taken that are not the same.
    pub fn letters(&self) -> usize {
        let received = self.received();
        received.iter().map(|one| one.header("Message-ID")).collect::<BTreeSet<_>>().len()
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// A conversation; nothing where the connection ended early.
    async fn talk(&self, stream: TcpStream) -> Option<()> {
        let trouble = self.troubles.lock().unwrap().pop_front();
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        if trouble == Some(Trouble::Busy) {
            return write.write_all(b"421 busy\r\n").await.ok();
        }
        write.write_all(b"220 mail.example ESMTP\r\n").await.ok()?;
        let mut to = String::new();
        loop {
            let line = lines.next_line().await.ok()??;
            let word = line.split([' ', ':']).next().unwrap().to_ascii_uppercase();
            let answer = match word.as_str() {
                "EHLO" => "250-mail.example\r\n250 8BITMIME\r\n",
                "RCPT" if trouble == Some(Trouble::NoSuchRecipient) => "550 5.1.1 nobody here\r\n",
                "RCPT" => {
                    line.trim_start_matches("RCPT TO:").clone_into(&mut to);
                    "250 fine\r\n"
                }
                "DATA" => {
                    write.write_all(b"354 go on\r\n").await.ok()?;
                    let mut text = String::new();
                    loop {
                        let line = lines.next_line().await.ok()??;
                        if line == "." {
                            break;
                        }
                        text.push_str(line.strip_prefix('.').unwrap_or(&line));
                        text.push_str("\r\n");
                    }
                    let received = Received { to: to.clone(), text };
                    self.received.lock().unwrap().push(received);
                    if trouble == Some(Trouble::LoseAnswer) {
                        return None;
                    }
                    self.held.subscribe().wait_for(|held| !held).await.ok()?;
                    "250 taken\r\n"
                }
                "QUIT" => return write.write_all(b"221 bye\r\n").await.ok(),
                _ => "250 fine\r\n",
            };
            write.write_all(answer.as_bytes()).await.ok()?;
        }
    }
}
