//! What of a stream may become what.

use super::check::{discard_per_subject, invalid};
use super::{Discard, Retention, StreamConfig};
use crate::error::ApiError;

/// What a stream becomes that is to be as `wanted`, which was [checked](super::check).
///
/// # Errors
/// If it cannot become that.
pub fn update(old: &StreamConfig, mut wanted: StreamConfig) -> Result<StreamConfig, ApiError> {
    let refused = |why: &str| Err(invalid(why));
    let involves = |retention| old.retention == retention || wanted.retention == retention;
    if wanted.name != old.name {
        return refused("stream configuration name must match original");
    }
    if wanted.storage != old.storage {
        return refused("stream configuration update can not change storage type");
    }
    if wanted.retention != old.retention && involves(Retention::WorkQueue) {
        return refused("stream configuration update can not change retention policy to/from workqueue");
    }
    if old.sealed && !wanted.sealed {
        return refused("stream configuration update can not unseal a sealed stream");
    }
    if old.deny_delete && !wanted.deny_delete {
        return refused("stream configuration update can not cancel deny message deletes");
    }
    if old.deny_purge && !wanted.deny_purge {
        return refused("stream configuration update can not cancel deny purge");
    }
    // Without a mirror it becomes a stream of its own.
    if wanted.mirror.is_some() && wanted.mirror != old.mirror {
        return Err(ApiError::MIRROR_NOT_UPDATABLE);
    }
    discard_per_subject(&wanted)?;
    if old.allow_ttl && !wanted.allow_ttl {
        return refused("message TTL status can not be disabled");
    }
    if old.allow_counter != wanted.allow_counter {
        return refused("stream configuration update can not change message counter setting");
    }
    if old.allow_schedules && !wanted.allow_schedules {
        return refused("message schedules can not be disabled");
    }
    if old.persist_mode != wanted.persist_mode {
        return refused("stream configuration update can not change persist mode");
    }
    if wanted.sealed {
        wanted.max_age = 0;
        wanted.discard = Discard::New;
        wanted.deny_delete = true;
        wanted.deny_purge = true;
        wanted.allow_rollup = false;
    }
    Ok(wanted)
}
