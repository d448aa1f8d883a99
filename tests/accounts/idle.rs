//! An account that nobody uses costs memory only, and little.

use actix::prelude::*;
use std::sync::Arc;
use tokio::task::yield_now;
use vagus_actors::Accounts;
use vagus_delivery::arbiter::Arbiters;
use vagus_monitoring::resident_bytes;

const ACCOUNTS: u64 = 10_000;

#[test]
fn ten_thousand_accounts() {
    System::new().block_on(async {
        let accounts = Accounts::start(Arc::new(Arbiters::new(2)));
        let before = resident_bytes();
        let opened: Vec<_> = (0..ACCOUNTS)
            .map(|number| accounts.open(&format!("ACCOUNT-{number}")))
            .collect();
        // Each Router has begun to work, and waits.
        for _ in 0..100 {
            yield_now().await;
        }
        let each = (resident_bytes() - before) / ACCOUNTS;
        assert!(each <= 3072, "{each} bytes for each account");
        assert!(accounts.get(opened[9_999].id()).is_some());
    });
}

/// An account that was used and is not there any more is freed, its Router with it.
#[test]
fn one_that_is_gone_takes_nothing() {
    System::new().block_on(async {
        let accounts = Accounts::start(Arc::new(Arbiters::new(1)));
        let account = accounts.open("GONE");
        let router = accounts.get(account.id()).unwrap().router;
        let weak = Arc::downgrade(&account);
        drop(account);
        assert!(router.connected());
        drop(router);
        accounts.retain(&vagus_configs::Accounts::default());
        for _ in 0..100 {
            yield_now().await;
        }
        assert!(weak.upgrade().is_none());
    });
}
