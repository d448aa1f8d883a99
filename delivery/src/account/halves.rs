//! Requests that were answered at other servers: of each two halves have to come together, that it was answered and how long
//! that took where the service is.

use super::measured::Measured;
use crate::moment::Moment;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::sync::Arc;
use std::time::Duration;
use vagus_protocol::service_latency::MeasuredElsewhere;

/// How many wait for their other half, of one account.
const HALVES_AT_MOST: usize = 4_096;

/// For how long.
const WAITED_AT_MOST: Duration = Duration::from_secs(2);

/// Those of which one half is known, by the subject of the answer.
#[derive(Debug, Default)]
pub(super) struct Halves(HashMap<Box<[u8]>, (Half, Moment), RandomState>);

#[derive(Debug)]
enum Half {
    /// It was answered after so long.
    Answered(Arc<Measured>, Duration),
    /// The service took so long.
    Measured(Box<MeasuredElsewhere>),
}

/// What is known of how long a request took at another server, now that it is answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OtherHalf {
    /// This.
    Known(Box<MeasuredElsewhere>),
    /// Nothing yet.
    Later,
    /// Nothing, and there is no room to wait for it.
    Unknown,
}

impl Halves {
    /// The answer to `subject` has come.
    pub(super) fn answered(
        &mut self,
        subject: &[u8],
        measured: &Arc<Measured>,
        took: Duration,
        now: Moment,
    ) -> OtherHalf {
        if let Some((Half::Measured(elsewhere), _)) = self.0.remove(subject) {
            return OtherHalf::Known(elsewhere);
        }
        match self.add(subject, Half::Answered(measured.clone(), took), now) {
            true => OtherHalf::Later,
            false => OtherHalf::Unknown,
        }
    }

    /// Another server tells how long the answer to `subject` took. Gives it back with what was answered, if it was. What is
    /// neither that nor `is_awaited` is not kept.
    pub(super) fn measured(
        &mut self,
        subject: &[u8],
        elsewhere: MeasuredElsewhere,
        is_awaited: bool,
        now: Moment,
    ) -> Option<(Arc<Measured>, Duration, MeasuredElsewhere)> {
        match self.0.remove(subject) {
            Some((Half::Answered(measured, took), _)) => Some((measured, took, elsewhere)),
            Some((Half::Measured(_), _)) | None => {
                if is_awaited {
                    self.add(subject, Half::Measured(Box::new(elsewhere)), now);
                }
                None
            }
        }
    }

    fn add(&mut self, subject: &[u8], half: Half, now: Moment) -> bool {
        let has_room = self.0.len() < HALVES_AT_MOST;
        if has_room {
            self.0.insert(subject.into(), (half, now));
        }
        has_room
    }

    /// Gives up those whose other half does not come; gives what was answered.
    pub(super) fn expire(&mut self, now: Moment) -> Vec<(Arc<Measured>, Duration)> {
        let is_late = |(_, since): &(Half, Moment)| now.after(*since) >= WAITED_AT_MOST;
        let late = self.0.extract_if(|_, half| is_late(half));
        late.filter_map(|(_, (half, _))| match half {
            Half::Answered(measured, took) => Some((measured, took)),
            Half::Measured(_) => None,
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{HALVES_AT_MOST, Halves, OtherHalf, WAITED_AT_MOST};
    use crate::account::measured::Measured;
    use crate::moment::Moment;
    use std::sync::Arc;
    use std::time::{Duration, Instant};
    use vagus_protocol::request_info::RequestInfo;
    use vagus_protocol::service_latency::MeasuredElsewhere;

    const TOOK: Duration = Duration::from_micros(7);

    fn elsewhere(service: u64) -> MeasuredElsewhere {
        MeasuredElsewhere {
            responder: RequestInfo::default(),
            service,
        }
    }

    #[test]
    fn either_half_may_come_first() {
        let (mut halves, measured, now) = (
            Halves::default(),
            Arc::new(Measured::example()),
            Moment::default(),
        );
        assert_eq!(halves.answered(b"a", &measured, TOOK, now), OtherHalf::Later);
        let (_, took, whole) = halves.measured(b"a", elsewhere(1), false, now).unwrap();
        assert_eq!((took, whole), (TOOK, elsewhere(1)));
        // What nobody has asked is not kept.
        assert!(halves.measured(b"b", elsewhere(2), false, now).is_none());
        assert!(halves.0.is_empty());
        assert!(halves.measured(b"b", elsewhere(2), true, now).is_none());
        let known = halves.answered(b"b", &measured, TOOK, now);
        assert_eq!(known, OtherHalf::Known(Box::new(elsewhere(2))));
        assert!(halves.0.is_empty());
    }

    #[test]
    fn one_half_is_waited_for_so_long_and_not_more_of_them_than_so_many() {
        let (mut halves, measured) = (Halves::default(), Arc::new(Measured::example()));
        let start = Instant::now();
        let at = |after: Duration| Moment::of(start + after);
        halves.measured(b"told", elsewhere(1), true, at(Duration::ZERO));
        for number in 1..HALVES_AT_MOST {
            let subject = number.to_string();
            halves.answered(subject.as_bytes(), &measured, TOOK, at(Duration::ZERO));
        }
        let one_more = halves.answered(b"more", &measured, TOOK, at(Duration::ZERO));
        assert_eq!(one_more, OtherHalf::Unknown);
        assert!(halves.expire(at(WAITED_AT_MOST / 2)).is_empty());
        assert_eq!(halves.expire(at(WAITED_AT_MOST * 2)).len(), HALVES_AT_MOST - 1);
        assert!(halves.0.is_empty());
    }
}
