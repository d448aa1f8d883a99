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
