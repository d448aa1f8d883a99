//! Which configurations may be, and what becomes of what they leave open.

use super::{Discard, PersistMode, Retention, Storage, StreamConfig, sourcing, subjects};
use crate::account::limits::StreamBytes;
use crate::error::ApiError;
use crate::time::SECOND;
use std::collections::BTreeMap;
use std::time::Duration;
use vagus_protocol::duration;

/// How long a name may be: that of a file may be as long.
const MAX_NAME: usize = 255;
const MAX_DESCRIPTION: usize = 4 * 1024;
/// All keys and values.
const MAX_METADATA: usize = 128 * 1024;
const MAX_REPLICAS: isize = 5;
const MIN_WINDOW: i64 = SECOND / 10;
const DEFAULT_WINDOW: i64 = 120 * SECOND;

/// What a server allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerLimits {
    /// How long windows for duplicates may be, in nanoseconds; 0: as long as one likes.
    pub max_duplicate_window: i64,
    /// How large messages may be.
    pub max_payload: usize,
    /// How many messages an atomic batch may have.
    pub max_batch_size: u64,
    /// How many atomic batches a stream may have under way.
    pub max_atomic_batches: usize,
    /// How many fast batches.
    pub max_fast_batches: usize,
    /// After how long a batch is given up of which nothing more comes, in nanoseconds.
    pub batch_timeout: i64,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            max_duplicate_window: 0,
            max_payload: 1024 * 1024,
            max_batch_size: 1000,
            max_atomic_batches: 50,
            max_fast_batches: 1000,
            batch_timeout: 10 * SECOND,
        }
    }
}

/// The streams that there are in an account.
pub trait Existing {
    /// The configuration of one.
    fn config(&self, name: &str) -> Option<&StreamConfig>;
}

impl Existing for BTreeMap<String, StreamConfig> {
    fn config(&self, name: &str) -> Option<&StreamConfig> {
        self.get(name)
    }
}

/// That a configuration cannot be.
pub(super) fn invalid(why: impl std::fmt::Display) -> ApiError {
    ApiError::stream_invalid_config(why)
}

/// What a configuration comes to; with `is_pedantic` it must not become another.
///
/// # Errors
/// If it cannot be.
pub fn check(
    asked: &StreamConfig,
    existing: &dyn Existing,
    limits: &ServerLimits,
    bytes: StreamBytes,
    is_pedantic: bool,
) -> Result<StreamConfig, ApiError> {
    let mut config = asked.clone();
    texts(&config)?;
    numbers(&mut config, is_pedantic)?;
    times(&mut config, limits, is_pedantic)?;
    features(&mut config, is_pedantic)?;
    sourcing::check(&mut config, existing, is_pedantic)?;
    subjects::check(&mut config)?;
    if bytes.is_required && config.max_bytes <= 0 {
        return Err(ApiError::MAX_BYTES_REQUIRED);
    }
    let most = match config.storage {
        Storage::File => bytes.max_in_files,
        Storage::Memory => bytes.max_in_memory,
    };
    if most > 0 && config.max_bytes > most {
        return Err(ApiError::MAX_STREAM_BYTES_EXCEEDED);
    }
    subjects::check_transforms(&mut config, is_pedantic)?;
    if config.placement.as_ref().is_some_and(super::is_default) {
        config.placement = None;
    }
    if config
        .placement
        .as_ref()
        .is_some_and(|placement| !placement.preferred.is_empty())
    {
        return Err(invalid("preferred server not permitted in placement"));
    }
    Ok(config)
}

/// Whether something can have that name.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains([' ', '\t', '\r', '\n', '\x0c', '.', '*', '>', '\\', '/'])
}

fn texts(config: &StreamConfig) -> Result<(), ApiError> {
    if !is_name(&config.name) {
        return Err(invalid(
            r"stream name is required and can not contain '.', '*', '>', '\', '/'",
        ));
    }
    if config.name.len() > MAX_NAME {
        return Err(invalid(format_args!(
            "stream name is too long, maximum allowed is {MAX_NAME}"
        )));
    }
    if config.description.len() > MAX_DESCRIPTION {
        return Err(invalid(format_args!(
            "stream description is too long, maximum allowed is {MAX_DESCRIPTION}"
        )));
    }
    let metadata: usize = config
        .metadata
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if metadata > MAX_METADATA {
        return Err(invalid(format_args!(
            "stream metadata exceeds maximum size of {MAX_METADATA} bytes"
        )));
    }
    Ok(())
}

fn numbers(config: &mut StreamConfig, is_pedantic: bool) -> Result<(), ApiError> {
    match config.replicas {
        0 => config.replicas = 1,
        1..=MAX_REPLICAS => {}
        ..0 => return Err(ApiError::REPLICAS_NEGATIVE),
        _ => return Err(invalid(format_args!("maximum replicas is {MAX_REPLICAS}"))),
    }
    unlimited(&mut config.max_messages, "max_msgs", is_pedantic)?;
    unlimited(&mut config.max_per_subject, "max_msgs_per_subject", is_pedantic)?;
    unlimited(&mut config.max_bytes, "max_bytes", is_pedantic)?;
    unlimited(&mut config.max_message_size, "max_msg_size", is_pedantic)?;
    unlimited(&mut config.max_consumers, "max_consumers", is_pedantic)
}

