//! A subject that fails is nobody's loss.

use super::{Counted, SubjectState};
use crate::mailbox::Observe;
use crate::router::{ListHotSubjects, Router, RouterState, SubjectTraffic};
use actix::prelude::*;
use std::sync::Arc;
use vagus_delivery::Account;
use vagus_delivery::arbiter::{Arbiters, BusySubject};
use vagus_routing::AccountId;

/// The subject over so many messages of which its actor panics.
const PANICS: (&[u8], u64) = (b"panics", 666);

pub(super) fn panic_if_wanted(subject: &[u8], counted: Counted) {
    assert_ne!((subject, counted.messages), PANICS, "as the test wants it");
}

async fn report(router: &Addr<Router>, messages: u64) {
    let busy = |subject: &[u8]| BusySubject {
        account: AccountId(0),
        subject: subject.into(),
        messages,
        payload: 0,
    };
    let subjects = vec![busy(PANICS.0), busy(b"beside")];
    router.send(SubjectTraffic { subjects }).await.unwrap();
}

/// What has passed on the subjects that have an actor.
async fn shown(router: &Addr<Router>) -> Vec<(String, u64)> {
    let mut shown = Vec::new();
    for subject in router.send(ListHotSubjects).await.unwrap() {
        if let Ok(SubjectState {
            subject, messages, ..
        }) = subject.send(Observe::new()).await
        {
            shown.push((subject, messages));
        }
    }
    shown.sort();
    shown
}

#[test]
fn one_that_fails_comes_again_with_its_traffic() {
    System::new().block_on(async {
        let account = Arc::new(Account::new(AccountId(0), "A"));
        let router = Router::new(account, Arc::new(Arbiters::new(1))).start();
        report(&router, 100).await;
        let text = |subject: &str, messages| (subject.to_owned(), messages);
        assert_eq!(shown(&router).await, [text("beside", 100), text("panics", 100)]);
        report(&router, PANICS.1).await;
        assert_eq!(shown(&router).await, [text("beside", 766)]);
        // It is noticed, and then it is born.
        report(&router, 100).await;
        report(&router, 100).await;
        assert_eq!(shown(&router).await, [text("beside", 966), text("panics", 100)]);
        let state: RouterState = router.send(Observe::new()).await.unwrap();
        assert_eq!((state.hot_subjects, state.panics), (2, 0));
    });
}
