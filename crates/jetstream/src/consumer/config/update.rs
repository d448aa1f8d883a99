//! What of a consumer may become what.

use super::ConsumerConfig;
use super::check::check_backoff;
use crate::error::ApiError;

/// Whether a consumer can become another. `is_bound`: somebody listens where it delivers.
pub(crate) fn check_update(
    old: &ConsumerConfig,
    new: &ConsumerConfig,
    is_bound: bool,
) -> Result<(), ApiError> {
    let refused = |why: &str| Err(ApiError::consumer_create(why));
    let time_of = |config: &ConsumerConfig| config.opt_start_time.as_ref().map(|time| time.time());
    if old.deliver_policy != new.deliver_policy {
        return refused("deliver policy can not be updated");
    }
    if old.memory_storage != new.memory_storage {
        return refused("storage type can not be updated");
    }
    if old.direct != new.direct {
        return refused("direct can not be updated");
    }
    if old.sourcing != new.sourcing {
        return refused("sourcing can not be updated");
    }
    if old.opt_start_seq != new.opt_start_seq {
        return refused("start sequence can not be updated");
    }
    if time_of(old) != time_of(new) {
        return refused("start time can not be updated");
    }
    if old.ack_policy != new.ack_policy {
        return refused("ack policy can not be updated");
    }
    if old.replay_policy != new.replay_policy {
        return refused("replay policy can not be updated");
    }
    if old.heartbeat != new.heartbeat {
        return refused("heart beats can not be updated");
    }
    if old.flow_control != new.flow_control {
        return refused("flow control can not be updated");
    }
    if old.deliver_subject != new.deliver_subject {
        match (old.is_push(), new.is_push()) {
            (false, _) => return refused("can not update pull consumer to push based"),
            (_, false) => return refused("can not update push consumer to pull based"),
            (true, true) if is_bound => return Err(ApiError::CONSUMER_NAME_EXISTS),
            (true, true) => {}
        }
    }
    if old.max_waiting != new.max_waiting {
        return refused("max waiting can not be updated");
    }
    check_backoff(new)
}
