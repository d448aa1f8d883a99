//! What comes over a link is mapped by the account here, as what clients publish is; so what is mapped is asked for.

use super::session::LeafSession;
use crate::message_tracing::may_be_traced;
use crate::receiving::Passed;
use fastrand::Rng;
use std::sync::Arc;
use vagus_actors::connection::Turn;
use vagus_protocol::operation::{Groups, Publish};
use vagus_protocol::route::interest::append_leaf;
use vagus_routing::Mappings;

/// Maps the subjects of what comes over one link.
#[derive(Debug)]
pub(super) struct Mapper {
    mappings: Arc<Mappings>,
    random: Rng,
    /// What was drawn for the message that is about to be published: it may be asked about in several turns.
    drawn: Option<u64>,
    /// The subject that it is published on.
    room: Vec<u8>,
}

impl LeafSession {
    /// Whether a subject is asked for whoever is interested in it, as messages on it are mapped.
    pub(super) fn is_mapped(&self, subject: &[u8]) -> bool {
        let mapper = self.mapper.as_deref();
        mapper.is_some_and(|mapper| {
            mapper
                .mappings
                .sources()
                .iter()
                .any(|source| source.as_bytes() == subject)
        })
    }

    /// From now on it goes by what the account maps now. The other end is asked for that, and no more for what it was asked
    /// for before.
    pub(super) fn follow_mappings(&mut self, turn: &mut impl Turn) {
        let Some(account) = &self.account else {
            return;
        };
        let mappings = account.publishing().mappings;
        let goes_by = self.mapper.as_ref().map(|mapper| Arc::as_ptr(&mapper.mappings));
        if goes_by == mappings.as_ref().map(Arc::as_ptr) {
            return;
        }
        // What is mapped is asked for.
        let sources = mappings.as_ref().map_or(&[][..], |mappings| mappings.sources());
        let before = self.mapper.take();
        let mut lines = Vec::new();
        for source in before.iter().flat_map(|before| before.mappings.sources()) {
            if !sources.contains(source) {
                append_leaf(&mut lines, source.as_bytes(), None, 0);
            }
        }
        for source in sources {
            if self.permissions.asks_for(source.as_bytes()) {
                append_leaf(&mut lines, source.as_bytes(), None, 1);
            }
        }
        turn.reply(&lines);
        self.mapper = mappings.map(|mappings| {
            Box::new(Mapper {
                mappings,
                random: Rng::new(),
                drawn: None,
                room: Vec::new(),
            })
        });
        if before.is_some() {
            // Of what is not mapped any more some may be wanted all the same.
            turn.watch_interest();
        }
    }

    /// Publishes a message on the subject that its own is mapped to; None if it is not mapped.
    pub(super) fn pass_on_mapped(&mut self, message: &Publish<'_>, turn: &mut impl Turn) -> Option<Passed> {
        let Mapper {
            mappings,
            random,
            drawn,
            room,
            ..
        } = self.mapper.as_deref_mut()?;
        let number = *drawn.get_or_insert_with(|| random.u64(..));
        let mapped = mappings.map(message.subject, number, room)?;
        turn.charge(mapped.work);
        if room.is_empty() {
            // It is lost.
            *drawn = None;
            turn.withhold(message.body.len());
            return Some(Passed::Withheld);
        }
        // It is lent: who traces looks at the session.
        let subject = std::mem::take(room);
        let publish = Publish {
            subject: &subject,
            groups: match message.groups {
                // Nobody there knows which groups are interested in what it is mapped to.
                Groups::Only(b"") => Groups::All,
                groups => groups,
            },
            ..*message
        };
        let may_be_traced = may_be_traced(&publish);
        let is_done = match may_be_traced && turn.goes_on(None, false) {
            true if self.pass_on_traced(&publish, turn) => true,
            false if may_be_traced => false,
            _ => turn.publish_next(&publish, false).is_some(),
        };
        if let Some(mapper) = self.mapper.as_deref_mut() {
            mapper.room = subject;
            if is_done {
                mapper.drawn = None;
            }
        }
        Some(match is_done {
            true => Passed::Apart,
            false => Passed::Yielded,
        })
    }
}
