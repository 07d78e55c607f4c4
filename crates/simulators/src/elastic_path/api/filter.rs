//! The filters of lists: `eq(email,a@b.c):eq(payment,paid)|in(id,1,2)`.

use crate::elastic_path::api::error::ApiError;

/// One of several groups must hold, and all of what is in it.
#[derive(Debug, PartialEq)]
pub(crate) struct Filter(Vec<Vec<Condition>>);

#[derive(Debug, PartialEq)]
struct Condition {
    field: String,
    /// The field is one of these.
    values: Vec<String>,
}

impl Filter {
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let groups = text.split('|');
        let parse_all = |group: &str| group.split(':').map(condition).collect();
        groups.map(parse_all).collect::<Result<_, _>>().map(Self)
    }

    /// Whether it holds of something with these fields; asking for one that it has not, is an error.
    pub fn holds(
        &self,
        of: impl Fn(&str) -> Option<String>,
        known: &[&str],
    ) -> Result<bool, ApiError> {
        let conditions = self.0.iter().flatten();
        for condition in conditions {
            if !known.contains(&condition.field.as_str()) {
                return Err(ApiError::not_simulated(&format!("a filter by {}", condition.field)));
            }
        }
        let holds = |condition: &Condition| {
            of(&condition.field).is_some_and(|value| condition.values.contains(&value))
        };
        Ok(self.0.iter().any(|group| group.iter().all(holds)))
    }
}

fn condition(text: &str) -> Result<Condition, ApiError> {
    let unreadable = || ApiError::bad_request(format!("The filter {text} cannot be read."));
    let (operator, rest) = text.split_once('(').ok_or_else(unreadable)?;
    let inside = rest.strip_suffix(')').ok_or_else(unreadable)?;
    let (field, values) = inside.split_once(',').ok_or_else(unreadable)?;
    let values = match operator {
        "eq" => vec![values.to_owned()],
        "in" => values.split(',').map(str::to_owned).collect(),
        other => return Err(ApiError::not_simulated(&format!("the filter operator {other}"))),
    };
    Ok(Condition { field: field.to_owned(), values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_join_with_and_before_or() {
        let filter = Filter::parse("eq(a,1):eq(b,2)|in(a,3,4)").unwrap();
        let holds = |a: &str, b: &str| {
            let of = |name: &str| match name {
                "a" => Some(a.to_owned()),
                _ => Some(b.to_owned()),
            };
            filter.holds(of, &["a", "b"]).unwrap()
        };
        assert!(holds("1", "2"));
        assert!(!holds("1", "3"));
        assert!(holds("4", "0"));
        let refused = filter.holds(|_| None, &["a"]).unwrap_err();
        assert_eq!(refused.status, 400);
        assert!(Filter::parse("eq(a").is_err());
        assert!(Filter::parse("like(a,*b*)").is_err());
    }
}
