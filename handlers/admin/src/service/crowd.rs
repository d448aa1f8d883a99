//! Who is connected to a service, and who has to go.
//!
//! The role of the [`Crowd`] is to see to it that each newcomer is served, whatever others do: there are so many seats,
//! and when all are taken the newcomer gets that of the one that needs it least. Who asks nothing, does not get on with
//! asking, or does not read what it asked for, has to go after a while.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

/// The seats of a service.
pub(super) const SEATS: usize = 256;

/// How long a request may take to be asked: its head, once it has begun.
const HEAD: Duration = Duration::from_secs(5);

/// How long a connection may do nothing at all; the parser ends those that are idle in good order before.
const IDLE: Duration = Duration::from_secs(90);

/// How long a peer may read nothing of its answer.
const STUCK: Duration = Duration::from_secs(10);

/// How long an answer of known length may take to be read.
const ANSWER: Duration = Duration::from_secs(300);

/// The bytes of all answers that are being written, small ones left out.
const HELD_AT_MOST: usize = 64 << 20;

/// After reading nothing for this long an answer makes room for that of another peer.
const HESITATION: Duration = Duration::from_secs(1);

/// The connections of a service.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    seats: RefCell<BTreeMap<u64, Rc<Seat>>>,
    next: Cell<u64>,
    held: Cell<usize>,
}

/// A connection, as far as the others are concerned.
#[derive(Debug)]
pub(crate) struct Seat {
    number: u64,
    crowd: Weak<Crowd>,
    /// When it last read or wrote something.
    active: Cell<Instant>,
    /// Since when it is asking something that is not all there.
    asking: Cell<Option<Instant>>,
    /// Since when it is being answered, if it is.
    served: Cell<Option<Instant>>,
    /// Since when it takes nothing of what is to be written.
    stuck: Cell<Option<Instant>>,
    /// Whether its answer goes on until somebody ends it.
    streams: Cell<bool>,
    held: Cell<usize>,
    /// How many requests were answered.
    answered: Cell<u64>,
    ended: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// A connection's part in the crowd; it is left when this is dropped.
#[derive(Debug)]
pub(super) struct Seated(Rc<Seat>);

impl Crowd {
    /// A seat for a newcomer. Where all are taken, somebody has to go.
    pub(super) fn enter(self: &Rc<Self>, now: Instant) -> Seated {
        while self.seats.borrow().len() >= SEATS {
            if !self.make_room() {
                break;
            }
        }
        let number = self.next.get();
        self.next.set(number + 1);
        let seat = Rc::new(Seat {
            number,
            crowd: Rc::downgrade(self),
            active: Cell::new(now),
            asking: Cell::new(None),
            served: Cell::new(None),
            stuck: Cell::new(None),
            streams: Cell::new(false),
            held: Cell::new(0),
            answered: Cell::new(0),
            ended: Cell::new(false),
            waker: RefCell::new(None),
        });
        self.seats.borrow_mut().insert(number, seat.clone());
        Seated(seat)
    }

    /// Ends the connection that needs its seat least: one that is not being answered before one that is, and of these
    /// the one that has done nothing for longest. False if there is none.
    pub(super) fn make_room(&self) -> bool {
        let seats = self.seats.borrow();
        let least = seats
            .values()
            .min_by_key(|seat| (seat.served.get().is_some(), seat.active.get()));
        let Some(least) = least.cloned() else { return false };
        drop(seats);
        self.end(&least);
        true
    }

    /// How many are here.
    pub(super) fn len(&self) -> usize {
        self.seats.borrow().len()
    }

    /// Ends those that have taken too long.
    pub(super) fn sweep(&self, now: Instant) {
        let late: Vec<Rc<Seat>> = self
            .seats
            .borrow()
            .values()
            .filter(|seat| seat.is_late(now))
            .cloned()
            .collect();
        late.iter().for_each(|seat| self.end(seat));
    }

