//! Where settings are read from. Stronger sources hide weaker ones: the environment, then `.env`,
//! then `till.toml`, then the default. The names are the same in all of them. An empty value counts
//! as absent, because that is what container tools pass for a variable that nobody set.

use std::{collections::BTreeMap, ffi::OsString, fs, io, path::Path};

use super::{
    ConfigError,
    settings::{self, SETTINGS, Scope, Setting},
};

/// The texts that settings are read from, before anything is checked but their own grammar.
#[derive(Default)]
pub struct Sources {
    /// Strongest first.
    layers: Vec<Layer>,
    problems: Vec<String>,
}

struct Layer {
    origin: &'static str,
    values: BTreeMap<String, String>,
    /// Whether other programs keep their settings here too.
    is_shared: bool,
}

const ENVIRONMENT: &str = "the environment";
const DOTENV: &str = ".env";
const TOML: &str = "till.toml";

impl Sources {
    /// The environment of this process, with `.env` and `till.toml` of `folder` where they exist.
    pub fn of_process(folder: &Path) -> Self {
        let mut sources = Self::default();
        sources.add_environment(std::env::vars_os());
        if let Some(text) = sources.file(folder, DOTENV) {
            sources.add_dotenv(&text);
        }
        if let Some(text) = sources.file(folder, TOML) {
            sources.add_toml(&text);
        }
        sources
    }

    /// The same from texts.
    pub fn of_texts<'a>(
        environment: impl IntoIterator<Item = (&'a str, &'a str)>,
        dotenv: &str,
        toml: &str,
    ) -> Self {
        let mut sources = Self::default();
        sources.add_environment(environment.into_iter().map(|(k, v)| (k.into(), v.into())));
        sources.add_dotenv(dotenv);
        sources.add_toml(toml);
        sources
    }

    fn file(&mut self, folder: &Path, name: &str) -> Option<String> {
        match fs::read_to_string(folder.join(name)) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                self.problems.push(format!("{name} cannot be read: {error}"));
                None
            }
        }
    }

    fn add_environment(&mut self, variables: impl Iterator<Item = (OsString, OsString)>) {
        let mut values = BTreeMap::new();
        for (name, value) in variables {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => _ = values.insert(name, value),
                Err(_) if settings::setting(&name).is_some() => {
                    self.problems.push(format!("{name} in the environment is not text in UTF-8"));
                }
                Err(_) => {}
            }
        }
        self.layers.push(Layer { origin: ENVIRONMENT, values, is_shared: true });
    }

    fn add_dotenv(&mut self, text: &str) {
        let mut values = BTreeMap::new();
        for pair in dotenvy::from_read_iter(text.as_bytes()) {
            match pair {
                Ok((name, value)) => _ = values.insert(name, value),
                Err(dotenvy::Error::LineParse(line, _)) => {
                    // The line itself may hold a secret, so it is only numbered.
                    let place = text.lines().position(|whole| whole.trim() == line.trim());
                    let number = place.map_or("a line".to_owned(), |at| format!("line {}", at + 1));
                    self.problems.push(format!(
                        "{number} of .env cannot be read: expected NAME=value, with quotes around \
                         a value that has blanks or a $"
                    ));
                }
                Err(_) => self.problems.push(".env cannot be read".to_owned()),
            }
        }
        self.layers.push(Layer { origin: DOTENV, values, is_shared: true });
    }

    fn add_toml(&mut self, text: &str) {
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => {
                let offset = error.span().map_or(0, |span| span.start);
                let line = text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
                let message = error.message();
                self.problems.push(format!("line {line} of till.toml cannot be read: {message}"));
                return;
            }
        };
        let mut values = BTreeMap::new();
        for (name, value) in table {
            match value {
                toml::Value::String(text) => _ = values.insert(name, text),
                toml::Value::Integer(number) => _ = values.insert(name, number.to_string()),
                toml::Value::Boolean(_)
                | toml::Value::Float(_)
                | toml::Value::Datetime(_)
                | toml::Value::Array(_)
                | toml::Value::Table(_) => self.problems.push(format!(
                    "{name} in till.toml must be text in quotes or a whole number, as in \
                     TILL_LISTEN = \"127.0.0.1:8080\""
                )),
            }
        }
        self.layers.push(Layer { origin: TOML, values, is_shared: false });
    }
}

/// The settings as they were given. What is wrong with them is collected here while they are
/// read, so that an operator hears all of it at once.
pub(super) struct Values {
    sources: Sources,
}

impl Values {
    pub fn new(sources: Sources) -> Self {
        let mut values = Self { sources };
        values.refuse_unknown();
        values.refuse_published_secrets();
        values
    }

