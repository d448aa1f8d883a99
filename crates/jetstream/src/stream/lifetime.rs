//! How long a message stays, by what it says itself: `Nats-TTL`.

use crate::error::ApiError;
use crate::header;
use crate::time::{SECOND, Time};
use vagus_protocol::duration;

/// How long a message stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Lifetime {
    /// As long as others.
    #[default]
    Unsaid,
    /// So many seconds.
    Seconds(u64),
    /// Whatever its age.
    Never,
}

impl Lifetime {
    /// What headers say.
    pub(super) fn of(headers: &[u8]) -> Result<Self, ApiError> {
        header::said(headers, header::TTL).map_or(Ok(Self::Unsaid), Self::parse)
    }

    /// A duration of a second at least, whole seconds, or `never`.
    pub(super) fn parse(text: &[u8]) -> Result<Self, ApiError> {
        if text.eq_ignore_ascii_case(b"never") {
            return Ok(Self::Never);
        }
        match str::from_utf8(text).ok().and_then(duration::parse) {
            Some(nanoseconds) if nanoseconds >= SECOND => {
                Ok(Self::Seconds((nanoseconds / SECOND).unsigned_abs()))
            }
            Some(_) => Err(ApiError::TTL_INVALID),
            None => match header::number(text) {
                Some(0) => Ok(Self::Unsaid),
                Some(seconds) if i64::try_from(seconds).is_ok() => Ok(Self::Seconds(seconds)),
                _ => Err(ApiError::TTL_INVALID),
            },
        }
    }

    /// When a message expires that came at a time; None if that is not said. What never does, does at the end of time.
    pub(super) fn end(self, from: Time) -> Option<Time> {
        match self {
            Self::Unsaid => None,
            Self::Seconds(seconds) => {
                let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
                Some(from.after(seconds.saturating_mul(SECOND)))
            }
            Self::Never => Some(Time(i64::MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lifetime;

    #[test]
    fn is_said_in_several_ways() {
        for (text, expect) in [
            ("1s", Some(Lifetime::Seconds(1))),
            ("1m", Some(Lifetime::Seconds(60))),
            ("1.9s", Some(Lifetime::Seconds(1))),
            ("7", Some(Lifetime::Seconds(7))),
            ("never", Some(Lifetime::Never)),
            ("Never", Some(Lifetime::Never)),
            ("0", None),
            ("-1s", None),
            ("-1", None),
            ("100ms", None),
            ("soon", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(Lifetime::parse(text.as_bytes()).ok(), expect, "{text}");
        }
    }
}
