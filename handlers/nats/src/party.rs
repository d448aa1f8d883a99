//! What other accounts are told of a client that asks or answers.

use crate::authentication;
use crate::session::NatsSession;
use vagus_actors::connection::Turn;
use vagus_delivery::outbox::Party;

impl NatsSession {
    /// Has the client known where other accounts are told of it.
    pub(crate) fn show_party(&self, turn: &mut impl Turn) {
        if !self.account().is_some_and(|account| account.tells_of_clients()) {
            return;
        }
        let options = self.options();
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
            ..Party::default()
        });
    }
}
