//! What the other end of a link is interested in, and is told.

use super::permitting::LinkPermissions;
use super::session::LeafSession;
use crate::interest::name_within_account;
use vagus_actors::connection::Turn;
use vagus_actors::router::InterestChange;
use vagus_protocol::leaf::LOOP_DETECTION_PREFIX;
use vagus_protocol::route::RoutedInterest;
use vagus_protocol::route::interest::append_leaf;
use vagus_routing::subject;

/// What came of an LS+.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    Done,
    /// What this server asks for has come back to it.
    Loop,
    InvalidSubject,
    /// The other end may not have it.
    NotPermitted,
    /// It asks for more than it may at once.
    TooMany,
}

impl LeafSession {
    /// LS+
    pub(super) fn note(&mut self, interest: &RoutedInterest<'_>, turn: &mut impl Turn) -> Noted {
        if !subject::is_valid_subscription(interest.subject) {
            return Noted::InvalidSubject;
        }
        if interest.subject.starts_with(LOOP_DETECTION_PREFIX.as_bytes())
            && *interest.subject == *self.loop_subject().as_bytes()
        {
            return Noted::Loop;
        }
        let Some(except) = self.permissions.gives(interest.subject) else {
            return Noted::NotPermitted;
        };
        name_within_account(&mut self.name_of_interest, interest);
        let is_new = !turn.is_subscribed(&self.name_of_interest);
        if is_new {
            if self
                .max_subscriptions
                .is_some_and(|most| turn.subscriptions() >= most)
            {
                return Noted::TooMany;
            }
            turn.subscribe(interest.subject, interest.queue, &self.name_of_interest, except);
        }
        if interest.queue.is_some() && !(is_new && interest.weight == 1) {
            turn.weigh(&self.name_of_interest, interest.weight);
        }
        Noted::Done
    }

    /// LS-
    pub(super) fn forget(&mut self, interest: &RoutedInterest<'_>, turn: &mut impl Turn) {
        name_within_account(&mut self.name_of_interest, interest);
        turn.unsubscribe(&self.name_of_interest, None);
    }

    /// The other end may have something else from now on, and is asked for something else. What it was asked for `before` is
    /// taken back where it must be.
    pub(super) fn permit(&mut self, permissions: LinkPermissions, turn: &mut impl Turn) {
        if permissions == self.permissions {
            return;
        }
        let before = std::mem::replace(&mut self.permissions, permissions);
        for subscribed in turn.all_interest() {
            match self.permissions.gives(&subscribed.subject) {
                Some(except) => turn.except(&subscribed.sid, except),
                None => turn.unsubscribe(&subscribed.sid, None),
            }
        }
        self.former = Some(match self.former {
            None => before,
            // Of those before not everything may have been taken back.
            Some(_) => LinkPermissions::default(),
        });
        turn.watch_interest();
    }

    /// Tells the other end what is wanted here, as far as it is to be asked for it; what it was asked for before, and is not
    /// to be any more, is taken back.
    pub(super) fn tell<'a>(&self, changes: impl Iterator<Item = InterestChange<'a>>, turn: &mut impl Turn) {
        let mut lines = Vec::new();
        for change in changes {
            let InterestChange {
                subject,
                queue,
                weight,
                ..
            } = change;
            let is_asked_for = self.permissions.asks_for(subject);
            let was_asked_for = self
                .former
                .as_ref()
                .is_some_and(|former| former.asks_for(subject));
            let is_kept = weight == 0 && queue.is_none() && self.is_mapped(subject);
            if is_kept || !is_asked_for && !was_asked_for {
                continue;
            }
            append_leaf(&mut lines, subject, queue, if is_asked_for { weight } else { 0 });
        }
        if !lines.is_empty() {
            turn.tell_interest(&lines);
        }
    }
}
