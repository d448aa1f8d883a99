//! What other accounts are told of a client that asks or answers.

use crate::authentication;
use crate::session::NatsSession;
use std::sync::atomic::AtomicU64;
use vagus_actors::connection::Turn;
use vagus_delivery::outbox::Party;

impl NatsSession {
    /// Has the client known where other accounts are told of it.
    pub(crate) fn show_party(&self, turn: &mut impl Turn) {
        if !self.account().is_some_and(|account| account.tells_of_clients()) {
            return;
        }
        let options = self.options();
        let round_trip = self.heartbeat.round_trip().unwrap_or_default();
        let held = self.held_token.as_deref();
        let said = |text: Option<&str>| text.unwrap_or_default().into();
        turn.set_party(Party {
            since: jiff::Timestamp::now().to_string().into(),
            host: self.peer.ip().to_string().into(),
            connection: self.id,
            user: authentication::shown_user(options, self.who()).into(),
            name: said(options.map(|options| &*options.name)),
            language: said(options.map(|options| &*options.lang)),
            version: said(options.map(|options| &*options.version)),
            server: self.settings.info.server_name.as_str().into(),
            cluster: self.settings.info.cluster.as_str().into(),
            token: held.and_then(|held| held.token.clone()),
            issuer: held.map_or("", |held| held.issuer()).into(),
            name_tag: held.map_or("", |held| held.user_name()).into(),
            tags: held.map_or_else(Vec::new, |held| held.tags()),
            round_trip: AtomicU64::new(u64::try_from(round_trip.as_nanos()).unwrap_or(u64::MAX)),
        });
    }
}
