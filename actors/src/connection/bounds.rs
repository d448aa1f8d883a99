use std::time::Duration;
use vagus_configs::WriteTimeout;

/// What the connections of a server are held to, whatever language they speak. May change while they live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// How long what waits for a connection may take to be written.
    pub write_deadline: Duration,
    /// What follows if it takes longer.
    pub write_timeout: WriteTimeout,
    /// Whether publishers pause while much waits for somebody they publish to.
    pub stalls_publishers: bool,
    /// What may wait for one connection, in bytes.
    pub max_pending: usize,
    /// Connections at one time, of all arbiters; 0 lets nobody in.
    pub max_connections: usize,
    /// The most, in bytes, that a session leaves of a frame whose length it does not know yet.
    pub longest_line: usize,
}
