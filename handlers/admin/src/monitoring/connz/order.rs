//! In which order connections are shown.

use super::super::answer::Refusal;
use std::cmp::Ordering;
use std::time::{Duration, SystemTime};
use vagus_actors::observed::{ClosedConnection, ConnectionState};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Number,
    Subscriptions,
    Pending,
    MessagesOut,
    MessagesIn,
    BytesOut,
    BytesIn,
    Active,
    Idle,
    Uptime,
    Stopped,
    Reason,
    RoundTrip,
}

impl Order {
    /// By its name in a question; `closed` if only connections that ended are asked for.
    pub(super) fn of(name: &str, closed: bool) -> Result<Self, Refusal> {
        Ok(match name {
            "" | "cid" | "start" => Self::Number,
            "subs" => Self::Subscriptions,
            "pending" => Self::Pending,
            "msgs_to" => Self::MessagesOut,
            "msgs_from" => Self::MessagesIn,
            "bytes_to" => Self::BytesOut,
            "bytes_from" => Self::BytesIn,
            "last" => Self::Active,
            "idle" => Self::Idle,
            "uptime" => Self::Uptime,
            "rtt" => Self::RoundTrip,
            "stop" if closed => Self::Stopped,
            "reason" if closed => Self::Reason,
            "stop" | "reason" => {
                return Err(Refusal::bad(format!(
                    "sort by {name} only valid on closed connections"
                )));
            }
            _ => return Err(Refusal::bad(format!("invalid sorting option: {name}"))),
        })
    }

    /// The largest first, but numbers, uptimes and reasons the smallest; equal ones by their numbers.
    pub(super) fn compare(self, one: &Figures<'_>, other: &Figures<'_>) -> Ordering {
        let (a, b) = (one.state, other.state);
        let order = match self {
            Self::Number => Ordering::Equal,
            Self::Subscriptions => b.subscriptions.cmp(&a.subscriptions),
            Self::Pending => b.pending.cmp(&a.pending),
            Self::MessagesOut => b.messages_out.cmp(&a.messages_out),
            Self::MessagesIn => b.messages_in.cmp(&a.messages_in),
            Self::BytesOut => b.payload_out.cmp(&a.payload_out),
            Self::BytesIn => b.payload_in.cmp(&a.payload_in),
            Self::Active => b.active.cmp(&a.active),
            Self::Idle => b.idle.cmp(&a.idle),
            Self::Uptime => a.uptime.cmp(&b.uptime),
            Self::Stopped => other.stopped.cmp(&one.stopped),
            Self::Reason => one.reason.cmp(other.reason),
            Self::RoundTrip => round_trip(b).cmp(&round_trip(a)),
        };
        order.then(a.id.cmp(&b.id))
    }
}

fn round_trip(state: &ConnectionState) -> Duration {
    state.round_trip.unwrap_or_default()
}

/// What is compared of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figures<'a> {
    state: &'a ConnectionState,
    stopped: Option<SystemTime>,
    reason: &'a str,
}

impl<'a> Figures<'a> {
    pub(super) fn open(state: &'a ConnectionState) -> Self {
        Self {
            state,
            stopped: None,
            reason: "",
        }
    }

    pub(super) fn closed(closed: &'a ClosedConnection) -> Self {
        Self {
            state: &closed.state,
            stopped: Some(closed.stopped),
            reason: closed.reason,
        }
    }
}
