//! In which order connections are shown.

use crate::answer::Refusal;
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
            Self::Idle => other.since(b.active).cmp(&one.since(a.active)),
            Self::Uptime => one.since(a.opened).cmp(&other.since(b.opened)),
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
    /// Up to when its times are counted. For those that are open it is the same, though they were asked one by one.
    until: SystemTime,
    reason: &'a str,
}

impl<'a> Figures<'a> {
    /// Of one that is open `now`.
    pub(super) fn open(state: &'a ConnectionState, now: SystemTime) -> Self {
        Self {
            state,
            stopped: None,
            until: now,
            reason: "",
        }
    }

    pub(super) fn closed(closed: &'a ClosedConnection) -> Self {
        Self {
            state: &closed.state,
            stopped: Some(closed.stopped),
            until: closed.stopped,
            reason: closed.reason,
        }
    }

    fn since(&self, time: SystemTime) -> Duration {
        self.until.duration_since(time).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, SocketAddr};
    use vagus_actors::observed::ClientInfo;

    /// One that was asked so many milliseconds after all others were opened, and was active before.
    fn state(id: u64, active: u64, asked: u64) -> ConnectionState {
        let opened = SystemTime::UNIX_EPOCH;
        let after = Duration::from_millis;
        ConnectionState {
            id,
            peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
            client: ClientInfo::default(),
            opened,
            active: opened + after(active),
            uptime: after(asked),
            idle: after(asked - active),
            subscriptions: 0,
            pending: 0,
            messages_in: 0,
            payload_in: 0,
            messages_out: 0,
            payload_out: 0,
            stalls: 0,
            waits_for_interest: false,
            round_trip: None,
            tls: None,
            account: None,
            account_tag: None,
        }
    }

    /// They are asked one by one: the last to be asked has not been idle for longest.
    #[test]
    fn times_are_compared_as_of_one_moment() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(100);
        let (first, last) = (state(1, 10, 20), state(2, 15, 90));
        let (first, last) = (Figures::open(&first, now), Figures::open(&last, now));
        assert_eq!(Order::Idle.compare(&first, &last), Ordering::Less);
        assert_eq!(Order::Idle.compare(&last, &first), Ordering::Greater);
        assert_eq!(Order::Uptime.compare(&first, &last), Ordering::Less, "by number");
    }
}
