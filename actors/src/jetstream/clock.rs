//! What time it is.

use std::time::{SystemTime, UNIX_EPOCH};
use vagus_jetstream::time::Time;

/// Now, as messages have it.
pub(super) fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
