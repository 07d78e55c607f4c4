//! Values that go into a statement and rows that come out of it.

use std::fmt;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{Sql, StoreError};

/// A value of a column. There are five kinds on every database: truth is 0 or 1, a time is
/// milliseconds since 1970 UTC, an amount is minor units beside a currency column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// BIGINT, INTEGER in SQLite.
    Int(i64),
    /// Text, compared byte by byte.
    Text(String),
    /// BLOB, BYTEA, LONGBLOB.
    Bytes(Vec<u8>),
    /// An id: 16 bytes, UUID in PostgreSQL.
    Id(Uuid),
}

macro_rules! from {
    ($($from:ty => |$value:ident| $make:expr;)+) => {$(
        impl From<$from> for Value {
            fn from($value: $from) -> Value {
                $make
            }
        }
    )+};
}

from! {
    i64 => |value| Value::Int(value);
    u32 => |value| Value::Int(i64::from(value));
    bool => |value| Value::Int(i64::from(value));
    String => |value| Value::Text(value);
    &String => |value| Value::Text(value.clone());
    &str => |value| Value::Text(value.to_owned());
    Vec<u8> => |value| Value::Bytes(value);
    &[u8] => |value| Value::Bytes(value.to_vec());
    Uuid => |value| Value::Id(value);
    Timestamp => |value| Value::Int(value.as_millisecond());
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

/// One row of a result.
#[derive(Debug, Clone)]
pub struct Row {
    sql: &'static Sql,
    values: Vec<Value>,
}

impl Row {
    pub(crate) fn new(sql: &'static Sql, values: Vec<Value>) -> Row {
        Row { sql, values }
    }

    /// The values in the order of the select.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// Reads the columns one by one; `table` is named in errors, beside the first column, which
    /// every select makes the key.
    #[must_use]
    pub fn read(self, table: &'static str) -> Columns {
        let id = match self.values.first() {
            Some(Value::Id(id)) => id.to_string(),
            Some(Value::Bytes(bytes)) => match Uuid::from_slice(bytes) {
                Ok(id) => id.to_string(),
                Err(_) => format!("with a key of {} bytes", bytes.len()),
            },
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Int(number)) => number.to_string(),
            Some(Value::Null) | None => "without a key".to_owned(),
        };
        Columns { sql: self.sql, values: self.values, next: 0, table, id }
    }
}

/// The columns of a row, taken by name. Taking them in the order of the select is quickest.
#[derive(Debug)]
pub struct Columns {
    sql: &'static Sql,
    values: Vec<Value>,
    next: usize,
    table: &'static str,
    id: String,
}

impl Columns {
    /// What to say when the value of `column` cannot be what the program wrote.
    pub fn corrupt(
        &self,
        column: &'static str,
        reason: &(impl fmt::Display + ?Sized),
    ) -> StoreError {
        let reason = format!("{reason}");
        StoreError::Corrupt { table: self.table, column, id: self.id.clone(), reason }
    }

    /// The value as the database gave it. It is taken: a second call finds nothing.
    pub fn value(&mut self, column: &'static str) -> Result<Value, StoreError> {
        let names = self.sql.columns();
        let at = if names.get(self.next).is_some_and(|name| name == column) {
            Some(self.next)
        } else {
            names.iter().position(|name| name == column)
        };
        let Some(at) = at else {
            let text = format!("{} does not select {column}", self.sql.name());
            return Err(StoreError::Misuse(text));
        };
        self.next = at + 1;
        Ok(self.values.get_mut(at).map_or(Value::Null, |v| std::mem::replace(v, Value::Null)))
    }

    /// A whole number, or nothing.
    pub fn int_opt(&mut self, column: &'static str) -> Result<Option<i64>, StoreError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Int(number) => Ok(Some(number)),
            Value::Text(_) | Value::Bytes(_) | Value::Id(_) => {
                Err(self.corrupt(column, "not a number"))
            }
        }
    }

    /// A whole number.
    pub fn int(&mut self, column: &'static str) -> Result<i64, StoreError> {
        let number = self.int_opt(column)?;
        number.ok_or_else(|| self.corrupt(column, "missing"))
    }

    /// A count that fits its type.
    pub fn count(&mut self, column: &'static str) -> Result<u32, StoreError> {
        let number = self.int(column)?;
        u32::try_from(number).map_err(|_| self.corrupt(column, "not a count"))
    }

    /// Truth, stored as 0 or 1.
    pub fn truth(&mut self, column: &'static str) -> Result<bool, StoreError> {
        match self.int(column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.corrupt(column, "neither 0 nor 1")),
        }
    }

    /// A time, or nothing.
    pub fn time_opt(&mut self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        let Some(ms) = self.int_opt(column)? else { return Ok(None) };
        let time = Timestamp::from_millisecond(ms);
        time.map(Some).map_err(|_| self.corrupt(column, "not a time"))
    }

    /// A time.
    pub fn time(&mut self, column: &'static str) -> Result<Timestamp, StoreError> {
        let time = self.time_opt(column)?;
        time.ok_or_else(|| self.corrupt(column, "missing"))
    }

    /// Text, or nothing.
    pub fn text_opt(&mut self, column: &'static str) -> Result<Option<String>, StoreError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            Value::Int(_) | Value::Bytes(_) | Value::Id(_) => Err(self.corrupt(column, "not text")),
        }
    }

    /// Text.
    pub fn text(&mut self, column: &'static str) -> Result<String, StoreError> {
        let text = self.text_opt(column)?;
        text.ok_or_else(|| self.corrupt(column, "missing"))
    }

    /// Bytes, or nothing.
    pub fn bytes_opt(&mut self, column: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Bytes(bytes) => Ok(Some(bytes)),
            Value::Int(_) | Value::Text(_) | Value::Id(_) => Err(self.corrupt(column, "not bytes")),
        }
    }

    /// Bytes.
    pub fn bytes(&mut self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        let bytes = self.bytes_opt(column)?;
        bytes.ok_or_else(|| self.corrupt(column, "missing"))
    }

    /// An id, or nothing.
    pub fn id_opt(&mut self, column: &'static str) -> Result<Option<Uuid>, StoreError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Id(id) => Ok(Some(id)),
            Value::Bytes(bytes) => {
                let id = Uuid::from_slice(&bytes);
                id.map(Some).map_err(|_| self.corrupt(column, "not 16 bytes"))
            }
            Value::Int(_) | Value::Text(_) => Err(self.corrupt(column, "not an id")),
        }
    }

    /// An id.
    pub fn id(&mut self, column: &'static str) -> Result<Uuid, StoreError> {
        let id = self.id_opt(column)?;
        id.ok_or_else(|| self.corrupt(column, "missing"))
    }

    /// Text that stands for a value of the domain; `parse` is the domain's own constructor.
    pub fn parsed<T, X: fmt::Display>(
        &mut self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Result<T, X>,
    ) -> Result<T, StoreError> {
        let text = self.text(column)?;
        parse(&text).map_err(|reason| self.corrupt(column, &reason))
    }
}