    /// Ends a connection: it is told so the next time it reads or writes, which is at once. Its seat is free.
    fn end(&self, seat: &Seat) {
        self.seats.borrow_mut().remove(&seat.number);
        self.release(seat, seat.held.get());
        seat.ended.set(true);
        if let Some(waker) = seat.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// Room for an answer of so many bytes; one that does not read its own makes way. False if there is none.
    fn hold(&self, seat: &Seat, bytes: usize, now: Instant) -> bool {
        while self.held.get() > 0 && self.held.get() + bytes > HELD_AT_MOST {
            let seats = self.seats.borrow();
            let hesitant = |seat: &&Rc<Seat>| {
                let stuck = seat.stuck.get();
                let since = stuck.map(|since| now.saturating_duration_since(since));
                seat.held.get() > 0 && since.is_some_and(|since| since >= HESITATION)
            };
            let longest = seats
                .values()
                .filter(hesitant)
                .min_by_key(|seat| seat.stuck.get());
            let Some(longest) = longest.filter(|other| other.number != seat.number).cloned() else {
                return false;
            };
            drop(seats);
            self.end(&longest);
        }
        seat.held.set(seat.held.get() + bytes);
        self.held.set(self.held.get() + bytes);
        true
    }

    fn release(&self, seat: &Seat, bytes: usize) {
        // What was given back at the end of a connection is not given back again.
        let bytes = bytes.min(seat.held.get());
        seat.held.set(seat.held.get() - bytes);
        self.held.set(self.held.get().saturating_sub(bytes));
    }
}

impl Seated {
    /// The seat itself, for those who serve it.
    pub(super) fn seat(&self) -> &Rc<Seat> {
        &self.0
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        if let Some(crowd) = self.0.crowd.upgrade() {
            crowd.seats.borrow_mut().remove(&self.0.number);
            crowd.release(&self.0, self.0.held.get());
        }
    }
}

impl Seat {
    /// Whether the connection has to end. If not, `waker` is told when it has to.
    pub(super) fn has_ended(&self, waker: &Waker) -> bool {
        if !self.ended.get() {
            let mut known = self.waker.borrow_mut();
            match &mut *known {
                Some(known) => known.clone_from(waker),
                None => *known = Some(waker.clone()),
            }
        }
        self.ended.get()
    }

    /// Something was read.
    pub(super) fn has_read(&self, now: Instant) {
        self.active.set(now);
        if self.served.get().is_none() && self.asking.get().is_none() {
            self.asking.set(Some(now));
        }
    }

    /// Something was written, or nothing of what there was.
    pub(super) fn has_written(&self, some: bool, now: Instant) {
        if some {
            self.active.set(now);
            self.stuck.set(None);
        } else if self.stuck.get().is_none() {
            self.stuck.set(Some(now));
        }
    }

    /// A request is all there but for its body: it is being answered, until the answer is read.
    pub(crate) fn begin(&self, now: Instant) {
        self.asking.set(None);
        self.served.set(Some(now));
        self.streams.set(false);
    }

    /// The answer goes on until somebody ends it.
    pub(crate) fn stream(&self) {
        self.streams.set(true);
    }

    /// The answer is written, or was given up.
    pub(crate) fn finish(&self) {
        self.served.set(None);
        self.streams.set(false);
        self.answered.set(self.answered.get() + 1);
        // More may be read now.
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    /// How many requests were answered.
    pub(super) fn answered(&self) -> u64 {
        self.answered.get()
    }

    /// Room for an answer of so many bytes. None: too much is being written already.
    pub(crate) fn hold(self: &Rc<Self>, bytes: usize, now: Instant) -> Option<Held> {
        let has_room = match self.crowd.upgrade() {
            Some(crowd) => crowd.hold(self, bytes, now),
            None => true,
        };
        has_room.then(|| Held {
            seat: self.clone(),
            bytes,
        })
    }

    fn is_late(&self, now: Instant) -> bool {
        let longer = |since: &Cell<Option<Instant>>, than| {
            let since = since.get();
            since.is_some_and(|since| now.saturating_duration_since(since) >= than)
        };
        let is_idle = self.served.get().is_none() && now.saturating_duration_since(self.active.get()) >= IDLE;
        is_idle
            || longer(&self.asking, HEAD)
            || longer(&self.stuck, STUCK)
            || (!self.streams.get() && longer(&self.served, ANSWER))
    }
}

/// The bytes of an answer; given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    seat: Rc<Seat>,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(crowd) = self.seat.crowd.upgrade() {
            crowd.release(&self.seat, self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ANSWER, Crowd, HEAD, HELD_AT_MOST, HESITATION, SEATS, STUCK, Seated};
    use std::rc::Rc;
    use std::task::Waker;
    use std::time::{Duration, Instant};

