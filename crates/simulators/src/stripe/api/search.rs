//! `…/search`: a small query language over objects as they are shown
//! (docs.stripe.com/search).
//!
//! Stripe's index lags behind, so what was made a moment ago is not found yet: never ask it
//! whether something exists that may just have been made.

use std::str::Chars;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use crate::stripe::api::call::Call;
use crate::stripe::api::error::ApiError;
use crate::stripe::api::list;
use crate::stripe::table::{Row, Table};

/// Most tests of one query.
const CLAUSES_MAX: usize = 10;
/// A part of a text must be this long to be searched for.
const PART_CHARACTERS_MIN: usize = 3;

/// What can be searched: its name in the path, and the fields a query may test.
pub(crate) struct Searched {
    pub resource: &'static str,
    pub texts: &'static [&'static str],
    pub numbers: &'static [&'static str],
}

#[derive(Debug, PartialEq)]
struct Query {
    clauses: Vec<Clause>,
    /// Whether one clause is enough.
    any: bool,
}

#[derive(Debug, PartialEq)]
struct Clause {
    negated: bool,
    field: Field,
    test: Test,
}

#[derive(Debug, PartialEq)]
enum Field {
    Metadata(String),
    /// Written with dots.
    Named(String),
}

#[derive(Debug, PartialEq)]
enum Test {
    Is(String),
    Contains(String),
    Missing,
    Compares(Comparison, i64),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

/// Answers a search of `table`; rows made after `indexed` are not found yet.
pub(crate) fn run<T: Row>(
    call: &Call,
    searched: &Searched,
    table: &Table<T>,
    indexed: i64,
    render: impl Fn(&T) -> Value,
) -> Result<Value, ApiError> {
    call.params.only(&[&["query", "limit", "page", "expand.*"]], &[])?;
    let text = call.params.required("query")?;
    let query = Query::parse(&text, searched)?;
    let limit = list::limit(&call.params)?;
    let before = match call.params.text("page")? {
        None => table.len(),
        Some(page) => place(table, &page)
            .ok_or_else(|| ApiError::invalid(format!("Invalid page: {page}")).param("page"))?,
    };
    let found = |row: &T| {
        let shown = render(row);
        (row.created() <= indexed && query.matches(&shown)).then_some(shown)
    };
    let rows = table.rows()[..before].iter().rev();
    let mut data: Vec<(&str, Value)> =
        rows.filter_map(|row| Some((row.id(), found(row)?))).take(limit + 1).collect();
    let has_more = data.len() > limit;
    data.truncate(limit);
    let next_page = data.last().filter(|_| has_more).map(|(id, _)| BASE64.encode(id));
    let mut answer = json!({
        "object": "search_result",
        "data": data.into_iter().map(|(_, shown)| shown).collect::<Vec<_>>(),
        "has_more": has_more,
        "next_page": next_page,
        "url": format!("/v1/{}/search", searched.resource),
    });
    if call.params.list("expand").iter().any(|path| path == "total_count") {
        let total = table.rows().iter().filter(|row| found(row).is_some()).count();
        answer["total_count"] = total.into();
    }
    Ok(answer)
}

/// How many rows are older than the one a page ended with.
fn place<T: Row>(table: &Table<T>, page: &str) -> Option<usize> {
    let id = String::from_utf8(BASE64.decode(page).ok()?).ok()?;
    table.place(&id)
}

impl Query {
    fn parse(text: &str, searched: &Searched) -> Result<Self, ApiError> {
        let parser = Parser { text, rest: text.chars(), searched };
        parser.query()
    }

