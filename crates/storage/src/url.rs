//! Which database to open, read from one line of configuration.

use std::fmt;
use std::path::PathBuf;

use url::Url;

use crate::StoreError;

/// Where the database is: `sqlite://till.db`, `sqlite:///var/lib/till/till.db`,
/// `postgres://user:password@host/database?sslmode=verify-full&sslrootcert=ca.pem`,
/// `mysql://…` or `mariadb://…`, with the same two parameters for TLS.
///
/// `Debug` and `Display` show the password as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(pub(crate) Place);

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Sqlite(PathBuf),
    Postgres(Server),
    Mysql(Server),
}

/// A database server and the way to it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: Option<String>,
    pub database: String,
    pub tls: Tls,
}

/// How the way to the server is protected. There is no "encrypt, but trust anyone": it looks like
/// protection and is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tls {
    Off,
    /// Certificate and host name are checked, against these authorities or the public ones.
    Verified {
        root_certificate: Option<PathBuf>,
    },
}

impl DatabaseUrl {
    /// Reads the line. The error is a sentence that never repeats the password.
    pub fn parse(text: &str) -> Result<DatabaseUrl, StoreError> {
        let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
        match scheme {
            "sqlite" => sqlite(text).map(|path| DatabaseUrl(Place::Sqlite(path))),
            "postgres" | "postgresql" => {
                server(text, 5432).map(|server| DatabaseUrl(Place::Postgres(server)))
            }
            "mysql" | "mariadb" => {
                server(text, 3306).map(|server| DatabaseUrl(Place::Mysql(server)))
            }
            _ => Err(StoreError::setup(
                "DATABASE_URL must begin with sqlite://, postgres://, mysql:// or mariadb://; \
                 sqlite://till.db is a file in the current folder",
            )),
        }
    }
}

impl std::str::FromStr for DatabaseUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<DatabaseUrl, StoreError> {
        DatabaseUrl::parse(text)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, server) = match &self.0 {
            Place::Sqlite(path) => return write!(f, "sqlite://{}", path.display()),
            Place::Postgres(server) => ("postgres", server),
            Place::Mysql(server) => ("mysql", server),
        };
        let password = if server.password.is_some() { ":***" } else { "" };
        let Server { host, port, user, database, .. } = server;
        write!(f, "{scheme}://{user}{password}@{host}:{port}/{database}")
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

fn sqlite(text: &str) -> Result<PathBuf, StoreError> {
    let path = text.strip_prefix("sqlite://").unwrap_or_default();
    if path.is_empty()
        || path.ends_with('/')
        || path.contains(['?', '#'])
        || path.contains(":memory:")
    {
        return Err(StoreError::setup(
            "a DATABASE_URL for SQLite names a file and nothing else: sqlite://till.db for a file \
             in the current folder, sqlite:///var/lib/till/till.db for a full path",
        ));
    }
    Ok(PathBuf::from(path))
}

fn server(text: &str, default_port: u16) -> Result<Server, StoreError> {
    let url = Url::parse(text).map_err(|error| {
        StoreError::setup(format!(
            "DATABASE_URL cannot be read: {error}; special characters in the password are written \
             as %-codes, for instance %40 for @"
        ))
    })?;
    let database = decoded(url.path().trim_start_matches('/'))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    if host.is_empty() || url.username().is_empty() || database.is_empty() {
        return Err(StoreError::setup(
            "DATABASE_URL must name user, host and database: postgres://user:password@host/database",
        ));
    }
    Ok(Server {
        host,
        port: url.port().unwrap_or(default_port),
        user: decoded(url.username())?,
        password: url.password().map(decoded).transpose()?,
        database,
        tls: tls(&url)?,
    })
}