    /// The setting's value, trimmed: a key that was copied with a blank or a line end is still the
    /// key. `None` if it is required and absent.
    pub fn text(&self, name: &str) -> Option<String> {
        self.given(name).map(|(value, _)| value.to_owned()).or_else(|| {
            let default = settings::setting(name).and_then(|setting| setting.default);
            default.map(str::to_owned)
        })
    }

    /// Whether somebody has set it.
    pub fn is_given(&self, name: &str) -> bool {
        self.given(name).is_some()
    }

    fn given(&self, name: &str) -> Option<(&str, &'static str)> {
        self.sources.layers.iter().find_map(|layer| {
            let value = layer.values.get(name)?.trim();
            (!value.is_empty()).then_some((value, layer.origin))
        })
    }

    /// Reads a setting; `parse` says after the setting's name what is wrong with it.
    pub fn parse<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let Some(text) = self.text(name) else {
            let help = settings::setting(name).map_or("", |setting| setting.help);
            self.refuse(name, &format!("is missing. {help}"));
            return None;
        };
        match parse(&text) {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.refuse(name, &wrong);
                None
            }
        }
    }

    /// Notes what is wrong with a setting and where it was found.
    pub fn refuse(&mut self, name: &'static str, wrong: &str) {
        let origin = match self.given(name) {
            Some((_, origin)) => format!(" (from {origin})"),
            None => String::new(),
        };
        self.sources.problems.push(format!("{name} {wrong}{origin}"));
    }

    /// The settings that somebody has set and that the backend of this scope does not look at;
    /// where a wrong belief about one costs money, it is refused.
    pub fn unused(&mut self, backend: Scope) -> Vec<&'static str> {
        let mut unused = Vec::new();
        for Setting { name, scope, .. } in SETTINGS {
            match *scope {
                Scope::Both => {}
                scope if scope == backend || !self.is_given(name) => {}
                Scope::NativeOrRefused { .. } if backend == Scope::Native => {}
                Scope::NativeOrRefused { because } => {
                    let wrong =
                        format!("must not be set with TILL_BACKEND=elastic-path: {because}");
                    self.refuse(name, &wrong);
                }
                Scope::Native | Scope::ElasticPath => unused.push(*name),
            }
        }
        unused
    }

    /// Everything that was wrong.
    pub fn into_error(self) -> ConfigError {
        ConfigError { problems: self.sources.problems }
    }

    /// Whether nothing was wrong.
    pub fn are_fine(&self) -> bool {
        self.sources.problems.is_empty()
    }

    /// A misspelt setting would otherwise leave its default in force without a word.
    fn refuse_unknown(&mut self) {
        let mut unknown = Vec::new();
        for layer in &self.sources.layers {
            for name in layer.values.keys() {
                let is_ours = match name.strip_prefix("TILL_") {
                    // The repository's own tests are configured by such variables.
                    Some(rest) => !(layer.is_shared && rest.starts_with("TEST_")),
                    None => !layer.is_shared,
                };
                if is_ours && settings::setting(name).is_none() {
                    let (origin, nearest) = (layer.origin, settings::nearest(name));
                    unknown.push(format!(
                        "{name} (from {origin}) is not a setting; did you mean {nearest}?"
                    ));
                }
            }
        }
        self.sources.problems.append(&mut unknown);
    }

    /// Next.js copies every variable with this prefix into the pages it serves.
    fn refuse_published_secrets(&mut self) {
        let mut published = Vec::new();
        for layer in &self.sources.layers {
            for (name, value) in &layer.values {
                let Some(rest) = name.strip_prefix("NEXT_PUBLIC_") else { continue };
                let is_secret = rest.contains("SECRET")
                    || settings::setting(rest).is_some_and(|setting| setting.secret)
                    || ["sk_", "rk_", "whsec_"].iter().any(|kind| value.trim().starts_with(kind));
                if is_secret && !value.trim().is_empty() {
                    let origin = layer.origin;
                    published.push(format!(
                        "{name} (from {origin}) holds a secret, and Next.js sends every variable \
                         that begins with NEXT_PUBLIC_ to browsers: remove it, replace the \
                         secret, since it may have been seen, and set it without the prefix"
                    ));
                }
            }
        }
        self.sources.problems.append(&mut published);
    }
}

/// The variables of this process that [`Sources::of_process`] would read. A child that is to be
/// configured by its parent alone is started without them.
pub fn variables_of_process() -> Vec<OsString> {
    let is_read = |name: &str| {
        name.starts_with("TILL_")
            || name.starts_with("NEXT_PUBLIC_")
            || SETTINGS.iter().any(|Setting { name: known, .. }| *known == name)
    };
    let names = std::env::vars_os().map(|(name, _)| name);
    names.filter(|name| name.to_str().is_some_and(is_read)).collect()
}
