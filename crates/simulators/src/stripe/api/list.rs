//! Lists: newest first, 1 to 100 a page, with exclusive cursors.

use serde_json::{Value, json};

use crate::stripe::api::error::ApiError;
use crate::stripe::api::params::Params;
use crate::stripe::table::{Row, Table};

const PAGE_DEFAULT: usize = 10;
const PAGE_MAX: i64 = 100;

/// The parameters that every list takes.
pub(crate) struct Listing {
    limit: usize,
    starting_after: Option<String>,
    ending_before: Option<String>,
    created: Created,
}

#[derive(Default)]
struct Created {
    from: Option<i64>,
    to: Option<i64>,
}

pub(crate) struct Page<'a, T> {
    rows: Vec<&'a T>,
    has_more: bool,
}

impl Listing {
    pub fn read(params: &Params) -> Result<Self, ApiError> {
        let limit = limit(params)?;
        let starting_after = params.text("starting_after")?;
        let ending_before = params.text("ending_before")?;
        if starting_after.is_some() && ending_before.is_some() {
            return Err(ApiError::invalid(
                "You may only specify one of these parameters: starting_after, ending_before.",
            )
            .code("parameters_exclusive")
            .param("starting_after"));
        }
        Ok(Self { limit, starting_after, ending_before, created: Created::read(params)? })
    }

    /// The page of those rows that `wanted` accepts; `noun` names them in an error.
    pub fn page<'a, T: Row>(
        &self,
        table: &'a Table<T>,
        noun: &str,
        wanted: impl Fn(&T) -> bool,
    ) -> Result<Page<'a, T>, ApiError> {
        let place = |cursor: &Option<String>, param: &str| -> Result<Option<usize>, ApiError> {
            let Some(id) = cursor else { return Ok(None) };
            let missing = || ApiError::missing(noun, id, param).status(400);
            table.place(id).map(Some).ok_or_else(missing)
        };
        let older_than = place(&self.starting_after, "starting_after")?;
        let newer_than = place(&self.ending_before, "ending_before")?;
        let from = newer_than.map_or(0, |place| place + 1);
        let to = older_than.unwrap_or(table.len());
        let fits = |row: &&T| self.created.contains(row.created()) && wanted(row);

        let matching = table.rows()[from..to].iter().filter(fits);
        let mut rows: Vec<&T> = if newer_than.is_some() {
            matching.take(self.limit + 1).collect()
        } else {
            matching.rev().take(self.limit + 1).collect()
        };
        let has_more = rows.len() > self.limit;
        rows.truncate(self.limit);
        if newer_than.is_some() {
            rows.reverse();
        }
        Ok(Page { rows, has_more })
    }
}

/// How many rows a page has: 1 to 100.
pub(crate) fn limit(params: &Params) -> Result<usize, ApiError> {
    match params.integer("limit")? {
        None => Ok(PAGE_DEFAULT),
        Some(limit) if (1..=PAGE_MAX).contains(&limit) => {
            Ok(usize::try_from(limit).unwrap_or(PAGE_DEFAULT))
        }
        Some(limit) => {
            let (bound, word) = if limit < 1 { (1, "greater") } else { (PAGE_MAX, "less") };
            Err(ApiError::invalid(format!(
                "This value must be {word} than or equal to {bound} (it currently is '{limit}')."
            ))
            .code("parameter_invalid_integer")
            .param("limit"))
        }
    }
}

impl<T> Page<'_, T> {
    pub fn render(&self, url: &str, row: impl Fn(&T) -> Value) -> Value {
        let data: Vec<Value> = self.rows.iter().map(|found| row(found)).collect();
        json!({ "object": "list", "data": data, "has_more": self.has_more, "url": url })
    }
}

impl Created {
    /// `created=<seconds>` or any of `created[gt|gte|lt|lte]=<seconds>`.
    fn read(params: &Params) -> Result<Self, ApiError> {
        if params.map("created").is_none() {
            let exactly = params.integer("created")?;
            return Ok(Self { from: exactly, to: exactly });
        }
        let above = params.integer("created.gt")?.map(|bound| bound.saturating_add(1));
        let below = params.integer("created.lt")?.map(|bound| bound.saturating_sub(1));
        let tightest = |a: Option<i64>, b: Option<i64>, pick: fn(i64, i64) -> i64| match (a, b) {
            (Some(a), Some(b)) => Some(pick(a, b)),
            (one, other) => one.or(other),
        };
        Ok(Self {
            from: tightest(above, params.integer("created.gte")?, i64::max),
            to: tightest(below, params.integer("created.lte")?, i64::min),
        })
    }

    fn contains(&self, created: i64) -> bool {
        self.from.is_none_or(|from| created >= from) && self.to.is_none_or(|to| created <= to)
    }
}

/// `*`, `payment_intent.*` or a whole name.
pub(crate) fn kind_matches(wanted: &str, kind: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(start) => kind.starts_with(start),
        None => wanted == kind,
    }
}