/// No limit is -1.
fn unlimited<T: PartialOrd + From<i8>>(limit: &mut T, name: &str, is_pedantic: bool) -> Result<(), ApiError> {
    if is_pedantic && *limit < T::from(-1) {
        return Err(ApiError::pedantic(format_args!("{name} must be set to -1")));
    }
    if *limit <= T::from(0) {
        *limit = T::from(-1);
    }
    Ok(())
}

fn times(config: &mut StreamConfig, limits: &ServerLimits, is_pedantic: bool) -> Result<(), ApiError> {
    if config.max_age < 0 {
        return Err(invalid("max age can not be negative"));
    }
    if config.max_age > 0 && config.max_age < MIN_WINDOW {
        return Err(invalid("max age needs to be >= 100ms"));
    }
    let most = limits.max_duplicate_window;
    if config.duplicate_window == 0 && config.mirror.is_none() && config.sources.is_empty() {
        let mut window = DEFAULT_WINDOW;
        if most > 0 && window > most {
            if is_pedantic {
                return Err(ApiError::pedantic(
                    "duplicate window limits are higher than current limits",
                ));
            }
            window = most;
        }
        if config.max_age != 0 && config.max_age < window {
            if is_pedantic {
                return Err(ApiError::pedantic(
                    "duplicate window cannot be bigger than max age",
                ));
            }
            window = config.max_age;
        }
        config.duplicate_window = window;
    }
    let window = config.duplicate_window;
    if window < 0 {
        return Err(invalid("duplicates window can not be negative"));
    }
    if config.max_age != 0 && window > config.max_age {
        return Err(invalid("duplicates window can not be larger then max age"));
    }
    if most > 0 && window > most {
        let most = duration::shown(Duration::from_nanos(most.unsigned_abs()));
        return Err(invalid(format_args!(
            "duplicates window can not be larger then server limit of {most}"
        )));
    }
    if window > 0 && window < MIN_WINDOW {
        return Err(invalid("duplicates window needs to be >= 100ms"));
    }
    Ok(())
}

/// What goes with what.
fn features(config: &mut StreamConfig, is_pedantic: bool) -> Result<(), ApiError> {
    if config.deny_purge && config.allow_rollup {
        return Err(invalid("roll-ups require the purge permission"));
    }
    if config.allow_counter {
        let why = if config.discard == Discard::New {
            "counter stream cannot use discard new"
        } else if config.allow_ttl {
            "counter stream cannot use message TTLs"
        } else if config.allow_schedules {
            "counter stream cannot use message schedules"
        } else if config.retention != Retention::Limits {
            "counter stream can only use limits retention"
        } else {
            ""
        };
        if !why.is_empty() {
            return Err(invalid(why));
        }
    }
    discard_per_subject(config)?;
    match config.subject_delete_marker_ttl {
        0 => {}
        ..0 => return Err(invalid("subject delete marker TTL must not be negative")),
        1..SECOND => return Err(invalid("subject delete marker TTL must be at least 1 second")),
        _ => {
            if !config.allow_ttl && is_pedantic {
                return Err(invalid(
                    "subject delete marker cannot be set if message TTLs are disabled",
                ));
            }
            config.allow_ttl = true;
            needs_rollup(config, "subject delete marker", is_pedantic)?;
        }
    }
    if config.allow_schedules {
        if config.discard == Discard::New {
            return Err(invalid("message scheduling cannot use discard new"));
        }
        needs_rollup(config, "message scheduling", is_pedantic)?;
    }
    if config.persist_mode == PersistMode::Async {
        if config.storage != Storage::File {
            return Err(invalid("async persist mode is only supported on file storage"));
        }
        if config.replicas > 1 {
            return Err(invalid(
                "async persist mode is not supported on replicated streams",
            ));
        }
        if config.allow_atomic {
            return Err(invalid(
                "async persist mode is not supported with atomic batch publish",
            ));
        }
    }
    Ok(())
}

pub(super) fn discard_per_subject(config: &StreamConfig) -> Result<(), ApiError> {
    if config.discard_new_per_subject && config.discard != Discard::New {
        return Err(invalid(
            "discard new per subject requires discard new policy to be set",
        ));
    }
    if config.discard_new_per_subject && config.max_per_subject <= 0 {
        return Err(invalid(
            "discard new per subject requires max msgs per subject > 0",
        ));
    }
    Ok(())
}

fn needs_rollup(config: &mut StreamConfig, what: &str, is_pedantic: bool) -> Result<(), ApiError> {
    if !config.allow_rollup {
        if is_pedantic {
            return Err(invalid(format_args!(
                "{what} cannot be set if roll-ups are disabled"
            )));
        }
        config.allow_rollup = true;
        config.deny_purge = false;
    }
    Ok(())
}
