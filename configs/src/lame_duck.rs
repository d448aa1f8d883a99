use std::time::Duration;

/// Lame duck mode: how a server that is about to stop closes its clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LameDuck {
    /// How long it takes from the announcement until the last client is closed; 30 seconds at least.
    pub duration: Duration,
    /// How long after the announcement nobody is closed yet; less than `duration`.
    pub grace_period: Duration,
}

impl Default for LameDuck {
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(120),
            grace_period: Duration::from_secs(10),
        }
    }
}
