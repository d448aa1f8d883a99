//! What one turn has encoded for each destination, until it is handed over.

use super::repeats::Repeats;
use super::tail::Tail;
use crate::moment::Moment;
use crate::outbox::{Flushed, Outbox};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use vagus_routing::{Destination, Outlet};

/// A turn that has staged this much, in bytes, ends: wide fan-outs stay bounded.
pub(super) const STAGED_AT_MOST: usize = 8 * 1024 * 1024;

/// What a turn may do before others get theirs. 1 is a short message copied to where others are already, some 25 ns.
pub(super) const WORK_OF_A_TURN: usize = 65_536;

/// What each destination of a turn adds: a push, and mostly a write to its socket.
pub(super) const WORK_OF_A_DESTINATION: usize = 32;

/// How many destinations of other arbiters a publisher writes to itself; more are left to their owners,
/// whose cores then share the work.
const FOREIGN_WRITES: usize = 8;

/// How long a publisher waits until it looks again whether there is room.
const UNTIL_ROOM: Duration = Duration::from_millis(2);

/// What a publisher does before its next turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// For so long.
    pub length: Duration,
    /// Whether it has to, as there is no room for what comes next. Otherwise it should, as somebody is slow.
    pub required: bool,
}

/// Encoded chunks by destination, found by the destination's slot.
#[derive(Debug, Default)]
pub struct Staging {
    /// By slot: one more than the place in `destinations`, 0 for none.
    places: Vec<u32>,
    /// Only the first `used` belong to this turn; the others keep their buffers for the next.
    destinations: Vec<Staged>,
    used: usize,
    /// The most that any turn has used since it was last tidied.
    most_used: usize,
    bytes: usize,
    /// What this turn may still do; nothing of it is left over for the next.
    work_left: usize,
    to_flush: Vec<Arc<Outbox>>,
    /// A destination of this turn has so much waiting that the publisher should pause for so long.
    pause: Option<Duration>,
    /// One has no room for what would have come next.
    must_pause: bool,
    /// When this turn began.
    now: Moment,
    /// Messages and payload bytes of the hand-overs of this turn.
    handed_over: (u64, u64),
}

/// What is staged for one destination.
#[derive(Debug, Default)]
pub(crate) struct Staged {
    outbox: Option<Arc<Outbox>>,
    tail: Tail,
    chunks: Vec<Bytes>,
    messages: u64,
    payload: u64,
}

impl Staging {
    /// The place of a destination in this turn.
    #[inline]
    pub(crate) fn place(&mut self, outbox: &Arc<Outbox>) -> &mut Staged {
        let slot = outbox.slot();
        if slot >= self.places.len() {
            self.places.resize(slot + 64, 0);
        }
        let place = self.places[slot] as usize;
        if place != 0 {
            return &mut self.destinations[place - 1];
        }
        self.begin(outbox)
    }

    #[inline(never)]
    fn begin(&mut self, outbox: &Arc<Outbox>) -> &mut Staged {
        if self.used == self.destinations.len() {
            self.destinations.push(Staged::default());
        }
        self.used += 1;
        self.charge(WORK_OF_A_DESTINATION);
        self.places[outbox.slot()] = self.used as u32;
        let staged = &mut self.destinations[self.used - 1];
        staged.outbox = Some(outbox.clone());
        staged
    }

    /// Appends a message in pieces.
    #[inline]
    pub(crate) fn message<const PIECES: usize>(
        &mut self,
        outbox: &Arc<Outbox>,
        pieces: [&[u8]; PIECES],
        payload: usize,
    ) {
        self.bytes += pieces.iter().map(|piece| piece.len()).sum::<usize>();
        let staged = self.place(outbox);
        staged.messages += 1;
        staged.payload += payload as u64;
        staged.append(pieces);
    }

    /// Appends messages that repeat their control line, behind the same start.
    #[inline]
    pub(super) fn messages(&mut self, outbox: &Arc<Outbox>, start: &[u8], repeats: &Repeats<'_>) {
        let messages = repeats.count();
        let bytes = messages * (start.len() + repeats.tail());
        self.bytes += bytes;
        let staged = self.place(outbox);
        staged.messages += messages as u64;
        staged.payload += (messages * repeats.payload()) as u64;
        staged.tail.reserve(bytes);
        for tail in repeats.tails() {
            staged.tail.append(start);
            staged.tail.append(tail);
        }
    }

