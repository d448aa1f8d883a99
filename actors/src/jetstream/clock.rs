//! What time it is.

use std::time::{SystemTime, UNIX_EPOCH};
use vagus_jetstream::time::Time;

/// Now, as messages have it.
pub(super) fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Time(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX));
    #[cfg(test)]
    let now = passing::later(now);
    now
}

/// Time that passes for the streams of a thread in no time.
#[cfg(test)]
pub(super) mod passing {
    use std::cell::Cell;
    use vagus_jetstream::time::Time;

    thread_local! {
        static PASSED: Cell<i64> = const { Cell::new(0) };
    }

    /// Has so many nanoseconds pass, for who is on this thread.
    pub(in crate::jetstream) fn pass(nanoseconds: i64) {
        PASSED.set(PASSED.get() + nanoseconds);
    }

    pub(super) fn later(now: Time) -> Time {
        now.after(PASSED.get())
    }
}
