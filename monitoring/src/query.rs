//! The options of a question.

mod json;
mod json_error;

use crate::answer::{Document, Refusal, Status};
use crate::page::Page;
use serde::Serialize;
use std::num::{IntErrorKind, ParseIntError};
use vagus_protocol::quote::Quoted;

/// More options than any page has; what is behind them is not looked at.
const OPTIONS_AT_MOST: usize = 64;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people: indented, as a page.
    Page,
    /// As a part of a message: in one line.
    Message,
}

/// What is asked for, whichever way it came: texts by name, as behind the question mark of a page.
#[derive(Debug)]
pub struct Query {
    options: Vec<(String, String)>,
    form: Form,
}

impl Query {
    /// What is behind the question mark, as Go reads it: a pair that it cannot is none.
    pub fn of(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.contains(';'));
        let options = pairs.filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((unescaped(name)?, unescaped(value)?))
        });
        Self {
            options: options.take(OPTIONS_AT_MOST).collect(),
            form: Form::Page,
        }
    }

    /// What a message asks for: an object, with the names that the options of this page have there. Nothing is as good as
    /// an empty one.
    ///
    /// # Errors
    /// What is wrong with it, in the words of Go.
    pub fn of_message(page: Page, text: &[u8]) -> Result<Self, String> {
        Ok(Self {
            options: json::options(page, text)?,
            form: Form::Message,
        })
    }

    /// The same with this option, whatever was said of it.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.options.retain(|(known, _)| known != name);
        self.options.push((name.to_owned(), value.to_owned()));
        self
    }

    /// How the answer is to be written.
    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// The answer, as it is wanted.
    pub(super) fn document(&self, value: &impl Serialize) -> Result<Document, Refusal> {
        match self.form {
            Form::Page => Document::of(value),
            Form::Message => Document::compact(Status::Ok, value),
        }
    }

    /// What all options of this name say.
    pub(super) fn texts<'q>(&'q self, name: &str) -> impl Iterator<Item = &'q str> {
        let named = self.options.iter().filter(move |(known, _)| known == name);
        named
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// What the first option of this name says; nothing is as good as no option.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.options.iter().find(|(known, _)| known == name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// True and false in the spellings that nats-server takes; false if it is not said.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.text(name) {
            None | Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
            Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
            Some(other) => Err(undecodable("boolean", name, "ParseBool", other, INVALID)),
        }
    }

    /// Whether `subs` asks for subscriptions, and whether for all there is to them.
    pub(super) fn subscriptions(&self) -> Result<(bool, bool), Refusal> {
        if self
            .text("subs")
            .is_some_and(|text| text.eq_ignore_ascii_case("detail"))
        {
            return Ok((false, true));
        }
        Ok((self.flag("subs")?, false))
    }

    /// A whole number; 0 if it is not said.
    pub(super) fn integer(&self, name: &str) -> Result<i64, Refusal> {
        self.number(name, "int", "Atoi")
    }

    /// A whole number that is not negative; 0 if it is not said.
    pub(super) fn natural(&self, name: &str) -> Result<u64, Refusal> {
        // A plus is no digit.
        match self.text(name) {
            Some(text) if text.starts_with('+') => {
                Err(undecodable("uint64", name, "ParseUint", text, INVALID))
            }
            _ => self.number(name, "uint64", "ParseUint"),
        }
    }

    fn number<N>(&self, name: &str, kind: &str, function: &str) -> Result<N, Refusal>
    where
        N: std::str::FromStr<Err = ParseIntError> + Default,
    {
        let Some(text) = self.text(name) else {
            return Ok(N::default());
        };
        text.parse().map_err(|error: ParseIntError| {
            let reason = match error.kind() {
                IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "value out of range",
                _ => INVALID,
            };
            undecodable(kind, name, function, text, reason)
        })
    }
}

/// None if an escape is none. What is no text is shown as such.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

const INVALID: &str = "invalid syntax";

/// In the words tools know from nats-server.
fn undecodable(kind: &str, name: &str, function: &str, text: &str, reason: &str) -> Refusal {
    let text = Quoted(text.as_bytes());
    Refusal::bad(format!(
        "Error decoding {kind} for '{name}': strconv.{function}: parsing {text}: {reason}"
    ))
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn flags_are_spelled_in_many_ways() {
        let query = Query::of("a=1&b=True&c=F&d=&e=yes&a=0");
        assert_eq!(
            ["a", "b", "c", "d", "f"].map(|name| query.flag(name).unwrap()),
            [true, true, false, false, false]
        );
        assert_eq!(
            query.flag("e").unwrap_err().text,
            r#"Error decoding boolean for 'e': strconv.ParseBool: parsing "yes": invalid syntax"#
        );
    }

    #[test]
    fn numbers_have_bounds() {
        let query = Query::of("a=-5&b=x&c=99999999999999999999&d=7&e=%2B7");
        assert_eq!(query.integer("a"), Ok(-5));
        assert_eq!(query.natural("d"), Ok(7));
        assert_eq!(query.natural("z"), Ok(0));
        for (name, wrong) in [
            (
                "b",
                r#"Error decoding int for 'b': strconv.Atoi: parsing "x": invalid syntax"#,
            ),
            (
                "c",
                r#"Error decoding int for 'c': strconv.Atoi: parsing "99999999999999999999": value out of range"#,
            ),
        ] {
            assert_eq!(query.integer(name).unwrap_err().text, wrong);
        }
        assert_eq!(query.integer("e"), Ok(7));
        for name in ["a", "e"] {
            let text = query.natural(name).unwrap_err().text;
            assert!(text.contains("strconv.ParseUint: parsing "), "{text}");
        }
    }

    #[test]
    fn text_is_decoded() {
        let query = Query::of("acc=%24G&subject=a.%3E&plus=a+b");
        assert_eq!(
            ["acc", "subject", "plus"].map(|name| query.text(name).unwrap()),
            ["$G", "a.>", "a b"]
        );
        let query = Query::of("a;b=1&limit=%zz&c=%&d=%c3%a9&e=%ff&f&=g&&h=1=2");
        assert_eq!(
            ["a;b", "b", "limit", "c", "f", "h"].map(|name| query.text(name)),
            [None, None, None, None, None, Some("1=2")]
        );
        assert_eq!(
            ["d", "e", ""].map(|name| query.text(name).unwrap()),
            ["é", "\u{fffd}", "g"]
        );
    }
}
