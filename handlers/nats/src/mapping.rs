//! The subjects of what a client publishes, as its account maps them.

use crate::session::NatsSession;
use fastrand::Rng;
use std::sync::Arc;
use vagus_actors::connection::Turn;
use vagus_delivery::Publishing;
use vagus_protocol::operation::Publish;
use vagus_routing::Mappings;

/// Maps the subjects on which one client publishes.
#[derive(Debug)]
pub(crate) struct Mapper {
    mappings: Arc<Mappings>,
    random: Rng,
    /// What was drawn for the message that is about to be published: it may be asked about in several turns.
    drawn: Option<u64>,
}

/// Where the subject on which a message is published comes from.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SubjectOrigin<'a> {
    /// The subject that it came on, if that is mapped.
    pub(crate) mapped_from: Option<&'a [u8]>,
    /// The next message on that subject may be published on another.
    pub(crate) is_drawn: bool,
}

impl NatsSession {
    /// From now on the client goes by what is said of its account now: the limits, and what becomes of messages.
    pub(crate) fn follow_account(&mut self) {
        self.hold_to_limits();
        let Publishing {
            mappings,
            context_tracing,
        } = self
            .account()
            .map(|account| account.publishing())
            .unwrap_or_default();
        self.context_tracing = context_tracing;
        let goes_by = self.mapper.as_ref().map(|mapper| &mapper.mappings);
        if goes_by.map(Arc::as_ptr) != mappings.as_ref().map(Arc::as_ptr) {
            self.mapper = mappings.map(|mappings| {
                Box::new(Mapper {
                    mappings,
                    random: Rng::new(),
                    drawn: None,
                })
            });
        }
    }

    /// Gives a message the subject that it is published on, which is put into `room`. The same for the same message, until
    /// [mapping it is done](Self::mapping_is_done).
    #[inline]
    pub(crate) fn map_subject<'a>(
        &mut self,
        message: &mut Publish<'a>,
        room: &'a mut Vec<u8>,
        turn: &mut impl Turn,
    ) -> SubjectOrigin<'a> {
        let Some(Mapper {
            mappings,
            random,
            drawn,
        }) = self.mapper.as_deref_mut()
        else {
            return SubjectOrigin::default();
        };
        let drawn = *drawn.get_or_insert_with(|| random.u64(..));
        let Some(mapped) = mappings.map(message.subject, drawn, room) else {
            return SubjectOrigin::default();
        };
        turn.charge(mapped.work);
        SubjectOrigin {
            mapped_from: Some(std::mem::replace(&mut message.subject, room)),
            is_drawn: !mapped.always,
        }
    }

    /// The message is published, or is not going to be.
    #[inline]
    pub(crate) fn mapping_is_done(&mut self) {
        if let Some(mapper) = &mut self.mapper {
            mapper.drawn = None;
        }
    }
}
