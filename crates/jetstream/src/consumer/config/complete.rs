//! What becomes of what a configuration leaves open.

use super::check::FLOW_HEARTBEAT;
use super::{AckPolicy, ConsumerConfig, PriorityPolicy};
use crate::config::StreamConfig;
use crate::error::ApiError;
use crate::time::SECOND;

const DEFAULT_MAX_WAITING: isize = 512;
const DEFAULT_MAX_ACK_PENDING: isize = 1000;
const DEFAULT_ACK_WAIT: i64 = 30 * SECOND;
const DEFAULT_PIN: i64 = 120 * SECOND;

/// What a server and an account allow consumers. What is not more than 0 is without limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConsumerBounds {
    /// How many messages the server lets be unacknowledged.
    pub max_ack_pending: isize,
    /// How many messages it lets one request ask for.
    pub max_batch: isize,
    /// How many messages the account lets be unacknowledged.
    pub account_max_ack_pending: isize,
    /// How many consumers it lets a stream have.
    pub account_max_consumers: isize,
    /// How many the server lets it have where neither the stream nor the account says how many.
    pub default_max_consumers: isize,
}

impl ConsumerBounds {
    /// How many messages may be unacknowledged where nothing is said.
    fn default_ack_pending(&self) -> isize {
        let limits = [self.max_ack_pending, self.account_max_ack_pending];
        let limits = limits.into_iter().filter(|limit| *limit > 0);
        limits.fold(DEFAULT_MAX_ACK_PENDING, isize::min)
    }
}

/// Completes a configuration; with `is_pedantic` nothing may become another than it was said to be.
///
/// # Errors
/// If something would.
pub(crate) fn complete(
    config: &mut ConsumerConfig,
    stream: &StreamConfig,
    bounds: &ConsumerBounds,
    is_pedantic: bool,
) -> Result<(), ApiError> {
    let pedantic = |is_wrong: bool, why: &str| match is_pedantic && is_wrong {
        true => Err(ApiError::pedantic(why)),
        false => Ok(()),
    };
    pedantic(config.max_deliver < -1, "max_deliver must be set to -1")?;
    if config.max_deliver < 1 {
        config.max_deliver = -1;
    }
    pedantic(config.max_waiting < 0, "max_waiting must not be negative")?;
    config.max_waiting = config.max_waiting.max(0);
    let most = config.max_ack_pending;
    pedantic(most < -1, "max_ack_pending must be set to -1")?;
    config.max_ack_pending = most.max(-1);
    pedantic(config.max_batch < 0, "max_batch must not be negative")?;
    config.max_batch = config.max_batch.max(0);
    pedantic(config.max_expires < 0, "max_expires must not be negative")?;
    config.max_expires = config.max_expires.max(0);
    pedantic(config.max_bytes < 0, "max_bytes must not be negative")?;
    config.max_bytes = config.max_bytes.max(0);
    pedantic(config.heartbeat < 0, "idle_heartbeat must not be negative")?;
    config.heartbeat = config.heartbeat.max(0);
    let threshold = config.inactive_threshold;
    pedantic(threshold < 0, "inactive_threshold must not be negative")?;
    config.inactive_threshold = threshold.max(0);
    let timeout = config.priority_timeout;
    pedantic(timeout < 0, "priority_timeout must not be negative")?;
    config.priority_timeout = timeout.max(0);

    if !config.is_push() && config.max_waiting == 0 {
        config.max_waiting = DEFAULT_MAX_WAITING;
    }
    let waits = matches!(config.ack_policy, AckPolicy::Explicit | AckPolicy::All);
    if config.ack_wait == 0 && waits {
        config.ack_wait = DEFAULT_ACK_WAIT;
    }
    if let Some(first) = config.backoff.first().copied() {
        let differs = config.ack_wait != first;
        pedantic(differs, "first backoff value has to equal batch AckWait")?;
        config.ack_wait = first;
    }
    let limits = &stream.consumer_limits;
    if config.max_ack_pending == 0 {
        pedantic(
            limits.max_ack_pending > 0,
            "max_ack_pending must be set if it's configured in stream limits",
        )?;
        config.max_ack_pending = limits.max_ack_pending;
    }
    if config.inactive_threshold == 0 {
        pedantic(
            limits.inactive_threshold > 0,
            "inactive_threshold must be set if it's configured in stream limits",
        )?;
        config.inactive_threshold = limits.inactive_threshold;
    }
    if config.max_ack_pending == 0 && config.ack_policy != AckPolicy::None {
        config.max_ack_pending = bounds.default_ack_pending();
    }
    if !config.is_push() && config.max_batch == 0 && bounds.max_batch > 0 {
        let why = "max_request_batch must be set if it's JetStream limits are set";
        pedantic(true, why)?;
        config.max_batch = bounds.max_batch;
    }
    if config.priority_policy == PriorityPolicy::PinnedClient && config.priority_timeout == 0 {
        config.priority_timeout = DEFAULT_PIN;
    }
    if config.ack_policy == AckPolicy::FlowControl && !is_pedantic {
        config.flow_control = true;
        config.heartbeat = FLOW_HEARTBEAT;
    }
    Ok(())
}