    fn matches(&self, shown: &Value) -> bool {
        let mut clauses = self.clauses.iter();
        match self.any {
            true => clauses.any(|clause| clause.matches(shown)),
            false => clauses.all(|clause| clause.matches(shown)),
        }
    }
}

impl Clause {
    fn matches(&self, shown: &Value) -> bool {
        let found = self.field.of(shown);
        let text = || match found {
            Value::String(text) => text.to_lowercase(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let holds = match &self.test {
            Test::Missing => found.is_null(),
            Test::Is(wanted) => !found.is_null() && text() == wanted.to_lowercase(),
            Test::Contains(part) => text().contains(&part.to_lowercase()),
            Test::Compares(comparison, wanted) => {
                found.as_i64().is_some_and(|number| comparison.holds(number, *wanted))
            }
        };
        holds != self.negated
    }
}

impl Field {
    fn of<'a>(&self, shown: &'a Value) -> &'a Value {
        match self {
            Self::Metadata(key) => &shown["metadata"][key.as_str()],
            Self::Named(path) => path.split('.').fold(shown, |value, name| &value[name]),
        }
    }
}

impl Comparison {
    fn holds(self, found: i64, wanted: i64) -> bool {
        match self {
            Self::Less => found < wanted,
            Self::LessOrEqual => found <= wanted,
            Self::Equal => found == wanted,
            Self::GreaterOrEqual => found >= wanted,
            Self::Greater => found > wanted,
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    rest: Chars<'a>,
    searched: &'a Searched,
}

impl Parser<'_> {
    fn query(mut self) -> Result<Query, ApiError> {
        let mut clauses = vec![self.clause()?];
        let mut any = None;
        loop {
            self.skip_spaces();
            if self.rest.as_str().is_empty() {
                break;
            }
            let joined_by_or = match self.word().to_ascii_uppercase().as_str() {
                "AND" => false,
                "OR" => true,
                _ => return Err(self.unreadable()),
            };
            if *any.get_or_insert(joined_by_or) != joined_by_or {
                return Err(refused("You may not use both AND and OR in the same query."));
            }
            clauses.push(self.clause()?);
        }
        if clauses.len() > CLAUSES_MAX {
            return Err(refused(&format!("A query may have at most {CLAUSES_MAX} clauses.")));
        }
        Ok(Query { clauses, any: any.unwrap_or(false) })
    }

    fn clause(&mut self) -> Result<Clause, ApiError> {
        self.skip_spaces();
        let negated = self.take("-");
        let name = self.word();
        let field = match name.as_str() {
            "metadata" => {
                let key = self.key().ok_or_else(|| self.unreadable())?;
                Field::Metadata(key)
            }
            _ => Field::Named(name),
        };
        let operator = self.operator().ok_or_else(|| self.unreadable())?;
        let (quoted, value) = self.value().ok_or_else(|| self.unreadable())?;
        let test = self.test(&field, operator, quoted, value)?;
        Ok(Clause { negated, field, test })
    }

    fn test(
        &self,
        field: &Field,
        operator: &str,
        quoted: bool,
        value: String,
    ) -> Result<Test, ApiError> {
        let (is_text, is_number) = match field {
            Field::Metadata(_) => (true, false),
            Field::Named(name) => {
                let name = name.as_str();
                (self.searched.texts.contains(&name), self.searched.numbers.contains(&name))
            }
        };
        let comparison = match operator {
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            _ => Comparison::Equal,
        };
        match (is_text, is_number) {
            (true, _) if operator == ":" && !quoted && value == "null" => Ok(Test::Missing),
            (true, _) if operator == ":" => Ok(Test::Is(value)),
            (true, _) if operator == "~" && value.chars().count() >= PART_CHARACTERS_MIN => {
                Ok(Test::Contains(value))
            }
            (true, _) if operator == "~" => Err(refused(&format!(
                "A part of a text must have at least {PART_CHARACTERS_MIN} characters."
            ))),
            (_, true) if operator != "~" => match value.parse() {
                Ok(number) => Ok(Test::Compares(comparison, number)),
                Err(_) => Err(self.unreadable()),
            },
            (false, false) => Err(self.unsupported(field)),
            _ => Err(refused(&format!("The operator `{operator}` does not fit the field."))),
        }
    }

    fn unsupported(&self, field: &Field) -> ApiError {
        let resource = self.searched.resource;
        let name = match field {
            Field::Metadata(key) | Field::Named(key) => key,
        };
        refused(&format!(
            "Field `{name}` is an unsupported search field for resource `{resource}`. See \
             http://stripe.com/docs/search#query-fields-for-{} for a list of supported fields.",
            resource.replace('_', "-")
        ))
    }

    fn unreadable(&self) -> ApiError {
        refused(&format!(
            "We were unable to parse your search query: {}. See \
             http://stripe.com/docs/search#search-query-language for its grammar.",
            self.text
        ))
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.as_str().trim_start().chars();
    }

    fn take(&mut self, start: &str) -> bool {
        let stripped = self.rest.as_str().strip_prefix(start);
        if let Some(rest) = stripped {
            self.rest = rest.chars();
        }
        stripped.is_some()
    }

    fn word(&mut self) -> String {
        let part =
            |character: &char| character.is_ascii_alphanumeric() || "_.".contains(*character);
        let word: String = self.rest.clone().take_while(part).collect();
        self.take(&word);
        word
    }

    /// `['order_id']`.
    fn key(&mut self) -> Option<String> {
        let key = self.take("[").then(|| self.quoted())??;
        self.take("]").then_some(key)
    }

    fn operator(&mut self) -> Option<&'static str> {
        [":", "~", "<=", ">=", "<", ">", "="].into_iter().find(|operator| self.take(operator))
    }

    /// Whether it was quoted, and the text.
    fn value(&mut self) -> Option<(bool, String)> {
        if let Some(text) = self.quoted() {
            return Some((true, text));
        }
        let word = self.word();
        (!word.is_empty()).then_some((false, word))
    }

    /// In single or double quotes, which a backslash escapes.
    fn quoted(&mut self) -> Option<String> {
        let mut rest = self.rest.clone();
        let quote = rest.next().filter(|character| matches!(character, '\'' | '"'))?;
        let mut text = String::new();
        loop {
            match rest.next()? {
                '\\' => text.push(rest.next()?),
                character if character == quote => break,
                character => text.push(character),
            }
        }
        self.rest = rest;
        Some(text)
    }
}

fn refused(message: &str) -> ApiError {
    ApiError::invalid(message).param("query")
}
