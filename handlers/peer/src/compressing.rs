//! Two servers agree on whether their connection is compressed, and how much each of them compresses.
//!
//! Each says in its first INFO how it is set. Who has connected hears the other one first, and answers with what that comes
//! to. If it is to be compressed, everything after these two is, and both introduce themselves once more.

use crate::session::RouteSession;
use std::time::{Duration, Instant};
use vagus_actors::cluster::Seat;
use vagus_actors::connection::Turn;
use vagus_auth::nkey::Nonce;
use vagus_compression::mode::{Agreed, Mode, UnsupportedMode};
use vagus_delivery::wire::{CompressionLayer, SharedLevel};
use vagus_protocol::error::CloseReason;
use vagus_protocol::route::{GossipMode, RouteInfo};

/// How far it has come.
#[derive(Debug)]
pub(crate) struct Compressing {
    /// As long as nothing was measured, the time since then counts as a round trip.
    since: Instant,
    agreed: Option<Agreed>,
    /// How much this side compresses, if it does.
    level: Option<SharedLevel>,
    /// What has been read behind the INFO is compressed.
    switches: bool,
}

impl Compressing {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            since: now,
            agreed: None,
            level: None,
            switches: false,
        }
    }

    /// What is agreed on, as servers call it.
    pub(crate) fn text(&self) -> &'static str {
        self.agreed.map_or("", Agreed::text)
    }

    /// Whether the session has to wait for the layer that it has put on the wire.
    pub(crate) fn take_switch(&mut self) -> bool {
        std::mem::take(&mut self.switches)
    }

    /// Nothing else is said before it has been agreed on, not even PING.
    pub(crate) fn is_yet_to_agree(&self, mode: &Mode) -> bool {
        self.agreed.is_none() && mode.negotiates()
    }

    /// What INFO says of it.
    pub(crate) fn said(&self, mode: &Mode) -> &'static str {
        match (mode, self.agreed) {
            (Mode::Auto(_), _) | (_, None) => mode.text(),
            (_, Some(agreed)) => agreed.text(),
        }
    }

    /// Whether the first INFO of the other server is the one to agree by.
    pub(crate) fn is_open(&self) -> bool {
        self.agreed.is_none()
    }

    /// The other server has said this of itself. If everything that follows is to be compressed, gives how much.
    pub(crate) fn agree(
        &mut self,
        mode: &Mode,
        theirs: &str,
        now: Instant,
    ) -> Result<Option<SharedLevel>, UnsupportedMode> {
        let round_trip = now.saturating_duration_since(self.since);
        let agreed = mode.agree(theirs, round_trip)?;
        self.agreed = Some(agreed);
        let Agreed::Level(level) = agreed else {
            return Ok(None);
        };
        let level = SharedLevel::new(level);
        self.level = Some(level.clone());
        self.switches = true;
        Ok(Some(level))
    }

    /// A round trip has been measured, or the server is set otherwise.
    pub(crate) fn adjust(&mut self, mode: &Mode, round_trip: Option<Duration>) {
        let Some(level) = &self.level else {
            return;
        };
        let wanted = match (mode, round_trip) {
            (Mode::Auto(round_trips), Some(round_trip)) => round_trips.level(round_trip),
            (Mode::Always(level), _) => *level,
            _ => return,
        };
        level.set(wanted);
        self.agreed = Some(Agreed::Level(wanted));
    }

    /// The server is set otherwise. Whether it has to be agreed upon anew: then the connection ends, and whoever has connected
    /// does so again.
    pub(crate) fn has_to_begin_anew(&self, mode: &Mode) -> bool {
        match self.agreed {
            None | Some(Agreed::NotSupported) => false,
            Some(agreed) if agreed.text() == mode.text() => false,
            Some(agreed) => agreed == Agreed::Off || !matches!(mode, Mode::Auto(_) | Mode::Always(_)),
        }
    }
}

impl RouteSession {
    /// What it is to be among the routes to the same server, as far as that is known before it is one.
    pub(crate) fn seat_wanted(&self) -> Seat {
        let account = self.errand.as_ref().and_then(|errand| errand.account.as_deref());
        account.map_or(Seat::Only, |account| Seat::Pinned(account.into()))
    }

    /// The first INFO, as a line.
    pub(crate) fn introduction(&self, gossip: GossipMode, seat: &Seat) -> Vec<u8> {
        let mut info = self.settings.info(gossip, seat);
        // As in nats-server; without randomness nobody misses it.
        info.nonce = Nonce::generate().map_or_else(|_| String::new(), |nonce| nonce.as_str().to_owned());
        info.compression = self.compressing.said(&self.settings.compression).to_owned();
        let mut line = Vec::new();
        info.append(&mut line);
        line
    }

    /// The other server has introduced itself. False if that was all for now: it does so again, compressed, or has to go.
    pub(crate) fn agree_on_compression(&mut self, info: &RouteInfo, turn: &mut impl Turn) -> bool {
        let is_itself = info.server_id == self.settings.info.server_id;
        if !self.compressing.is_open() || is_itself {
            return true;
        }
        let (mode, now) = (&self.settings.compression, turn.now());
        let negotiates = mode.negotiates();
        let level = match self.compressing.agree(mode, &info.compression, now) {
            Ok(level) => level,
            Err(error) => {
                self.refuse(&error.to_string(), CloseReason::ProtocolViolation, turn);
                return false;
            }
        };
        if negotiates {
            self.begin_heartbeat(now);
        }
        let Some(level) = level else {
            return true;
        };
        let introduction = self.introduction(GossipMode::Default, &self.seat_wanted());
        if self.party.kind.is_dialled {
            turn.reply(&introduction);
        }
        turn.put_layer(Box::new(|below| Box::new(CompressionLayer::new(below, level))));
        if !self.party.kind.is_dialled {
            turn.reply(&introduction);
        }
        false
    }

    /// A round trip has been measured, or the server is set otherwise.
    pub(crate) fn adjust_compression(&mut self) {
        let round_trip = self.heartbeat.round_trip();
        self.compressing.adjust(&self.settings.compression, round_trip);
    }

    /// The server was set like that `before`.
    pub(crate) fn compression_has_changed(&mut self, before: &Mode, turn: &mut impl Turn) {
        let now = &self.settings.compression;
        if before == now {
            return;
        }
        match self.compressing.has_to_begin_anew(now) {
            true => self.end(CloseReason::ClientClosed, turn),
            false => self.adjust_compression(),
        }
    }
}
