//! What each operation of the other end of a link comes to.

use super::interest::Noted;
use super::session::{HOLD_OFF, LeafSession, Stage};
use crate::ending::SHOWN_AT_MOST;
use crate::message_tracing::{TracedPeer, may_be_traced};
use crate::receiving::{Passed, Peer, publish_shown};
use std::time::Duration;
use vagus_actors::connection::Turn;
use vagus_protocol::error::{CloseReason, Complaint, Violation};
use vagus_protocol::message_trace::ShownKind;
use vagus_protocol::operation::Publish;
use vagus_protocol::quote::{Quoted, shortened};
use vagus_protocol::route::parser::{RouteParsed, parse_leaf};
use vagus_protocol::route::{RouteOperation, RoutedMessage};

impl LeafSession {
    /// This server is in a loop: what it asks for comes back to it.
    fn is_in_loop(&mut self, is_told: bool, turn: &mut impl Turn) {
        let account = self.account.as_ref().map_or("", |account| account.name());
        let text = format!(
            "Loop detected for leafnode account={}. Delaying attempt to reconnect for {}s",
            Quoted(account.as_bytes()),
            HOLD_OFF.as_secs()
        );
        self.explain_end(&text, Some(HOLD_OFF), turn);
        if is_told {
            return self.refuse(&text, CloseReason::ProtocolViolation, turn);
        }
        log::error!("{} - {text}", self.party);
        self.end(CloseReason::ProtocolViolation, turn);
    }

    /// The other end asks for, or sends, what it may not. A leaf node passes over it: its hub has told it what it may do, and
    /// knows better.
    fn not_permitted(&mut self, action: &str, subject: &[u8], turn: &mut impl Turn) {
        if self.shown.is_spoke {
            return;
        }
        let subject = Quoted(subject);
        log::error!(
            "{} - {action} Violation on {subject} - Check other side configuration",
            self.party
        );
        let text = format!("Permissions Violation for {action} to {subject}");
        self.explain_end(&text, Some(HOLD_OFF), turn);
        self.ending.tell(&text);
        self.end(CloseReason::ProtocolViolation, turn);
    }

    /// Passes on a message that may ask for a trace; false if it does not.
    pub(super) fn pass_on_traced(&self, message: &Publish<'_>, turn: &mut impl Turn) -> bool {
        let account = self.account.as_ref().map_or("", |account| account.name());
        let peer = TracedPeer {
            kind: ShownKind::LeafNode,
            connection: self.party.id,
            name: &self.shown.server,
            party: &self.party,
            server: &self.settings.server,
            may_publish: |subject: &[u8]| self.permissions.takes(subject),
        };
        peer.pass_on(account.as_bytes(), message, turn)
    }

    /// -ERR
    fn told_off(&mut self, text: &[u8], turn: &mut impl Turn) {
        let shown = shortened(text, SHOWN_AT_MOST * 8).to_string();
        log::error!("{} - Leafnode Error {shown}", self.party);
        let text = String::from_utf8_lossy(text);
        if text.contains("Loop detected") {
            return self.is_in_loop(false, turn);
        }
        let reasons = [
            (
                "remote leafnode has same cluster name",
                HOLD_OFF,
                "with same cluster name error",
            ),
            (
                "minimum version",
                Duration::from_secs(5),
                "due to minimum version requirement",
            ),
            ("Permissions Violation", HOLD_OFF, "with permissions violation"),
        ];
        let found = reasons.iter().find(|(mark, ..)| text.contains(mark));
        if let Some((_, wait, why)) = found {
            log::error!(
                "{} - Leafnode connection dropped {why}. Delaying attempt to reconnect for {}s",
                self.party,
                wait.as_secs()
            );
        }
        self.explain_end(&shown, found.map(|(_, wait, _)| *wait), turn);
        self.end(CloseReason::ParseError, turn);
    }
}

