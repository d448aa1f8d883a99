//! Which consumers a stream may have.

use super::{AckPolicy, ConsumerBounds, ConsumerConfig, DeliverPolicy, PriorityPolicy};
use crate::config::{Retention, StreamConfig, check_work, collide, is_name, is_subject};
use crate::consumer::{dead_letter, per_subject};
use crate::error::ApiError;
use crate::time::SECOND;
use std::collections::HashMap;
use std::fmt::Display;
use std::time::Duration;
use vagus_protocol::duration;
use vagus_protocol::quote::Quoted;
use vagus_routing::subject::{has_wildcards, is_subset};

/// How long a name may be: that of a file may be as long.
pub(crate) const MAX_NAME: usize = 255;
const MAX_DESCRIPTION: usize = 4 * 1024;
/// All keys and values.
const MAX_METADATA: usize = 128 * 1024;
const MIN_HEARTBEAT: i64 = SECOND / 10;
const MIN_EXPIRES: i64 = SECOND / 1000;
/// The only heartbeat that goes with acknowledgements by flow control.
pub(super) const FLOW_HEARTBEAT: i64 = SECOND;
const MAX_GROUP: usize = 16;

/// That a configuration cannot be.
fn invalid(why: impl Display) -> ApiError {
    ApiError::stream_invalid_config(why)
}

/// Whether a configuration that has been [completed](super::complete) can be, whatever other consumers there are.
pub(crate) fn check(
    config: &ConsumerConfig,
    stream: &StreamConfig,
    bounds: &ConsumerBounds,
) -> Result<(), ApiError> {
    names(config)?;
    replicas(config, stream)?;
    acknowledgement(config)?;
    if config.description.len() > MAX_DESCRIPTION {
        return Err(ApiError::consumer_description_too_long(MAX_DESCRIPTION));
    }
    match config.is_push() {
        true => push(config, stream)?,
        false => pull(config, stream, bounds)?,
    }
    limits(config, stream, bounds)?;
    if config.direct && !config.is_push() {
        return Err(ApiError::CONSUMER_DIRECT_REQUIRES_PUSH);
    }
    if config.direct && config.is_durable() {
        return Err(ApiError::CONSUMER_DIRECT_REQUIRES_EPHEMERAL);
    }
    filters(config)?;
    start(config)?;
    sampling(config)?;
    if config.flow_control && config.heartbeat == 0 {
        return Err(ApiError::CONSUMER_FLOW_CONTROL_NEEDS_HEARTBEATS);
    }
    if config.is_durable() && !config.name.is_empty() && config.name != config.durable {
        return Err(ApiError::CONSUMER_NAMES_DIFFER);
    }
    let metadata = config.metadata.iter();
    let metadata: usize = metadata.map(|(key, value)| key.len() + value.len()).sum();
    if metadata > MAX_METADATA {
        return Err(ApiError::consumer_metadata_exceeds("128KB"));
    }
    dead_letter::check(config, stream)?;
    per_subject::check(config)?;
    priorities(config)
}

fn names(config: &ConsumerConfig) -> Result<(), ApiError> {
    if !config.name.is_empty() && !is_name(&config.name) {
        return Err(invalid(r"consumer name can not contain '.', '*', '>', '\', '/'"));
    }
    if config.is_durable() && !is_name(&config.durable) {
        return Err(invalid(
            r"consumer durable name can not contain '.', '*', '>', '\', '/'",
        ));
    }
    Ok(())
}

fn replicas(config: &ConsumerConfig, stream: &StreamConfig) -> Result<(), ApiError> {
    if config.replicas > 0 && config.replicas > stream.replicas {
        return Err(ApiError::CONSUMER_REPLICAS_EXCEED_STREAM);
    }
    if config.replicas < 0 {
        return Err(ApiError::REPLICAS_NEGATIVE);
    }
    let decides = stream.retention != Retention::Limits;
    if decides && config.replicas != 0 && config.replicas != stream.replicas {
        return Err(ApiError::CONSUMER_REPLICAS_NOT_STREAMS);
    }
    Ok(())
}

