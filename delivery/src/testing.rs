//! What tests of this crate have in common.

use std::future::Future;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

/// Runs it on one thread, as an arbiter does.
pub(crate) fn on_an_arbiter(test: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, test);
}