impl Peer for LeafSession {
    fn parse<'a>(&self, input: &'a [u8]) -> RouteParsed<'a> {
        parse_leaf(input, &self.limits)
    }

    fn is_in(&self) -> bool {
        self.is_linked()
    }

    fn is_closing(&self) -> bool {
        self.ending.has_come()
    }

    fn may_be_said(&self, operation: &RouteOperation<'_>) -> bool {
        match operation {
            RouteOperation::Subscribe(_) | RouteOperation::Unsubscribe(_) | RouteOperation::Message(_) => {
                self.is_linked()
            }
            RouteOperation::Connect(_) => !self.shown.is_dialled,
            RouteOperation::Info(_) => {
                self.shown.is_dialled || self.is_linked() || self.compressing.is_open()
            }
            RouteOperation::Error(_) => true,
            _ => !matches!(self.stage, Stage::Connecting(_)),
        }
    }

    fn out_of_place(&mut self, turn: &mut impl Turn) {
        if matches!(self.stage, Stage::Connecting(_)) {
            self.ending.unauthorized(turn);
        } else {
            self.broken("something of a server that has not said who it is", turn);
        }
    }

    fn violated(&mut self, violation: Violation, said: &[u8], turn: &mut impl Turn) {
        // As in nats-server, whatever is not CONNECT is said by somebody who may not.
        if matches!(self.stage, Stage::Connecting(_)) && violation == Violation::UnknownOperation {
            let said = shortened(said, SHOWN_AT_MOST);
            log::error!("{} - {violation}: {said}", self.party);
            self.ending.complain(&Complaint::AuthorizationViolation);
            return self.end(violation.reason(), turn);
        }
        self.ending.violated(&self.party, violation, said, turn);
    }

    fn pass_on(&mut self, message: &RoutedMessage<'_>, turn: &mut impl Turn) -> Passed {
        if turn.interest_pending() {
            return Passed::Waiting;
        }
        let subject = message.publish.subject;
        if !self.permissions.takes(subject) && !turn.answers_request(subject) {
            turn.withhold(message.publish.body.len());
            self.not_permitted("Publish", subject, turn);
            return Passed::Withheld;
        }
        if self.mapper.is_some()
            && let Some(passed) = self.pass_on_mapped(&message.publish, turn)
        {
            return passed;
        }
        if let Some(passed) = publish_shown(&message.publish, turn) {
            return passed;
        }
        if may_be_traced(&message.publish) {
            if !turn.goes_on(None, false) {
                return Passed::Yielded;
            }
            if self.pass_on_traced(&message.publish, turn) {
                return Passed::Apart;
            }
        }
        match turn.publish_next(&message.publish, false) {
            Some(_) => Passed::Published,
            None => Passed::Yielded,
        }
    }

    fn operate(&mut self, operation: &RouteOperation<'_>, turn: &mut impl Turn) {
        match operation {
            RouteOperation::Ping => turn.reply(b"PONG\r\n"),
            RouteOperation::Pong => self.pong(turn),
            RouteOperation::Connect(json) => self.connect(json, turn),
            RouteOperation::Info(json) => self.info(json, turn),
            RouteOperation::Error(text) => self.told_off(text, turn),
            RouteOperation::Ok
            | RouteOperation::AccountBegins(_)
            | RouteOperation::AccountEnds(_)
            | RouteOperation::Message(_) => {}
            RouteOperation::Subscribe(interest) => match self.note(interest, turn) {
                Noted::Done => {}
                Noted::Loop => self.is_in_loop(true, turn),
                Noted::NotPermitted => self.not_permitted("Subscription", interest.subject, turn),
                Noted::InvalidSubject => {
                    log::error!("{} - Could not insert subscription: invalid subject", self.party);
                    turn.reply(b"-ERR 'Invalid Subscription'\r\n");
                }
                Noted::TooMany => {
                    self.ending.complain(&Complaint::MaximumSubscriptions);
                    self.end(CloseReason::MaximumSubscriptionsExceeded, turn);
                }
            },
            RouteOperation::Unsubscribe(interest) => self.forget(interest, turn),
        }
    }

    fn has_to_wait(&mut self) -> bool {
        let is_asking = self.login.is_some() || self.signing.is_some() || self.looking_up.is_some();
        is_asking || self.compressing.take_switch()
    }
}