fn acknowledgement(config: &ConsumerConfig) -> Result<(), ApiError> {
    if config.backoff.iter().any(|wait| *wait < 0) {
        return Err(ApiError::CONSUMER_BACKOFF_NEGATIVE);
    }
    if config.ack_wait < 0 {
        return Err(ApiError::CONSUMER_ACK_WAIT_NEGATIVE);
    }
    if config.ack_policy == AckPolicy::FlowControl {
        if !config.is_push() {
            return Err(ApiError::CONSUMER_FLOW_ACKS_REQUIRE_PUSH);
        }
        if !config.flow_control {
            return Err(ApiError::CONSUMER_FLOW_ACKS_REQUIRE_FLOW_CONTROL);
        }
        if config.heartbeat != FLOW_HEARTBEAT {
            return Err(invalid("flow control ack policy heartbeat needs to be 1s"));
        }
        if config.max_ack_pending <= 0 {
            return Err(ApiError::CONSUMER_FLOW_ACKS_REQUIRE_MAX_ACK_PENDING);
        }
        if config.ack_wait != 0 || !config.backoff.is_empty() {
            return Err(ApiError::CONSUMER_FLOW_ACKS_WITHOUT_ACK_WAIT);
        }
        if config.max_deliver > 0 {
            return Err(ApiError::CONSUMER_FLOW_ACKS_WITHOUT_MAX_DELIVER);
        }
    }
    check_backoff(config)
}

pub(super) fn check_backoff(config: &ConsumerConfig) -> Result<(), ApiError> {
    let most = usize::try_from(config.max_deliver).unwrap_or(usize::MAX);
    match config.backoff.len() > most {
        true => Err(ApiError::CONSUMER_MAX_DELIVER_BACKOFF),
        false => Ok(()),
    }
}

fn push(config: &ConsumerConfig, stream: &StreamConfig) -> Result<(), ApiError> {
    let subject = &config.deliver_subject;
    if has_wildcards(subject.as_bytes()) {
        return Err(ApiError::CONSUMER_DELIVER_WILDCARDS);
    }
    if !is_subject(subject) {
        return Err(ApiError::CONSUMER_DELIVER_INVALID);
    }
    let takes_in = |pattern: &String| is_subset(subject.as_bytes(), pattern.as_bytes());
    if stream.subjects.iter().any(takes_in) {
        return Err(ApiError::CONSUMER_DELIVER_CYCLE);
    }
    if config.max_waiting != 0 {
        return Err(ApiError::CONSUMER_PUSH_MAX_WAITING);
    }
    if config.max_ack_pending > 0 && config.ack_policy == AckPolicy::None {
        return Err(ApiError::CONSUMER_MAX_PENDING_NEEDS_ACKS);
    }
    if config.heartbeat > 0 && config.heartbeat < MIN_HEARTBEAT {
        return Err(ApiError::CONSUMER_SMALL_HEARTBEAT);
    }
    Ok(())
}

fn pull(config: &ConsumerConfig, stream: &StreamConfig, bounds: &ConsumerBounds) -> Result<(), ApiError> {
    if config.ack_policy == AckPolicy::None && stream.retention == Retention::WorkQueue {
        return Err(ApiError::CONSUMER_PULL_REQUIRES_ACKS);
    }
    if config.rate_limit > 0 {
        return Err(ApiError::CONSUMER_PULL_RATE_LIMIT);
    }
    if config.heartbeat > 0 {
        return Err(ApiError::CONSUMER_HEARTBEAT_REQUIRES_PUSH);
    }
    if config.flow_control {
        return Err(ApiError::CONSUMER_FLOW_CONTROL_REQUIRES_PUSH);
    }
    if config.max_expires != 0 && config.max_expires < MIN_EXPIRES {
        return Err(ApiError::CONSUMER_EXPIRES_TOO_SMALL);
    }
    if bounds.max_batch > 0 && config.max_batch > bounds.max_batch {
        return Err(ApiError::consumer_max_batch_exceeds(bounds.max_batch));
    }
    Ok(())
}

fn limits(config: &ConsumerConfig, stream: &StreamConfig, bounds: &ConsumerBounds) -> Result<(), ApiError> {
    let of_stream = &stream.consumer_limits;
    let most_pending = [
        bounds.max_ack_pending,
        bounds.account_max_ack_pending,
        of_stream.max_ack_pending,
    ];
    for most in most_pending {
        if most > 0 && config.max_ack_pending > most {
            return Err(ApiError::consumer_max_ack_pending_exceeds(most));
        }
    }
    let most = of_stream.inactive_threshold;
    if most > 0 && config.inactive_threshold > most {
        let most = duration::shown(Duration::from_nanos(most.unsigned_abs()));
        return Err(ApiError::consumer_inactive_threshold_exceeds(most));
    }
    Ok(())
}