    /// Appends messages that are encoded already and shared with other destinations.
    pub(crate) fn shared(&mut self, outbox: &Arc<Outbox>, chunk: &Bytes, messages: u64, payload: u64) {
        self.bytes += chunk.len();
        let staged = self.place(outbox);
        staged.messages += messages;
        staged.payload += payload;
        staged.append_chunk(chunk.clone());
    }

    /// Appends messages that are encoded already, by copy.
    pub(crate) fn copied(&mut self, outbox: &Arc<Outbox>, encoded: &[u8], messages: u64, payload: u64) {
        self.bytes += encoded.len();
        let staged = self.place(outbox);
        staged.messages += messages;
        staged.payload += payload;
        staged.append([encoded]);
    }

    /// Appends bytes that are not a message.
    pub fn reply(&mut self, outbox: &Arc<Outbox>, bytes: &[u8]) {
        self.bytes += bytes.len();
        self.place(outbox).append([bytes]);
    }

    /// When the turn began.
    pub(super) fn now(&self) -> Moment {
        self.now
    }

    /// The turn goes on as if it had just begun.
    pub(super) fn renew(&mut self) {
        self.work_left = WORK_OF_A_TURN;
    }

    /// Counts work of this turn.
    #[inline]
    pub(crate) fn charge(&mut self, work: usize) {
        self.work_left = self.work_left.saturating_sub(work);
    }

    /// What this turn may still do.
    #[cfg(test)]
    pub(super) fn work_left(&self) -> usize {
        self.work_left
    }

    /// Whether the turn has done, or staged, as much as it may.
    #[inline]
    pub(crate) fn is_spent(&self) -> bool {
        self.work_left == 0 || self.is_full()
    }

    /// How many messages of so much work and so many bytes are staged before the turn is spent.
    #[inline]
    pub(super) fn room(&self, work: usize, bytes: usize) -> usize {
        if self.is_spent() {
            return 0;
        }
        let full = (STAGED_AT_MOST - self.bytes) / bytes.max(1);
        (self.work_left / work.max(1)).min(full) + 1
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.bytes > STAGED_AT_MOST
    }

    /// Leaves everything with its destination: one push each. What nobody else is going to write is kept for
    /// [`Staging::flush`]. Owners that may ask others about what came before have theirs behind it.
    pub(crate) fn hand_over(&mut self) {
        let mut is_complete = true;
        for at in 0..self.used {
            let asks = |outbox: &Arc<Outbox>| outbox.may_ask_others();
            match self.destinations[at].outbox.as_ref().is_some_and(asks) {
                true => is_complete = false,
                false => self.hand_over_at(at),
            }
        }
        if !is_complete {
            (0..self.used).for_each(|at| self.hand_over_at(at));
        }
        self.most_used = self.most_used.max(self.used);
        self.used = 0;
        self.bytes = 0;
    }

    /// Leaves what is staged at a place with its destination, if it has not been left there.
    #[inline]
    fn hand_over_at(&mut self, at: usize) {
        let staged = &mut self.destinations[at];
        let Some(outbox) = staged.outbox.take() else {
            return;
        };
        self.places[outbox.slot()] = 0;
        staged.chunks.extend(staged.tail.take());
        let pushed = outbox.push(&mut staged.chunks, staged.messages, staged.payload, self.now);
        self.handed_over.0 += std::mem::take(&mut staged.messages);
        self.handed_over.1 += std::mem::take(&mut staged.payload);
        self.pause = self.pause.max(pushed.pause);
        if pushed.unattended {
            self.to_flush.push(outbox);
        }
    }

    /// Between turns, now and then: frees what turns of late have not used, and what their chunks have left of buffers.
    pub(crate) fn tidy(&mut self) {
        debug_assert_eq!(self.used, 0);
        let used = std::mem::take(&mut self.most_used);
        self.destinations.truncate(used);
        self.destinations.shrink_to(2 * used);
        for staged in &mut self.destinations {
            staged.tail.tidy();
            staged.chunks = Vec::new();
        }
        if used == 0 {
            self.places = Vec::new();
        }
        self.to_flush.shrink_to(used);
    }

    /// A turn begins. What is handed over from now on is of this moment.
    pub fn begin_turn(&mut self, now: Moment) {
        self.now = now;
        self.work_left = WORK_OF_A_TURN;
    }

    /// The turn ends without a message for which an owner has no room: it is for a later turn.
    pub(super) fn wait_for_room(&mut self) {
        self.must_pause = true;
    }

    /// How long the publisher pauses; a new turn starts without.
    pub(crate) fn take_pause(&mut self) -> Option<Pause> {
        let required = std::mem::take(&mut self.must_pause);
        let wished = self.pause.take();
        let length = if required {
            wished.max(Some(UNTIL_ROOM))
        } else {
            wished
        };
        length.map(|length| Pause { length, required })
    }

