//! The threads that carry connections and streams.

use actix::Arbiter;
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc;
use vagus_actors::connection::Surroundings;
use vagus_actors::keep_house;
use vagus_delivery::arbiter::{ArbiterState, Arbiters, LocalArbiter};

/// The state of an arbiter, on its own thread.
pub(super) fn open_arbiter(
    number: usize,
    arbiters: &Arc<Arbiters>,
    surroundings: &Arc<Surroundings>,
) -> LocalArbiter {
    let seed = u64::from(std::process::id()) << 32 | (number as u64 + 1);
    let longest_line = surroundings.bounds.current().0.longest_line;
    let arbiter = ArbiterState::new(number, arbiters.clone(), seed, longest_line);
    let arbiter: LocalArbiter = Rc::new(RefCell::new(arbiter));
    keep_house(arbiter.clone(), surroundings.accounts.clone());
    arbiter
}

/// Opens an arbiter on a thread that is made for it, and has that begin with something.
pub(crate) fn on_arbiter<T: Send + 'static>(
    number: usize,
    arbiters: &Arc<Arbiters>,
    surroundings: &Arc<Surroundings>,
    begin: impl FnOnce(LocalArbiter) -> T + Send + 'static,
) -> io::Result<T> {
    let (arbiters, surroundings) = (arbiters.clone(), surroundings.clone());
    let (ready, is_ready) = mpsc::channel();
    let arbiter = Arbiter::with_tokio_rt(runtime);
    arbiter.spawn_fn(move || {
        let arbiter = open_arbiter(number, &arbiters, &surroundings);
        let _ = ready.send(begin(arbiter));
    });
    is_ready
        .recv()
        .map_err(|_| io::Error::other("an arbiter did not start"))
}

#[allow(clippy::expect_used)] // There is no way to say it to actix, and nothing to go on with.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the system gives no event queue")
}
