//! Mail to shoppers, over SMTP or into a folder. SMTP has no idempotency key: where the answer to a
//! letter is lost it is sent again, and may arrive twice. It then carries the same `Message-ID`, by
//! which a mailbox can tell.
//!
//! Nothing that a shopper typed can become a header of its own: addresses are parsed, and what
//! stands in other headers is checked to be one line and encoded by the library.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use domain::{contact::Email, delivery::Outcome, id::NoticeId};
use jiff::Timestamp;
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart, SinglePart, header::ContentType},
    transport::smtp::{
        Error as SmtpError,
        authentication::Credentials,
        client::{CertificateStore, Tls, TlsParameters},
        extension::ClientId,
    },
};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use crate::{Tried, with_causes};

/// How long the server may take for one step of the conversation.
const STEP_WITHIN: Duration = Duration::from_secs(10);
/// How long for all of them. A worker's claim must not run out meanwhile.
const LETTER_WITHIN: Duration = Duration::from_secs(40);

/// Where mail goes: a server of the operator's, or a folder of this machine.
#[derive(Clone)]
pub enum MailPlace {
    /// A server.
    Smtp(SmtpServer),
    /// A folder, a file for each letter.
    Folder(PathBuf),
}

/// A mail server, and how it is spoken with.
#[derive(Clone)]
pub struct SmtpServer {
    host: String,
    port: u16,
    encryption: Encryption,
    user: Option<(String, SecretString)>,
}

/// From when on nobody can listen in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encryption {
    /// From the first byte.
    AtOnce,
    /// After STARTTLS, without which nothing is said.
    Demanded,
    /// Never: the server is this machine.
    None,
}

/// Why a text is no place for mail; it follows the setting's name, and repeats nothing of the text,
/// which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MailPlaceError {
    /// None of the three forms.
    #[error(
        "must be smtp://USER:PASSWORD@HOST:587, smtps://USER:PASSWORD@HOST or folder:PATH; special \
         letters of the password are written as %XX"
    )]
    Form,
    /// A name without a password, or the reverse.
    #[error("has a user without a password or a password without a user")]
    HalfAUser,
}

impl FromStr for MailPlace {
    type Err = MailPlaceError;
    fn from_str(text: &str) -> Result<Self, MailPlaceError> {
        if let Some(path) = text.strip_prefix("folder:") {
            return match path {
                "" => Err(MailPlaceError::Form),
                path => Ok(Self::Folder(path.into())),
            };
        }
        let url = Url::parse(text).map_err(|_| MailPlaceError::Form)?;
        let is_plain =
            matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let host = url.host_str().filter(|host| !host.is_empty() && is_plain);
        let host = host.ok_or(MailPlaceError::Form)?.to_owned();
        let (encryption, port) = match url.scheme() {
            "smtps" => (Encryption::AtOnce, 465),
            "smtp" if is_this_machine(&host) => (Encryption::None, 587),
            "smtp" => (Encryption::Demanded, 587),
            _ => return Err(MailPlaceError::Form),
        };
        let decoded = |part: &str| percent_decode_str(part).decode_utf8().map(String::from);
        let user = match (url.username(), url.password()) {
            ("", None) => None,
            ("", Some(_)) | (_, None) => return Err(MailPlaceError::HalfAUser),
            (user, Some(password)) => {
                let user = decoded(user).map_err(|_| MailPlaceError::Form)?;
                let password = decoded(password).map_err(|_| MailPlaceError::Form)?;
                Some((user, password.into()))
            }
        };
        Ok(Self::Smtp(SmtpServer { host, port: url.port().unwrap_or(port), encryption, user }))
    }
}

impl fmt::Debug for MailPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Smtp(server) => write!(f, "MailPlace({}:{})", server.host, server.port),
            Self::Folder(path) => write!(f, "MailPlace({})", path.display()),
        }
    }
}

/// Other schemes than the web's keep the host as text.
fn is_this_machine(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost",
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Err(_) => false,
    }
}

/// Who writes, such as `Shop <shop@example.org>`.
#[derive(Debug, Clone)]
pub struct Sender(Mailbox);

/// The text is nobody who could write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an address such as shop@example.org or \"Shop <shop@example.org>\"")]
pub struct SenderError;

impl FromStr for Sender {
    type Err = SenderError;
    fn from_str(text: &str) -> Result<Self, SenderError> {
        let has_lines = text.contains(char::is_control);
        text.parse().ok().filter(|_| !has_lines).map(Self).ok_or(SenderError)
    }
}

/// One line of text without control characters: what may stand in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject(String);

/// The text is not one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a subject is one line of text")]
pub struct SubjectError;

impl FromStr for Subject {
    type Err = SubjectError;
    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let text = text.trim();
        let fits = !text.is_empty() && !text.contains(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(SubjectError) }
    }
}

/// A letter to a shopper.
#[derive(Debug, Clone)]
pub struct Letter {
    /// What it tells: the letter's `Message-ID` is made from it.
    pub id: NoticeId,
    /// When that happened: the letter's date.
    pub at: Timestamp,
    /// To whom.
    pub to: Email,
    /// What the list of letters shows.
    pub subject: Subject,
    /// For those who read text.
    pub text: String,
    /// For those who do not.
    pub html: String,
}

