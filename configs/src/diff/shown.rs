//! A setting as operators see it.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;
use vagus_protocol::duration;

/// What stands where a secret would.
pub const MASK: &str = "********";

/// The value of a setting, fit to be shown: a secret is there only as [`MASK`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Not set.
    Nothing,
    /// Yes or no.
    Boolean(bool),
    /// A number or a size.
    Number(u64),
    /// Anything else.
    Text(String),
    /// Several.
    List(Vec<String>),
}

impl Shown {
    pub(super) fn number(number: usize) -> Self {
        Self::Number(number as u64)
    }

    pub(super) fn optional(text: Option<impl Display>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Text(text.to_string()))
    }

    pub(super) fn secret(is_set: bool) -> Self {
        if is_set {
            Self::Text(MASK.to_owned())
        } else {
            Self::Nothing
        }
    }

    pub(super) fn duration(duration: Duration) -> Self {
        Self::Text(duration::shown(duration))
    }
}

impl Display for Shown {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Boolean(set) => write!(out, "{set}"),
            Self::Number(number) => write!(out, "{number}"),
            Self::Text(text) => out.write_str(text),
            Self::List(texts) => write!(out, "[{}]", texts.join(", ")),
        }
    }
}
