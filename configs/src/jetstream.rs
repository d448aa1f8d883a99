//! The streams that a server keeps.

/// The streams that a server keeps: in [`Config::store_dir`](crate::Config::store_dir), or in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JetStream {
    /// How many bytes of messages may be in memory; None: three quarters of what the machine has.
    pub max_memory: Option<i64>,
    /// How many bytes of messages may be in files; None: three quarters of what the disk has left.
    pub max_file: Option<i64>,
    /// What the streams of this server are told from those of others by; empty: nothing.
    pub domain: String,
    /// How many requests of an account may wait.
    pub request_queue_limit: usize,
}

/// That of nats-server.
const REQUEST_QUEUE_LIMIT: usize = 10_000;

impl Default for JetStream {
    fn default() -> Self {
        Self {
            max_memory: None,
            max_file: None,
            domain: String::new(),
            request_queue_limit: REQUEST_QUEUE_LIMIT,
        }
    }
}
