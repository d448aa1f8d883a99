//! The wish for a consumer, and the subjects on which it may come.

use crate::consumer::config::{Action, ConsumerConfig};
use crate::error::ApiError;
use crate::json::reading::read_object;

/// The wish for a consumer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CreateConsumerRequest {
    /// The stream that it is to be of.
    pub stream: String,
    /// What it is to be.
    pub config: ConsumerConfig,
    /// Whether it is to be made or changed.
    pub action: Action,
    /// Whether nothing may be changed silently that does not fit.
    pub is_pedantic: bool,
    /// The stream that is meant, by what tells it from others of its name; empty: whichever has it. Headers say so.
    pub identity: String,
}

read_object!(CreateConsumerRequest as "server.CreateConsumerRequest":
    "stream_name" => stream,
    "config" => config,
    "action" => action,
    "pedantic" => is_pedantic,
);

/// What the subject of a request says of the consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumerForm<'a> {
    /// Nothing: `CONSUMER.CREATE.<stream>`.
    Ephemeral,
    /// Its name: `CONSUMER.DURABLE.CREATE.<stream>.<name>`.
    Durable(&'a str),
    /// Its name, and perhaps what it wants: `CONSUMER.CREATE.<stream>.<name>[.<filter>]`.
    Named {
        /// Its name.
        name: &'a str,
        /// What it wants; empty: the request says so.
        filter: &'a str,
    },
}

impl<'a> ConsumerForm<'a> {
    /// The stream and the form of a request, by what follows `CONSUMER.` in its subject; None if it is no wish for a
    /// consumer.
    ///
    /// # Errors
    /// If a name is missing or too many are there.
    pub fn of(subject: &'a str) -> Option<Result<(&'a str, Self), ApiError>> {
        if let Some(rest) = subject.strip_prefix("DURABLE.CREATE.") {
            let found = match rest.split_once('.') {
                Some((stream, name)) if !name.contains('.') => Ok((stream, Self::Durable(name))),
                _ => Err(ApiError::CONSUMER_DURABLE_NOT_IN_SUBJECT),
            };
            return Some(found);
        }
        let rest = subject.strip_prefix("CREATE.")?;
        let Some((stream, rest)) = rest.split_once('.') else {
            return Some(Ok((rest, Self::Ephemeral)));
        };
        let (name, filter) = rest.split_once('.').unwrap_or((rest, ""));
        Some(Ok((stream, Self::Named { name, filter })))
    }
}

impl CreateConsumerRequest {
    /// Whether the request and its subject say the same; the name in the subject is the consumer's.
    ///
    /// # Errors
    /// If they do not.
    pub fn meet(&mut self, stream: &str, form: ConsumerForm<'_>) -> Result<(), ApiError> {
        if self.stream != stream {
            return Err(ApiError::STREAM_MISMATCH);
        }
        let (name, filter) = match form {
            ConsumerForm::Ephemeral => (&*self.config.name, ""),
            ConsumerForm::Durable(name) => (name, ""),
            ConsumerForm::Named { name, filter } => (name, filter),
        };
        if name.contains(['\\', '/']) {
            return Err(ApiError::CONSUMER_NAME_CONTAINS_PATH_SEPARATORS);
        }
        let durable = &*self.config.durable;
        match form {
            ConsumerForm::Ephemeral if !durable.is_empty() => {
                return Err(ApiError::CONSUMER_EPHEMERAL_WITH_DURABLE);
            }
            ConsumerForm::Durable(_) if durable.is_empty() => {
                return Err(ApiError::CONSUMER_DURABLE_NOT_SET);
            }
            ConsumerForm::Durable(_) | ConsumerForm::Named { .. } => {
                if !durable.is_empty() && durable != name {
                    return Err(ApiError::CONSUMER_DURABLE_NOT_MATCHED);
                }
            }
            ConsumerForm::Ephemeral => {}
        }
        if !filter.is_empty() && !self.config.filter_subjects.is_empty() {
            return Err(ApiError::CONSUMER_FILTERS_IN_SUBJECT);
        }
        if !filter.is_empty() && self.config.filter_subject != filter {
            return Err(ApiError::CONSUMER_FILTER_NOT_MATCHED);
        }
        if form != ConsumerForm::Ephemeral {
            self.config.name = name.to_owned();
        }
        // Nothing is replicated yet.
        match self.config.replicas > 1 {
            true => Err(ApiError::REPLICAS_NOT_SUPPORTED),
            false => Ok(()),
        }
    }
}
