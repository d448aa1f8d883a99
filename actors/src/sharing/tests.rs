use super::*;
use crate::mailbox::Observe;
use crate::router::RouterState;
use actix::System;
use std::collections::HashMap;
use tokio::task::yield_now;
use vagus_accounts::{
    Access, AccountDefinition, Activation, ImportError, LocalSubject, StreamExport, StreamImport,
};
use vagus_delivery::arbiter::Arbiters;
use vagus_delivery::outbox::Outbox;
use vagus_delivery::subscriptions::Subscriptions;

fn exporting() -> AccountDefinition {
    AccountDefinition {
        name: "A".into(),
        stream_exports: vec![StreamExport {
            subject: "s".into(),
            access: Access::Activated(HashMap::new()),
        }],
        ..AccountDefinition::default()
    }
}

/// An account that may import until then.
fn importing(expires: i64) -> AccountDefinition {
    let activation = Activation {
        account: "B".into(),
        issuer: "A".into(),
        issuer_account: None,
        subject: "s".into(),
        is_service: false,
        not_before: 0,
        issued_at: 0,
        expires,
    };
    AccountDefinition {
        name: "B".into(),
        stream_imports: vec![StreamImport {
            account: "A".into(),
            subject: "s".into(),
            local: LocalSubject::Same,
            allow_trace: false,
            activation: Some(activation),
        }],
        ..AccountDefinition::default()
    }
}

/// How many shadows the first has, and how many subscriptions are in the index of the other, once nothing changes.
async fn settled(importer: &RoutedAccount, exporter: &RoutedAccount) -> (usize, usize) {
    loop {
        yield_now().await;
        let states = [importer, exporter].map(|account| account.router.send(Observe::<RouterState>::new()));
        let [importer, exporter] = states;
        let (importer, exporter) = (importer.await.unwrap(), exporter.await.unwrap());
        let waiting = [&importer, &exporter].map(|state| state.waiting_changes + state.settling);
        if waiting == [0, 0] {
            return (importer.shadows, exporter.subscriptions);
        }
    }
}

#[test]
fn an_import_ends_when_its_activation_does() {
    System::new().block_on(async {
        let arbiters = Arc::new(Arbiters::new(1));
        let accounts = Accounts::start(arbiters.clone());
        for definition in [exporting(), importing(200)] {
            let account = accounts.open(&definition.name);
            account.define(&Arc::new(definition));
        }
        let [exporter, importer] = ["A", "B"].map(|name| accounts.find(name).unwrap());
        let (_, refused) = accounts.share(100);
        assert_eq!(refused, []);
        let outbox = Arc::new(Outbox::new(arbiters.slots.take(), 1, 0, 1000, None));
        let (mut held, mut changes) = (Subscriptions::default(), Vec::new());
        held.add(b"s", None, b"1", None, &outbox, &mut changes);
        held.add(b"s", Some(b"q"), b"2", None, &outbox, &mut changes);
        held.add(b"t", None, b"3", None, &outbox, &mut changes);
        let announce = Announce {
            account: importer.account.id(),
            changes,
            announcer: None,
        };
        importer.router.send(announce).await.unwrap();
        assert_eq!(settled(&importer, &exporter).await, (2, 2));
        accounts.end_imports(199);
        assert_eq!(settled(&importer, &exporter).await, (2, 2));
        accounts.end_imports(200);
        assert_eq!(settled(&importer, &exporter).await, (0, 0));
        let (_, refused) = accounts.share(200);
        assert_eq!(refused.len(), 1, "{refused:?}");
    });
}

