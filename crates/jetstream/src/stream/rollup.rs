//! Messages that have those before them go: `Nats-Rollup`.

use crate::error::ApiError;
use crate::header;
use vagus_protocol::quote::Quoted;

/// Which messages go with one that is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Rollup {
    /// None.
    #[default]
    None,
    /// Those of its subject.
    Subject,
    /// All.
    All,
}

impl Rollup {
    /// What headers say, in any case of letters.
    pub(super) fn of(headers: &[u8]) -> Result<Self, ApiError> {
        let Some(value) = header::said(headers, header::ROLLUP) else {
            return Ok(Self::None);
        };
        match &*value.to_ascii_lowercase() {
            b"sub" => Ok(Self::Subject),
            b"all" => Ok(Self::All),
            other => Err(ApiError::rollup_failed(format_args!(
                "rollup value invalid: {}",
                Quoted(other)
            ))),
        }
    }
}

/// Checks that a message may have others go.
pub(super) fn check(headers: &[u8], is_allowed: bool) -> Result<Rollup, ApiError> {
    if !is_allowed && header::said(headers, header::ROLLUP).is_some() {
        return Err(ApiError::rollup_failed("rollup not permitted"));
    }
    Rollup::of(headers)
}
