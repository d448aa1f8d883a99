//! Whether another server is still there, and how long it takes to it and back.

use crate::ending::Ending;
use std::fmt::Display;
use std::time::{Duration, Instant};
use vagus_actors::connection::Turn;
use vagus_delivery::heartbeat::{Beat, Heartbeat};
use vagus_routing::ConnectionId;

/// The first PING comes early: it measures the round trip.
const FIRST_PING_AFTER: Duration = Duration::from_secs(1);

/// From now on PINGs may be sent.
pub(crate) fn begin(heartbeat: &mut Heartbeat, connection: ConnectionId, now: Instant) {
    heartbeat.begin(now, FIRST_PING_AFTER, connection);
}

/// Sends a PING if it is time for one and it `may` be sent; ends the connection if too many were not answered.
pub(crate) fn ping(
    heartbeat: &mut Heartbeat,
    may: bool,
    party: &impl Display,
    ending: &mut Ending,
    turn: &mut impl Turn,
) {
    let now = turn.now();
    if heartbeat.due() > now {
        return;
    }
    match heartbeat.beat(now) {
        Beat::Ping if may => turn.reply(b"PING\r\n"),
        Beat::Rest | Beat::Ping => {}
        Beat::Stale => ending.stale(party, turn),
    }
}
