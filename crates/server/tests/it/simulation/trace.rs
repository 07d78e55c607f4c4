//! Everything that was said, in order.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex},
};

/// Nothing is said where nobody listens: a history that holds is not read.
#[derive(Clone)]
pub struct Trace(Option<Arc<Mutex<Vec<String>>>>);

impl Trace {
    pub fn unheard() -> Self {
        Self(None)
    }

    pub fn heard() -> Self {
        Self(Some(Arc::default()))
    }

    pub fn say(&self, line: impl FnOnce() -> String) {
        if let Some(lines) = &self.0 {
            lines.lock().unwrap().push(line());
        }
    }

    pub fn take(&self) -> Vec<String> {
        self.0.as_ref().map(|lines| std::mem::take(&mut *lines.lock().unwrap())).unwrap_or_default()
    }
}

/// The beginning of a text, and a number that stands for all of it.
pub fn short(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let beginning: Vec<&str> = text.split_whitespace().collect();
    let beginning: String = beginning.join(" ").chars().take(200).collect();
    format!("{beginning} #{:x}", hasher.finish() & 0xffff_ffff)
}