    /// Messages and payload bytes handed over since the last call.
    pub(crate) fn take_handed_over(&mut self) -> (u64, u64) {
        std::mem::take(&mut self.handed_over)
    }

    /// Writes what the last hand-over left unattended, or wakes the owners that should.
    pub(crate) fn flush(&mut self, arbiter: usize) {
        if self.to_flush.is_empty() {
            return;
        }
        let foreign = self
            .to_flush
            .iter()
            .filter(|outbox| outbox.arbiter() != arbiter && outbox.outlet() != Outlet::Mailbox)
            .count();
        let write_foreign = foreign <= FOREIGN_WRITES;
        for outbox in self.to_flush.drain(..) {
            if write_foreign || outbox.arbiter() == arbiter {
                if outbox.flush() != Flushed::Done {
                    outbox.wake_owner();
                }
            } else {
                outbox.wake_owner();
            }
        }
    }

    /// Forgets everything that was staged, after a turn that panicked.
    pub(crate) fn discard(&mut self) {
        // What was handed over midway is with its destinations already, and still has to be written.
        let to_flush = std::mem::take(&mut self.to_flush);
        *self = Self {
            to_flush,
            now: self.now,
            ..Self::default()
        };
    }
}

impl Staged {
    #[inline]
    fn append<const PIECES: usize>(&mut self, pieces: [&[u8]; PIECES]) {
        for piece in pieces {
            self.tail.append(piece);
        }
    }

    fn append_chunk(&mut self, chunk: Bytes) {
        self.chunks.extend(self.tail.take());
        self.chunks.push(chunk);
    }
}

#[cfg(test)]
mod tests {
    use super::Staging;
    use crate::arbiter::Arbiters;
    use crate::mailbox::Mailbox;
    use crate::outbox::{Outbox, Slots, WhenFull};
    use futures_util::task::noop_waker;
    use std::sync::Arc;
    use std::task::Context;
    use vagus_routing::ConnectionKind;

    /// Who asks about something has what was published before where it asks.
    #[test]
    fn who_keeps_messages_has_them_before_others_within_the_server_have_theirs() {
        let arbiters = Arbiters::new(1);
        let mailbox = |kind, when_full| Mailbox::new(&arbiters, kind, 1000, when_full);
        let mut owners = [
            mailbox(ConnectionKind::Service, WhenFull::Refuse),
            mailbox(ConnectionKind::Stream, WhenFull::Pause),
        ];
        let mut staging = Staging::default();
        for owner in &mut owners {
            assert!(
                owner
                    .poll_next(&mut Context::from_waker(&noop_waker()))
                    .is_pending()
            );
            staging.message(owner.outbox(), [b"x", b"", b""], 1);
        }
        staging.hand_over();
        let order: Vec<_> = staging.to_flush.iter().map(Arc::as_ptr).collect();
        let [asking, keeping] = owners.each_ref().map(|owner| Arc::as_ptr(owner.outbox()));
        assert_eq!(order, [keeping, asking]);
        assert_eq!((staging.used, staging.take_handed_over()), (0, (2, 2)));
    }

    /// What one turn of some made it take is not kept for the turns of others.
    #[test]
    fn a_wide_and_long_turn_leaves_nothing_behind() {
        let slots = Slots::default();
        let outboxes: Vec<_> = (0..2_000)
            .map(|id| Arc::new(Outbox::new(slots.take(), id, 0, usize::MAX, None)))
            .collect();
        let mut staging = Staging::default();
        let turn = |staging: &mut Staging, destinations: usize, length: usize| {
            for outbox in &outboxes[..destinations] {
                staging.message(outbox, [&vec![b'x'; length], &[], &[]], length);
            }
            staging.hand_over();
            staging.flush(0);
        };
        turn(&mut staging, 2_000, 5_000);
        assert!(staging.destinations.len() == 2_000 && staging.places.len() >= 2_000);
        staging.tidy();
        turn(&mut staging, 2, 100);
        staging.tidy();
        assert_eq!(staging.destinations.len(), 2);
        assert!(staging.destinations.capacity() <= 4);
        assert!(staging.destinations.iter().all(|staged| staged.tail.room() == 0));
        staging.tidy();
        assert_eq!(staging.destinations.capacity() + staging.places.capacity(), 0);
        turn(&mut staging, 3, 100);
        assert_eq!(outboxes[2].traffic().messages, 2);
    }
}