/// Why no mail can be sent from this machine.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// TLS cannot be set up.
    #[error("TLS cannot be set up for the mail server")]
    Tls(#[source] SmtpError),
    /// The folder cannot be made.
    #[error("the mail folder {path} cannot be made")]
    Folder {
        /// Where.
        path: String,
        /// Why not.
        source: io::Error,
    },
}

/// Sends letters.
pub struct Mailer {
    from: Sender,
    way: Way,
}

enum Way {
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
    Folder(PathBuf),
}

impl Mailer {
    /// Makes ready; nothing is sent yet.
    pub fn new(place: &MailPlace, from: Sender) -> Result<Self, MailerError> {
        let way = match place {
            MailPlace::Smtp(server) => Way::Smtp(Box::new(server.connection(&from)?)),
            MailPlace::Folder(path) => {
                std::fs::create_dir_all(path).map_err(|source| MailerError::Folder {
                    path: path.display().to_string(),
                    source,
                })?;
                Way::Folder(path.clone())
            }
        };
        Ok(Self { from, way })
    }

    /// Sends a letter once.
    pub async fn send(&self, letter: &Letter) -> Tried {
        let message = match self.message(letter) {
            Ok(message) => message,
            Err(words) => return Tried::new(Outcome::Refused, words),
        };
        match &self.way {
            Way::Smtp(server) => {
                match tokio::time::timeout(LETTER_WITHIN, server.send(message)).await {
                    Ok(Ok(_)) => Tried::new(Outcome::Taken, "taken by the mail server"),
                    Ok(Err(error)) => judge(&error),
                    Err(_) => Tried::not_now("the mail server took too long"),
                }
            }
            Way::Folder(folder) => match keep(folder, letter, &message.formatted()).await {
                Ok(()) => Tried::new(Outcome::Taken, "put into the folder"),
                Err(error) => Tried::not_now(format!("the folder: {error}")),
            },
        }
    }

    /// The letter as it goes over the wire; the same each time.
    fn message(&self, letter: &Letter) -> Result<Message, String> {
        let to = letter.to.as_str().parse::<Address>();
        let to = to.map_err(|_| "no server takes such an address".to_owned())?;
        let part = |kind, body: &str| SinglePart::builder().header(kind).body(body.to_owned());
        let both = MultiPart::builder()
            .kind(lettre::message::MultiPartKind::Alternative)
            .boundary(format!("till-{}", letter.id))
            .singlepart(part(ContentType::TEXT_PLAIN, &letter.text))
            .singlepart(part(ContentType::TEXT_HTML, &letter.html));
        Message::builder()
            .from(self.from.0.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject.0.clone())
            .date(letter.at.into())
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.0.email.domain())))
            .multipart(both)
            .map_err(|error| format!("the letter cannot be written: {error}"))
    }
}

impl SmtpServer {
    fn connection(&self, from: &Sender) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailerError> {
        let tls = match self.encryption {
            Encryption::AtOnce => Tls::Wrapper(self.tls()?),
            Encryption::Demanded => Tls::Required(self.tls()?),
            Encryption::None => Tls::None,
        };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host)
            .port(self.port)
            .tls(tls)
            .timeout(Some(STEP_WITHIN))
            .hello_name(ClientId::Domain(from.0.email.domain().to_owned()));
        Ok(match &self.user {
            Some((user, password)) => {
                let password = password.expose_secret().to_owned();
                builder.credentials(Credentials::new(user.clone(), password)).build()
            }
            None => builder.build(),
        })
    }

    /// A machine without a trust store gets the one of Mozilla that is compiled in.
    fn tls(&self) -> Result<TlsParameters, MailerError> {
        TlsParameters::new_rustls(self.host.clone()).or_else(|error| {
            tracing::warn!(%error, "this machine has no trust store; using the compiled-in one");
            let builder = TlsParameters::builder(self.host.clone());
            let builder = builder.certificate_store(CertificateStore::WebpkiRoots);
            builder.build_rustls().map_err(MailerError::Tls)
        })
    }
}

/// What the server says repeats addresses, so only its number is kept.
fn judge(error: &SmtpError) -> Tried {
    let Some(code) = error.status() else { return Tried::not_now(with_causes(error)) };
    let words = format!("the mail server said {code}");
    // That our password is wrong says nothing about the letter (RFC 4954, section 6).
    let is_about_us = matches!(u16::from(code), 530 | 534 | 535 | 538);
    if error.is_permanent() && !is_about_us {
        Tried::new(Outcome::Refused, words)
    } else {
        Tried::not_now(words)
    }
}

/// Whole or not at all: it is written beside its place and then moved there. The same letter has
/// the same name.
async fn keep(folder: &Path, letter: &Letter, bytes: &[u8]) -> io::Result<()> {
    let time = letter.at.strftime("%Y-%m-%dT%H-%M-%SZ");
    let name = format!("{time}-{}.eml", letter.id);
    let beside = folder.join(format!(".{name}.part"));
    tokio::fs::write(&beside, bytes).await?;
    tokio::fs::rename(&beside, folder.join(name)).await
}

#[cfg(test)]
mod tests;
