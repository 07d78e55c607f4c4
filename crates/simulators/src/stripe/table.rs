//! Rows in the order they were made, found by id.

use std::collections::HashMap;

/// A thing with an id of its own.
pub(crate) trait Row {
    fn id(&self) -> &str;
    /// Seconds since 1970.
    fn created(&self) -> i64;
}

pub(crate) struct Table<T> {
    rows: Vec<T>,
    places: HashMap<String, usize>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), places: HashMap::new() }
    }
}

impl<T: Row> Table<T> {
    pub fn insert(&mut self, row: T) {
        self.places.insert(row.id().to_owned(), self.rows.len());
        self.rows.push(row);
    }

    pub fn get(&self, id: &str) -> Option<&T> {
        self.places.get(id).map(|place| &self.rows[*place])
    }

    pub fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.places.get(id).map(|place| &mut self.rows[*place])
    }

    /// How many rows were made before this one.
    pub fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }

    pub fn remove(&mut self, id: &str) -> Option<T> {
        let place = self.places.remove(id)?;
        let row = self.rows.remove(place);
        for later in self.places.values_mut().filter(|other| **other > place) {
            *later -= 1;
        }
        Some(row)
    }

    /// Oldest first.
    pub fn rows(&self) -> &[T] {
        &self.rows
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }
}