    fn has_ended(seated: &Seated) -> bool {
        seated.seat().has_ended(Waker::noop())
    }

    /// A crowd that takes every seat, the first of which came first.
    fn full(crowd: &Rc<Crowd>, start: Instant) -> Vec<Seated> {
        let after = |number: usize| start + Duration::from_millis(number as u64);
        (0..SEATS).map(|number| crowd.enter(after(number))).collect()
    }

    #[test]
    fn a_newcomer_gets_the_seat_of_who_did_nothing_for_longest() {
        let crowd = Rc::<Crowd>::default();
        let start = Instant::now();
        let seated = full(&crowd, start);
        seated[0].seat().has_read(start + Duration::from_secs(1));
        let newcomer = crowd.enter(start + Duration::from_secs(2));
        assert!(!has_ended(&seated[0]) && has_ended(&seated[1]) && !has_ended(&seated[2]));
        assert!(!has_ended(&newcomer));
        assert_eq!(crowd.len(), SEATS);
        drop(seated);
        assert_eq!(crowd.len(), 1);
    }

    #[test]
    fn who_is_being_answered_stays_before_who_is_not() {
        let crowd = Rc::<Crowd>::default();
        let start = Instant::now();
        let seated = full(&crowd, start);
        seated[..SEATS - 1]
            .iter()
            .for_each(|seated| seated.seat().begin(start));
        let _first = crowd.enter(start);
        assert!(has_ended(&seated[SEATS - 1]));
        // Not even then is anybody turned away.
        let second = crowd.enter(start + Duration::from_secs(9));
        second.seat().begin(start + Duration::from_secs(9));
        let third = crowd.enter(start + Duration::from_secs(9));
        assert!(has_ended(&seated[0]) && !has_ended(&second) && !has_ended(&third));
    }

    #[test]
    fn everything_has_its_time() {
        let crowd = Rc::<Crowd>::default();
        let start = Instant::now();
        let seated: Vec<Seated> = (0..5).map(|_| crowd.enter(start)).collect();
        let [idle, asking, stuck, slow, streaming] = &seated[..] else {
            panic!("there are five")
        };
        asking.seat().has_read(start);
        stuck.seat().begin(start);
        stuck.seat().has_written(false, start);
        slow.seat().begin(start);
        streaming.seat().begin(start);
        streaming.seat().stream();
        let ended = || seated[1..].iter().map(has_ended).collect::<Vec<bool>>();
        crowd.sweep(start + HEAD / 2);
        assert_eq!(ended(), [false; 4]);
        // More of a head that is not all there changes nothing.
        asking.seat().has_read(start + HEAD / 2);
        crowd.sweep(start + HEAD);
        assert_eq!(ended(), [true, false, false, false]);
        crowd.sweep(start + STUCK);
        assert_eq!(ended(), [true, true, false, false]);
        slow.seat().has_written(true, start + ANSWER / 2);
        crowd.sweep(start + ANSWER);
        assert_eq!(ended(), [true, true, true, false]);
        assert!(has_ended(idle));
    }

    #[test]
    fn answers_under_way_are_bounded() {
        let crowd = Rc::<Crowd>::default();
        let start = Instant::now();
        let (one, other) = (crowd.enter(start), crowd.enter(start));
        let held = one.seat().hold(HELD_AT_MOST, start);
        assert!(held.is_some());
        one.seat().has_written(false, start);
        assert!(other.seat().hold(1, start).is_none(), "the other may read yet");
        assert!(one.seat().hold(1, start + HESITATION).is_none());
        assert!(!has_ended(&one));
        let later = other.seat().hold(1, start + HESITATION);
        assert!(later.is_some() && has_ended(&one));
        drop(held);
        drop(one);
        assert_eq!(crowd.held.get(), 1);
        drop(later);
        assert_eq!(crowd.held.get(), 0);
        // What is larger than everything has the place for itself.
        assert!(other.seat().hold(2 * HELD_AT_MOST, start).is_some());
    }
}
