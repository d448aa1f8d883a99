//! What is answered where something is not done: nats-server's codes and texts, which clients compare.

use serde::Serialize;
use std::borrow::Cow;
use std::fmt::Display;
use thiserror::Error;

/// An error of the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Error)]
#[error("{description} ({err_code})")]
pub struct ApiError {
    /// The class, one of HTTP's statuses.
    pub code: u16,
    /// What it is, once and for all.
    pub err_code: u16,
    /// What it is, for people.
    pub description: Cow<'static, str>,
}

impl ApiError {
    const fn fixed(code: u16, err_code: u16, description: &'static str) -> Self {
        Self {
            code,
            err_code,
            description: Cow::Borrowed(description),
        }
    }

    /// What another server has answered.
    pub(crate) fn of_another(code: u16, err_code: u16, description: String) -> Self {
        Self {
            code,
            err_code,
            description: Cow::Owned(description),
        }
    }

    fn told(code: u16, err_code: u16, description: impl Display) -> Self {
        Self {
            code,
            err_code,
            description: Cow::Owned(description.to_string()),
        }
    }
}

/// Errors whose text is always the same, and a list of them.
macro_rules! fixed {
    ($list:ident: $($name:ident = $code:literal $err_code:literal $text:literal;)*) => {
        impl ApiError {
            $(
                #[doc = $text]
                pub const $name: Self = Self::fixed($code, $err_code, $text);
            )*

            #[cfg(test)]
            pub(super) const $list: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

/// Errors whose text says more.
macro_rules! told {
    ($($name:ident = $code:literal $err_code:literal $before:literal;)*) => {
        impl ApiError {
            $(
                #[doc = concat!("Error ", stringify!($err_code), ": `", $before, "…`")]
                pub fn $name(told: impl Display) -> Self {
                    Self::told($code, $err_code, format_args!(concat!($before, "{}"), told))
                }
            )*
        }
    };
}

mod consuming;
mod publishing;
mod sourcing;

fixed! {
    OF_REQUESTS:
    ACCOUNT_RESOURCES_EXCEEDED = 400 10002 "resource limits exceeded for account";
    BAD_REQUEST = 400 10003 "bad request";
    NOT_AVAILABLE = 503 10008 "JetStream system temporarily unavailable";
    CLUSTER_REQUIRED = 503 10010 "JetStream clustering support required";
    CONSUMER_NOT_FOUND = 404 10014 "consumer not found";
    SNAPSHOT_DELIVER_SUBJECT_INVALID = 400 10015 "deliver subject not valid";
    INSUFFICIENT_RESOURCES = 503 10023 "insufficient resources";
    MAXIMUM_CONSUMERS = 400 10026 "maximum consumers limit reached";
    MAXIMUM_STREAMS = 400 10027 "maximum number of streams reached";
    MEMORY_RESOURCES_EXCEEDED = 500 10028 "insufficient memory resources available";
    NO_MESSAGE_FOUND = 404 10037 "no message found";
    NOT_EMPTY_REQUEST = 400 10038 "expected an empty request payload";
    NOT_ENABLED_FOR_ACCOUNT = 503 10039 "JetStream not enabled for account";
    STORAGE_RESOURCES_EXCEEDED = 500 10047 "insufficient storage resources available";
    STREAM_MISMATCH = 400 10056 "stream name in subject does not match request";
    STREAM_NAME_EXISTS = 400 10058 "stream name already in use with a different configuration";
    STREAM_NOT_FOUND = 404 10059 "stream not found";
    STREAM_SUBJECT_OVERLAP = 400 10065 "subjects overlap with an existing stream";
    REPLICAS_NOT_SUPPORTED = 500 10074 "replicas > 1 not supported in non-clustered mode";
    NOT_ENABLED = 503 10076 "JetStream not enabled";
    STREAM_SEALED = 400 10109 "invalid operation on sealed stream";
    MAX_BYTES_REQUIRED = 400 10113 "account requires a stream config to have max bytes set";
    STREAM_OFFLINE = 500 10118 "stream is offline";
    NO_LIMITS = 400 10120 "no JetStream default or applicable tiered limit present";
    MAX_STREAM_BYTES_EXCEEDED = 400 10122 "stream max bytes exceeds account limit max stream bytes";
    STREAM_NAME_CONTAINS_PATH_SEPARATORS = 400 10128 "Stream name can not contain path separators";
    STREAM_NAME_EXISTS_RESTORE_FAILED = 400 10130 "stream name already in use, cannot restore";
    REPLICAS_NEGATIVE = 400 10133 "replicas count cannot be negative";
    TOO_MANY_REQUESTS = 429 10167 "too many requests";
    REQUIRED_API_LEVEL = 412 10185 "JetStream minimum api level required";
}

told! {
    invalid_json = 400 10025 "invalid JSON: ";
    sequence_not_found_at = 400 10043 "sequence ";
    stream_assignment = 500 10048 "";
    stream_create = 500 10049 "";
    stream_delete = 500 10050 "";
    stream_general = 500 10051 "";
    stream_invalid_config = 500 10052 "";
    stream_limits = 500 10053 "";
    message_delete_failed = 500 10057 "";
    restore_failed = 500 10062 "restore failed: ";
    snapshot_failed = 500 10064 "snapshot failed: ";
    stream_update = 500 10069 "";
    purge_failed = 500 10110 "";
    pedantic = 400 10157 "pedantic mode: ";
    stream_offline_because = 500 10194 "stream is offline: ";
}

impl ApiError {
    /// No message has that sequence.
    pub fn sequence_not_found(sequence: u64) -> Self {
        Self::sequence_not_found_at(format_args!("{sequence} not found"))
    }
}

#[cfg(test)]
mod tests {
    use super::ApiError;
    use std::collections::HashSet;

    #[test]
    fn read_as_clients_expect_them() {
        let json = |error: &ApiError| serde_json::to_string(error).unwrap();
        assert_eq!(
            json(&ApiError::STREAM_NOT_FOUND),
            r#"{"code":404,"err_code":10059,"description":"stream not found"}"#
        );
        assert_eq!(
            json(&ApiError::sequence_not_found(7)),
            r#"{"code":400,"err_code":10043,"description":"sequence 7 not found"}"#
        );
        assert_eq!(
            ApiError::wrong_last_sequence(3).to_string(),
            "wrong last sequence: 3 (10071)"
        );
    }

    #[test]
    fn no_two_have_one_code() {
        let all = [
            ApiError::OF_CONSUMING,
            ApiError::OF_REQUESTS,
            ApiError::OF_PUBLISHING,
            ApiError::OF_SOURCING,
        ]
        .concat();
        let codes: HashSet<u16> = all.iter().map(|error| error.err_code).collect();
        assert_eq!(codes.len(), all.len());
    }
}
