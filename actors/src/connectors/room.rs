//! Room for what peers send that is not all there yet, shared by the peers of a connector.

use super::language::{Breach, InwardSession};
use bytes::BytesMut;
use std::cell::Cell;
use std::rc::Rc;
use tokio_util::codec::Decoder;

/// So many bytes each peer may have in any case.
const FOR_EACH: usize = 64 * 1024;

/// Bytes that are left for all.
#[derive(Debug)]
pub(super) struct Room(Cell<usize>);

/// What one peer has of it.
#[derive(Debug)]
struct Share {
    room: Rc<Room>,
    held: usize,
}

impl Room {
    pub(super) fn new(bytes: usize) -> Rc<Self> {
        Rc::new(Self(Cell::new(bytes)))
    }
}

impl Share {
    /// Holds so many bytes now; false if there is too little room.
    fn hold(&mut self, bytes: usize) -> bool {
        let wanted = bytes.saturating_sub(FOR_EACH);
        let left = self.room.0.get() + self.held;
        let Some(left) = left.checked_sub(wanted) else {
            return false;
        };
        self.room.0.set(left);
        self.held = wanted;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.hold(0);
    }
}

/// A session that has room for what it is given, until that is done with.
#[derive(Debug)]
pub(super) struct Housed<S> {
    pub(super) session: S,
    share: Share,
    /// Bytes of what was given out and may still be there.
    given_out: usize,
}

impl<S> Housed<S> {
    pub(super) fn new(session: S, room: Rc<Room>) -> Self {
        Self {
            session,
            share: Share { room, held: 0 },
            given_out: 0,
        }
    }

    /// Bytes of what was given out since that was done with.
    pub(super) fn given_out(&self) -> usize {
        self.given_out
    }

    /// What was given out is not there any more.
    pub(super) fn done(&mut self) {
        self.given_out = 0;
    }
}

impl<S: InwardSession> Decoder for Housed<S> {
    type Item = S::Item;
    type Error = Breach;

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Self::Item>, Breach> {
        let before = input.len();
        if !self.share.hold(self.given_out + before + self.session.held()) {
            return Err(Breach::of("others send too much at this time"));
        }
        let decoded = self.session.decode(input);
        self.given_out += before - input.len();
        let held = self.session.held();
        if held > 0 && !self.share.hold(self.given_out + input.len() + held) {
            return Err(Breach::of("others send too much at this time"));
        }
        decoded
    }

    fn decode_eof(&mut self, input: &mut BytesMut) -> Result<Option<Self::Item>, Breach> {
        self.session.decode_eof(input)
    }
}

#[cfg(test)]
mod tests {
    use super::{FOR_EACH, Room, Share};

    #[test]
    fn what_one_holds_others_have_not() {
        let room = Room::new(100);
        let mut shares: Vec<Share> = (0..2)
            .map(|_| Share {
                room: room.clone(),
                held: 0,
            })
            .collect();
        assert!(shares[0].hold(FOR_EACH) && shares[1].hold(FOR_EACH));
        assert!(shares[0].hold(FOR_EACH + 70));
        assert!(!shares[1].hold(FOR_EACH + 31));
        assert!(shares[1].hold(FOR_EACH + 30));
        assert!(shares[0].hold(5) && shares[1].hold(FOR_EACH + 100));
        shares.pop();
        assert_eq!(room.0.get(), 100);
    }
}
