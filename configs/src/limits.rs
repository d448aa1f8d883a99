use std::time::Duration;

/// A number of bytes.
pub type Bytes = usize;

/// The value of a limit that says there is none.
pub const UNLIMITED: usize = usize::MAX;

/// What becomes of a client that has not taken in `write_deadline` what waited for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WriteTimeout {
    /// It is cut off.
    #[default]
    Close,
    /// It gets as much time again if it has taken anything at all.
    Retry,
}

/// What one peer may ask of the server, and how long it may take.
///
/// Values of zero mean "no limit" only where the field says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Client connections at one time; 0 lets nobody in, [`UNLIMITED`] everybody.
    pub max_connections: usize,
    /// Subscriptions of one connection; 0 for no limit, as is [`UNLIMITED`].
    pub max_subscriptions: usize,
    /// Tokens in the subject of a subscription; 0 for no limit.
    pub max_subscription_tokens: usize,
    /// The arguments of one control line.
    pub max_control_line: Bytes,
    /// Headers and payload of one message.
    pub max_payload: Bytes,
    /// What may wait for one connection before it is a slow consumer.
    pub max_pending: Bytes,
    /// How long what waits for a connection may take to be written before it is a slow consumer.
    pub write_deadline: Duration,
    /// What follows if it takes longer.
    pub write_timeout: WriteTimeout,
    /// Whether publishers pause while a great part of [`max_pending`](Self::max_pending) waits for somebody they
    /// publish to.
    pub stalls_publishers: bool,
    /// How often a silent connection is asked whether it is still there.
    pub ping_interval: Duration,
    /// How many PINGs may go unanswered before the connection is stale.
    pub ping_max: u32,
    /// Whether messages with headers are taken and INFO offers them.
    pub headers: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 64 * 1024,
            max_subscriptions: 0,
            max_subscription_tokens: 0,
            max_control_line: 4096,
            max_payload: 1024 * 1024,
            max_pending: 64 * 1024 * 1024,
            write_deadline: Duration::from_secs(10),
            write_timeout: WriteTimeout::Close,
            stalls_publishers: true,
            ping_interval: Duration::from_secs(120),
            ping_max: 2,
            headers: true,
        }
    }
}
