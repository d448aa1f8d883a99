//! What a user may publish and subscribe to.

mod matcher;
mod rights;
mod rule_set;

use std::fmt;
use std::time::Duration;

use thiserror::Error;
use vagus_routing::subject;

pub use self::matcher::{Filter, Matcher, Subscribe};
pub use self::rights::Rights;
use self::rule_set::Rule;

/// The permissions of a user, as they are configured. [`Default`] permits everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Subjects to publish on. No entry may name a queue.
    pub publish: Rules,
    /// Subjects to subscribe to; an entry "subject queue" is about members of that queue group, whose name may have
    /// wildcards.
    pub subscribe: Rules,
    /// Whether the user may answer requests on subjects that it may not publish on otherwise. Then, without a list of
    /// what it may publish, it may publish nothing but answers.
    pub allow_responses: Option<ResponsePermission>,
}

/// What is allowed, and what is denied of that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Empty: everything.
    pub allow: Vec<String>,
    /// Wins over `allow`.
    pub deny: Vec<String>,
}

/// How many answers a request entitles to, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponsePermission {
    /// Messages for each request; none: any number.
    pub max: Option<u64>,
    /// Since the request was delivered; none: for ever.
    pub expires: Option<Duration>,
}

impl ResponsePermission {
    /// As a configuration says it: 0 stands for the default, less for no bound.
    #[must_use]
    pub fn from_config(max: i64, expires_nanoseconds: i64) -> Self {
        let default = Self::default();
        Self {
            max: match max {
                0 => default.max,
                max => u64::try_from(max).ok(),
            },
            expires: match expires_nanoseconds {
                0 => default.expires,
                nanoseconds => u64::try_from(nanoseconds).ok().map(Duration::from_nanos),
            },
        }
    }
}

impl Default for ResponsePermission {
    /// One message within two minutes.
    fn default() -> Self {
        Self {
            max: Some(1),
            expires: Some(Duration::from_secs(120)),
        }
    }
}

/// One of the lists of [`Permissions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// `publish.allow`
    PublishAllow,
    /// `publish.deny`
    PublishDeny,
    /// `subscribe.allow`
    SubscribeAllow,
    /// `subscribe.deny`
    SubscribeDeny,
}

impl fmt::Display for List {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::PublishAllow => "publish allow",
            Self::PublishDeny => "publish deny",
            Self::SubscribeAllow => "subscribe allow",
            Self::SubscribeDeny => "subscribe deny",
        })
    }
}

/// Why permissions cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PermissionError {
    /// An entry is no subject that could be subscribed to.
    #[error("{list}: {text:?} is not a valid subject")]
    Subject {
        /// Where it is.
        list: List,
        /// The subject.
        text: String,
    },
    /// An entry's queue is none.
    #[error("{list}: {text:?} is not a valid queue")]
    Queue {
        /// Where it is.
        list: List,
        /// The queue.
        text: String,
    },
}

impl List {
    /// The rule that `entry` of this list is.
    fn rule(self, entry: &str) -> Result<Rule, PermissionError> {
        let is_valid = |text: &str| subject::is_valid_subscription(text.as_bytes());
        let not_a_subject = |text: &str| PermissionError::Subject {
            list: self,
            text: text.to_owned(),
        };
        if is_valid(entry) {
            return Ok(Rule::new(entry, None));
        }
        if matches!(self, Self::PublishAllow | Self::PublishDeny) {
            return Err(not_a_subject(entry));
        }
        let mut words = entry.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(subject), None, None) if is_valid(subject) => Ok(Rule::new(subject, None)),
            (Some(subject), Some(queue), None) if is_valid(subject) && is_valid(queue) => {
                Ok(Rule::new(subject, Some(queue)))
            }
            (Some(subject), Some(queue), None) if is_valid(subject) => Err(PermissionError::Queue {
                list: self,
                text: queue.to_owned(),
            }),
            _ => Err(not_a_subject(entry)),
        }
    }
}

#[cfg(test)]
mod tests;
