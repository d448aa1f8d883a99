use super::{Membership, Passed};
use crate::account::Account;
use crate::moment::Moment;
use crate::outbox::{Outbox, Slots};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Instant;
use vagus_accounts::{AccountDefinition, AccountLimits};
use vagus_routing::AccountId;

fn account(connections: Option<u32>) -> Arc<Account> {
    let account = Account::new(AccountId(1), "A");
    account.define(&Arc::new(AccountDefinition {
        name: "A".into(),
        limits: AccountLimits {
            connections,
            ..AccountLimits::default()
        },
        ..AccountDefinition::default()
    }));
    Arc::new(account)
}

fn outbox(id: u64) -> Arc<Outbox> {
    Arc::new(Outbox::new(Slots::default().take(), id, 0, 1024, None))
}

#[test]
fn no_more_than_may_be_there_at_once() {
    let account = account(Some(2));
    let outboxes = [1, 2, 3].map(outbox);
    let join = |at: usize| Membership::join(&account, &outboxes[at], Passed::default());
    let (first, second) = (join(0).unwrap(), join(1).unwrap());
    assert!(join(2).is_none());
    drop(first);
    let third = join(2).unwrap();
    assert_eq!(account.traffic().connections, 2);
    assert_eq!(account.traffic().total_connections, 3);
    drop((second, third));
    assert_eq!(account.connections(), 0);
    assert!(Membership::join(&self::account(Some(0)), &outboxes[0], Passed::default()).is_none());
}

/// What a connection did elsewhere, before, does not count, and what one that has left did does.
#[test]
fn what_passes_while_it_is_there_counts() {
    let account = account(None);
    let outbox = outbox(7);
    let deliver = |count| {
        let chunk = vec![Bytes::from_static(b"MSG a 1 3\r\nabc\r\n")];
        outbox.push(&mut chunk.clone(), count, count * 3, Moment::of(Instant::now()));
    };
    deliver(5);
    let mut membership = Membership::join(&account, &outbox, Passed::new(10, 100)).unwrap();
    deliver(2);
    membership.set_published(Passed::new(13, 109));
    let while_there = account.traffic();
    assert_eq!(while_there.received, Passed::new(3, 9));
    assert_eq!(while_there.sent, Passed::new(2, 6));
    membership.is_too_slow();
    drop(membership);
    let afterwards = account.traffic();
    assert_eq!(afterwards.received, while_there.received);
    assert_eq!(afterwards.sent, while_there.sent);
    assert_eq!((afterwards.connections, afterwards.slow_consumers), (0, 1));
}