/// Imports that change are no reason for others of the thread to wait, however many are subscribed.
#[test]
fn others_get_their_turn_while_many_shadows_are_cast() {
    const SUBSCRIPTIONS: usize = 20_000;
    System::new().block_on(async {
        let arbiters = Arc::new(Arbiters::new(1));
        let accounts = Accounts::start(arbiters.clone());
        let [exporter, importer] = [exporting(), importing(0)].map(|definition| {
            accounts.open(&definition.name);
            accounts.find(&definition.name).unwrap()
        });
        let outbox = Arc::new(Outbox::new(arbiters.slots.take(), 1, 0, 1000, None));
        let (mut held, mut changes) = (Subscriptions::default(), Vec::new());
        for number in 0..SUBSCRIPTIONS {
            let (subject, queue) = (format!("s.{number}"), (number % 2 == 0).then_some(&b"q"[..]));
            let sid = number.to_string();
            held.add(
                subject.as_bytes(),
                queue,
                sid.as_bytes(),
                None,
                &outbox,
                &mut changes,
            );
        }
        let announce = Announce {
            account: importer.account.id(),
            changes,
            announcer: None,
        };
        importer.router.send(announce).await.unwrap();
        assert_eq!(settled(&importer, &exporter).await, (0, 0));
        let mut all = exporting();
        all.stream_exports[0] = StreamExport {
            subject: ">".into(),
            access: Access::Public,
        };
        let mut one = importing(0);
        one.stream_imports[0].subject = "s.*".into();
        for (definition, account) in [(all, &exporter), (one, &importer)] {
            account.account.define(&Arc::new(definition));
        }
        let before: RouterState = importer.router.send(Observe::new()).await.unwrap();
        assert_eq!(accounts.share(100).1, []);
        assert_eq!(
            settled(&importer, &exporter).await,
            (SUBSCRIPTIONS, SUBSCRIPTIONS)
        );
        let after: RouterState = importer.router.send(Observe::new()).await.unwrap();
        let visits = (SUBSCRIPTIONS / 1_024) as u64;
        assert!(
            after.visits - before.visits >= visits,
            "{} visits",
            after.visits - before.visits
        );
        importer.account.forget_definition();
        accounts.share(100);
        assert_eq!(settled(&importer, &exporter).await, (0, 0));
    });
}

/// An account that exports nothing and imports a stream of another.
fn importing_of(name: &str, exporter: &str) -> Arc<AccountDefinition> {
    let mut definition = importing(0);
    definition.name = name.into();
    definition.stream_imports[0].account = exporter.into();
    definition.stream_imports[0].activation = None;
    Arc::new(definition)
}

#[test]
fn a_change_costs_those_whom_it_concerns() {
    let hub = (0..1_000).map(|number| importing_of(&format!("I{number}"), "HUB"));
    let others = (0..3).map(|number| importing_of(&format!("J{number}"), "A"));
    let mut agreed = Agreed::of(hub.chain(others), 0);
    assert_eq!(
        agreed.define(Arc::new(exporting())),
        ["A", "J0", "J1", "J2"].map(Box::from)
    );
    assert_eq!(agreed.define(importing_of("I7", "A")), [Box::from("I7")]);
    assert_eq!(
        agreed.define(Arc::new(exporting())),
        ["A", "I7", "J0", "J1", "J2"].map(Box::from)
    );
    assert_eq!(agreed.define(importing_of("J1", "HUB")), [Box::from("J1")]);
    assert_eq!(
        agreed.define(Arc::new(exporting())),
        ["A", "I7", "J0", "J2"].map(Box::from)
    );
}

/// As tokens come: in any order, and each anew.
#[test]
fn accounts_are_defined_one_by_one() {
    System::new().block_on(async {
        let arbiters = Arc::new(Arbiters::new(1));
        let accounts = Accounts::start(arbiters.clone());
        let define = |definition: AccountDefinition| {
            let account = accounts.open(&definition.name);
            account.define(&Arc::new(definition));
            let (_, refused) = accounts.share_anew(&account, 100);
            refused.into_iter().map(|it| it.error).collect::<Vec<_>>()
        };
        assert_eq!(define(importing(0)), [ImportError::AccountMissing]);
        let importer = accounts.find("B").unwrap();
        let outbox = Arc::new(Outbox::new(arbiters.slots.take(), 1, 0, 1000, None));
        let (mut held, mut changes) = (Subscriptions::default(), Vec::new());
        held.add(b"s", None, b"1", None, &outbox, &mut changes);
        let announce = Announce {
            account: importer.account.id(),
            changes,
            announcer: None,
        };
        importer.router.send(announce).await.unwrap();
        assert_eq!(define(exporting()), []);
        let exporter = accounts.find("A").unwrap();
        assert_eq!(settled(&importer, &exporter).await, (1, 1));
        let mut silent = exporting();
        silent.stream_exports.clear();
        assert_eq!(define(silent), [ImportError::StreamNotAuthorized]);
        assert_eq!(settled(&importer, &exporter).await, (0, 0));
        assert_eq!(define(exporting()), []);
        assert_eq!(settled(&importer, &exporter).await, (1, 1));
        // The end of it is that of what was said last.
        assert_eq!(define(importing(200)), []);
        assert_eq!(define(importing(300)), []);
        accounts.end_imports(200);
        assert_eq!(settled(&importer, &exporter).await, (1, 1));
        accounts.end_imports(300);
        assert_eq!(settled(&importer, &exporter).await, (0, 0));
    });
}
