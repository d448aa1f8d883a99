use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::thread;

use super::*;
use crate::testing::{Shared, member, plain};

#[test]
fn the_parts_are_kept_apart() {
    let subscription = member("orders.*", "workers", "sid7", 3);
    assert_eq!(subscription.subject(), b"orders.*");
    assert_eq!(subscription.queue(), Some(&b"workers"[..]));
    assert_eq!(subscription.sid(), b"sid7");
    assert_eq!(subscription.sid_field(), b"sid7 ");
    assert_eq!(subscription.destination().connection_id(), 3);
    let subscription = plain("a", "1", 4);
    assert_eq!((subscription.subject(), subscription.queue()), (&b"a"[..], None));
    assert_eq!(subscription.sid(), b"1");
}

#[test]
fn without_a_limit_every_claim_is_granted_and_counted() {
    let subscription = plain("a", "1", 1);
    for _ in 0..5 {
        assert_eq!(subscription.claim(), Claim::Granted);
    }
    assert!(!subscription.count(10));
    assert_eq!(subscription.delivered(), 15);
    assert_eq!(subscription.limit(), None);
    assert!(!subscription.is_exhausted());
}

#[test]
fn the_claim_that_reaches_the_maximum_is_the_last() {
    let subscription = plain("a", "1", 1);
    subscription.count(2);
    assert!(!subscription.set_limit(4), "two are left");
    assert_eq!(subscription.limit(), Some(4));
    let claims = [(); 4].map(|()| subscription.claim());
    assert_eq!(
        claims,
        [Claim::Granted, Claim::Last, Claim::Exhausted, Claim::Exhausted]
    );
    assert_eq!(subscription.delivered(), 4);
    assert!(subscription.is_exhausted());
}

#[test]
fn a_maximum_below_what_was_delivered_is_reached_at_once() {
    let subscription = plain("a", "1", 1);
    subscription.count(4);
    assert!(subscription.set_limit(4));
    assert_eq!(subscription.claim(), Claim::Exhausted);
    assert!(!subscription.set_limit(0), "no limit is never reached");
    assert_eq!(subscription.claim(), Claim::Granted);
}

#[test]
fn a_run_that_passes_the_maximum_says_so_once() {
    let subscription = plain("a", "1", 1);
    subscription.set_limit(10);
    let said = [4, 4, 4, 4].map(|messages| subscription.count(messages));
    assert_eq!(said, [false, false, true, false]);
}

#[test]
fn a_closed_subscription_takes_nothing() {
    let subscription = plain("a", "1", 1);
    subscription.close();
    assert_eq!(subscription.claim(), Claim::Exhausted);
    assert_eq!(subscription.delivered(), 0);
    assert!(subscription.is_exhausted());
}

#[test]
fn many_threads_get_exactly_the_maximum() {
    const LIMIT: usize = 20_000;
    let subscription = plain("a", "1", 1);
    subscription.set_limit(LIMIT as u64);
    let (granted, last) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..LIMIT / 2 {
                    let counter = match subscription.claim() {
                        Claim::Granted => &granted,
                        Claim::Last => &last,
                        Claim::Exhausted => continue,
                    };
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!((granted.into_inner(), last.into_inner()), (LIMIT - 1, 1));
    assert_eq!(subscription.delivered(), LIMIT as u64);
}

#[test]
fn a_limit_set_while_runs_are_counted_is_noticed() {
    const RUNS: u64 = 200;
    for limit in 1..RUNS {
        let subscription: Shared = plain("a", "1", 1);
        let counted = Arc::clone(&subscription);
        let publisher = thread::spawn(move || (0..RUNS).filter(|_| counted.count(1)).count());
        let noticed_by_owner = subscription.set_limit(limit);
        let noticed_by_publisher = publisher.join().unwrap();
        assert!(noticed_by_publisher <= 1);
        assert!(
            noticed_by_owner || noticed_by_publisher == 1,
            "nobody noticed the maximum of {limit}"
        );
    }
}

#[test]
fn what_a_message_needs_is_side_by_side() {
    assert_eq!(std::mem::offset_of!(Subscription<Arc<u8>>, limit), 16);
}

#[test]
fn what_is_left_out_changes_in_place() {
    #[derive(Debug)]
    struct Only(&'static [u8]);
    impl SubjectFilter for Only {
        fn denies(&self, subject: &[u8]) -> bool {
            subject == self.0
        }
    }
    let subscription: Shared = plain(">", "1", 1);
    assert!(!subscription.has_exceptions() && !subscription.denies(b"a"));
    subscription.set_limit(2);
    assert_eq!(subscription.claim(), Claim::Granted);
    subscription.set_except(Some(Box::new(Only(b"a"))));
    assert!(subscription.has_exceptions() && subscription.denies(b"a") && !subscription.denies(b"b"));
    subscription.set_except(Some(Box::new(Only(b"b"))));
    assert!(!subscription.denies(b"a") && subscription.denies(b"b"));
    subscription.set_except(None);
    assert!(!subscription.has_exceptions() && !subscription.denies(b"b"));
    assert_eq!(subscription.claim(), Claim::Last);
}
