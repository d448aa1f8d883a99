use super::{InProcess, InProcessAddress, InProcessMessage, InProcessSubject, SubscribeInProcess};
use crate::accounts::Accounts;
use actix::prelude::*;
use bytes::Bytes;
use futures_util::future::join_all;
use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use vagus_delivery::arbiter::{ArbiterState, Arbiters};
use vagus_delivery::mailbox::Delivered;
use vagus_delivery::outbox::WhenFull;

fn check<F: Future<Output = ()>>(test: impl FnOnce(InProcessAddress) -> F) {
    System::new().block_on(async {
        let arbiters = Arc::new(Arbiters::new(1));
        let accounts = Accounts::start(arbiters.clone());
        let arbiter = Rc::new(RefCell::new(ArbiterState::new(0, arbiters, 1, 0)));
        test(InProcess::start(arbiter, accounts.global().clone())).await;
    });
}

fn message(subject: &str, payload: impl Into<Bytes>) -> InProcessMessage {
    InProcessMessage {
        subject: Bytes::copy_from_slice(subject.as_bytes()),
        reply: None,
        header: None,
        payload: payload.into(),
        except: None,
    }
}

fn subscribe(subject: &str) -> SubscribeInProcess {
    SubscribeInProcess {
        subjects: vec![InProcessSubject {
            subject: Bytes::copy_from_slice(subject.as_bytes()),
            queue: None,
        }],
        max_pending: usize::MAX,
        when_full: WhenFull::CutOff,
    }
}

#[test]
fn what_is_handed_in_meanwhile_is_published_in_one_turn() {
    check(|in_process| async move {
        let mut subscription = in_process.subscribe(subscribe("a.*")).await.unwrap();
        let publishing = (0..100).map(|number: usize| {
            let subject = if number.is_multiple_of(2) { "a.b" } else { "b" };
            in_process.publish(message(subject, number.to_string()))
        });
        let taken = join_all(publishing).await;
        let expected = (0..100).map(|number: usize| Some(number.is_multiple_of(2)));
        assert!(taken.into_iter().eq(expected));
        let state = in_process.observe().await.unwrap();
        assert_eq!((state.published, state.turns), (100, 1));
        let Delivered::Messages(messages) = poll_fn(|task| subscription.poll_next(task)).await else {
            panic!("it has not ended");
        };
        let payloads: Vec<_> = messages.map(|it| it.share(it.parts().payload)).collect();
        let numbers: Vec<_> = (0..100).step_by(2).map(|number| number.to_string()).collect();
        assert_eq!(payloads, numbers);
    });
}

/// More than a turn may do; the rest is published all the same.
#[test]
fn what_is_too_much_for_a_turn_waits_for_others() {
    check(|in_process| async move {
        let mut subscription = in_process.subscribe(subscribe(">")).await.unwrap();
        let payload = Bytes::from(vec![b'x'; 1024 * 1024]);
        let publishing = (0..30).map(|_| in_process.publish(message("a", payload.clone())));
        let taken = join_all(publishing).await;
        assert_eq!(taken, [Some(true); 30]);
        let turns = in_process.observe().await.unwrap().turns;
        assert!((3..=5).contains(&turns), "{turns}");
        let mut came = 0;
        while came < 30 {
            match poll_fn(|task| subscription.poll_next(task)).await {
                Delivered::Messages(messages) => came += messages.count(),
                Delivered::Ended(reason) => panic!("{reason:?}"),
            }
        }
    });
}

#[test]
fn a_message_arrives_with_all_its_parts() {
    check(|in_process| async move {
        let mut subscription = in_process.subscribe(subscribe("a")).await.unwrap();
        let sent = InProcessMessage {
            reply: Some("r".into()),
            header: Some("NATS/1.0\r\nA: b\r\n\r\n".into()),
            ..message("a", "hi")
        };
        assert_eq!(in_process.publish(sent).await, Some(true));
        let Delivered::Messages(mut messages) = poll_fn(|task| subscription.poll_next(task)).await else {
            panic!("it has not ended");
        };
        let message = messages.next().unwrap();
        let parts = message.parts();
        assert_eq!((parts.subject, parts.reply), (&b"a"[..], Some(&b"r"[..])));
        assert_eq!(parts.header, b"NATS/1.0\r\nA: b\r\n\r\n");
        assert_eq!(parts.payload, b"hi");
        drop(subscription);
    });
}
