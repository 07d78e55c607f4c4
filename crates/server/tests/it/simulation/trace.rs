//! Everything that was said, in order.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex},
};

#[derive(Clone, Default)]
pub struct Trace(Arc<Mutex<Vec<String>>>);

impl Trace {
    pub fn say(&self, line: impl FnOnce() -> String) {
        self.0.lock().unwrap().push(line());
    }

    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
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
