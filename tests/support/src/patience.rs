use std::fmt::Debug;
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take before the test that waits for it fails. Far longer than anything takes on a
/// busy machine; nothing is measured with it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How often a state is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Waits until `condition` holds of a state that settles by itself.
///
/// # Panics
/// When it does not within [`PATIENCE`].
#[track_caller]
pub fn eventually(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(
            Instant::now() < deadline,
            "this has not come true in {PATIENCE:?}"
        );
        thread::sleep(LOOK_EVERY);
    }
}

/// Waits until what is observed equals `expected`.
///
/// # Panics
/// When it does not within [`PATIENCE`], showing what was observed last.
#[track_caller]
pub fn eventually_equal<T: PartialEq<U> + Debug, U: Debug>(mut observe: impl FnMut() -> T, expected: U) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let observed = observe();
        if observed == expected {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "in {PATIENCE:?} this has not become\n  {expected:?}\nbut is\n  {observed:?}"
        );
        thread::sleep(LOOK_EVERY);
    }
}