fn filters(config: &ConsumerConfig) -> Result<(), ApiError> {
    let bad = || invalid("invalid subject");
    if !config.filter_subject.is_empty() && !config.filter_subjects.is_empty() {
        return Err(ApiError::CONSUMER_FILTER_AND_FILTERS);
    }
    if !config.filter_subject.is_empty() && !is_subject(&config.filter_subject) {
        return Err(bad());
    }
    if config.filter_subjects.iter().any(String::is_empty) {
        return Err(ApiError::CONSUMER_FILTER_EMPTY);
    }
    // Only patterns have others within them; what is there twice is found by counting.
    let mut often: HashMap<&str, usize> = HashMap::new();
    for filter in config.filters() {
        *often.entry(filter).or_default() += 1;
    }
    let patterns = often.keys().filter(|filter| has_wildcards(filter.as_bytes()));
    let patterns: Vec<&str> = patterns.copied().collect();
    check_work(patterns.len(), often.len())?;
    for filter in config.filters() {
        if !is_subject(filter) {
            return Err(bad());
        }
        let has_it_within =
            |pattern: &&str| *pattern != filter && is_subset(filter.as_bytes(), pattern.as_bytes());
        if often.get(filter).is_some_and(|times| *times > 1) || patterns.iter().any(has_it_within) {
            return Err(ApiError::CONSUMER_FILTERS_OVERLAP);
        }
    }
    Ok(())
}

fn start(config: &ConsumerConfig) -> Result<(), ApiError> {
    let refused = |policy: &str, what: &str, how: &str| {
        Err(ApiError::consumer_invalid_policy(format_args!(
            "consumer delivery policy is deliver {policy}, but optional {what} is {how}"
        )))
    };
    let also = |policy: &str, what: &str| refused(policy, what, "also set");
    let missing = |policy: &str, what: &str| refused(policy, what, "not set");
    let (by_sequence, by_time) = (config.opt_start_seq > 0, config.opt_start_time.is_some());
    let without = |policy: &str| match (by_sequence, by_time) {
        (true, _) => also(policy, "start sequence"),
        (false, true) => also(policy, "start time"),
        (false, false) => Ok(()),
    };
    match config.deliver_policy {
        DeliverPolicy::All => without("all"),
        DeliverPolicy::Last => without("last"),
        DeliverPolicy::New => without("new"),
        DeliverPolicy::LastPerSubject => {
            without("last per subject")?;
            match config.filters().next() {
                None => missing("last per subject", "filter subject"),
                Some(_) => Ok(()),
            }
        }
        DeliverPolicy::ByStartSequence => match (by_sequence, by_time) {
            (false, _) => missing("by start sequence", "start sequence"),
            (true, true) => also("by start sequence", "start time"),
            (true, false) => Ok(()),
        },
        DeliverPolicy::ByStartTime => match (by_time, by_sequence) {
            (false, _) => missing("by start time", "start time"),
            (true, true) => also("by start time", "start start sequence"),
            (true, false) => Ok(()),
        },
    }
}

fn sampling(config: &ConsumerConfig) -> Result<(), ApiError> {
    if config.sample_frequency.is_empty() {
        return Ok(());
    }
    let frequency = &config.sample_frequency;
    let frequency = frequency.strip_suffix('%').unwrap_or(frequency);
    match frequency.parse::<i64>() {
        Ok(0..) => Ok(()),
        Ok(_) => Err(ApiError::consumer_invalid_sampling("%!s(<nil>)")),
        Err(_) => {
            let text = Quoted(frequency.as_bytes());
            Err(ApiError::consumer_invalid_sampling(format_args!(
                "strconv.Atoi: parsing {text}: invalid syntax"
            )))
        }
    }
}

/// Whether a priority group can have that name.
pub(crate) fn is_group(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'=' | b'-');
    (1..=MAX_GROUP).contains(&name.len()) && name.bytes().all(is_allowed)
}

fn priorities(config: &ConsumerConfig) -> Result<(), ApiError> {
    if config.priority_policy == PriorityPolicy::None {
        if !config.priority_groups.is_empty() {
            return Err(ApiError::CONSUMER_GROUP_WITHOUT_POLICY);
        }
        if config.priority_timeout > 0 {
            return Err(ApiError::CONSUMER_PIN_WITHOUT_POLICY);
        }
        return Ok(());
    }
    if config.is_push() {
        return Err(ApiError::CONSUMER_PUSH_WITH_GROUP);
    }
    if config.priority_groups.is_empty() {
        return Err(ApiError::CONSUMER_POLICY_WITHOUT_GROUP);
    }
    for group in &config.priority_groups {
        if group.is_empty() {
            return Err(ApiError::CONSUMER_GROUP_EMPTY);
        }
        if !is_group(group) {
            return Err(ApiError::CONSUMER_GROUP_INVALID);
        }
    }
    Ok(())
}

/// Whether two consumers of a work queue would want the same message.
pub(crate) fn want_the_same(one: &ConsumerConfig, other: &ConsumerConfig) -> bool {
    if one.filters().next().is_none() || other.filters().next().is_none() {
        return true;
    }
    one.filters()
        .any(|filter| other.filters().any(|another| collide(filter, another)))
}
