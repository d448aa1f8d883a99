//! What a message passes on its way from one connection to others, without a mailbox on it.
//!
//! A [`wire`] brings bytes, [`input`] cuts them into reads, an [`arbiter`] has what the connections of one thread
//! need to deliver: the fan-outs they hold, and what they have staged. Fan-outs come from the [`Interest`] of an account,
//! and end at an [`outbox`]. Actors decide who is connected and which interest there is; none of them is known here.

mod account;
pub mod arbiter;
pub mod bounds;
pub mod dialer;
pub mod heartbeat;
pub mod input;
mod interest;
mod lines;
mod live;
pub mod mailbox;
mod moment;
pub mod outbox;
pub mod subscriptions;
#[cfg(test)]
mod testing;
pub mod wire;

pub use account::{
    Account, AccountDirectory, AccountTraffic, AnswerWay, AwaitedAnswers, Crossing, Ended, Exchanged,
    LatencyEvent, Membership, Passed, Publishing, RequestWay,
};
pub use interest::{FreshReplies, Interest, LOOKED_AT_ONCE};
pub use live::Live;
pub use moment::{Moment, TimeOfDay};