fn tls(url: &Url) -> Result<Tls, StoreError> {
    let mut verified = false;
    let mut root_certificate = None;
    for (name, value) in url.query_pairs() {
        match (name.as_ref(), value.to_ascii_lowercase().replace('_', "-").as_str()) {
            ("sslmode" | "ssl-mode", "disable" | "disabled") => verified = false,
            (
                "sslmode" | "ssl-mode",
                "require" | "required" | "verify-ca" | "verify-full" | "verify-identity",
            ) => verified = true,
            ("sslmode" | "ssl-mode", _) => {
                return Err(StoreError::setup(
                    "sslmode in DATABASE_URL must be disable, require or verify-full; the last two \
                     both check the server's certificate and name",
                ));
            }
            ("sslrootcert" | "ssl-ca", _) => root_certificate = Some(PathBuf::from(&*value)),
            _ => {
                return Err(StoreError::setup(format!(
                    "DATABASE_URL has the parameter {name:?}, which is not known; sslmode and \
                     sslrootcert are"
                )));
            }
        }
    }
    Ok(if verified { Tls::Verified { root_certificate } } else { Tls::Off })
}

/// Undoes `%40` and the like; `Url` keeps them.
fn decoded(text: &str) -> Result<String, StoreError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let code = [rest.next().unwrap_or_default(), rest.next().unwrap_or_default()];
        let code = std::str::from_utf8(&code).ok().and_then(|c| u8::from_str_radix(c, 16).ok());
        bytes.push(code.ok_or_else(broken_code)?);
    }
    String::from_utf8(bytes).map_err(|_| broken_code())
}

fn broken_code() -> StoreError {
    StoreError::setup(
        "DATABASE_URL has a % that is not followed by two hexadecimal digits of a text in UTF-8; a \
         literal % is written %25",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(text: &str) -> String {
        DatabaseUrl::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_forms_of_the_manual_are_understood() {
        for (text, shown) in [
            ("sqlite://till.db", "sqlite://till.db"),
            ("sqlite:///var/lib/till.db", "sqlite:///var/lib/till.db"),
            ("postgres://till@db/shop", "postgres://till@db:5432/shop"),
            ("postgresql://till:s%40crt@db:6432/shop", "postgres://till:***@db:6432/shop"),
            ("mysql://till:x@127.0.0.1/shop", "mysql://till:***@127.0.0.1:3306/shop"),
            (
                "mariadb://till:x@[::1]/shop?ssl-mode=VERIFY_IDENTITY",
                "mysql://till:***@::1:3306/shop",
            ),
        ] {
            assert_eq!(DatabaseUrl::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a_password_is_decoded_and_never_shown() {
        let url = DatabaseUrl::parse("postgres://till:s%40cret%25@db/shop").unwrap();
        let Place::Postgres(server) = &url.0 else { panic!("{url}") };
        assert_eq!(server.password.as_deref(), Some("s@cret%"));
        assert!(!format!("{url:?} {url}").contains("cret"));
        assert!(!sentence("postgres://till:s3cret@db").contains("s3cret"));
    }

    #[test]
    fn what_is_wrong_is_said_in_a_sentence() {
        assert!(sentence("till.db").contains("must begin with sqlite://"));
        assert!(sentence("sqlite://").contains("names a file"));
        assert!(sentence("sqlite://:memory:").contains("names a file"));
        assert!(sentence("postgres://db/shop").contains("must name user, host and database"));
        assert!(sentence("postgres://a@db/shop?sslmode=prefer").contains("sslmode"));
        assert!(sentence("mysql://a@db/shop?pool_max=3").contains("pool_max"));
        assert!(sentence("mysql://a:%zz@db/shop").contains("hexadecimal"));
    }

    #[test]
    fn encryption_always_means_a_checked_certificate() {
        for mode in ["require", "verify-ca", "verify-full"] {
            let text = format!("postgres://a@db/shop?sslmode={mode}&sslrootcert=/etc/ca.pem");
            let url = DatabaseUrl::parse(&text).unwrap();
            let Place::Postgres(server) = &url.0 else { panic!("{url}") };
            let root_certificate = Some(PathBuf::from("/etc/ca.pem"));
            assert_eq!(server.tls, Tls::Verified { root_certificate });
        }
    }
}
