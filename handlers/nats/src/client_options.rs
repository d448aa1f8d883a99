//! What a client asked for in CONNECT, as far as messages are concerned.

use vagus_protocol::connect::ConnectOptions;

/// What decides about each operation; before CONNECT the defaults.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientOptions {
    pub(crate) verbose: bool,
    pub(crate) pedantic: bool,
    pub(crate) echo: bool,
    pub(crate) no_responders: bool,
    pub(crate) logged: bool,
}

impl ClientOptions {
    pub(crate) fn of(options: &ConnectOptions) -> Self {
        Self {
            verbose: options.verbose,
            pedantic: options.pedantic,
            echo: options.echo,
            no_responders: options.no_responders,
            logged: logs_each(),
        }
    }
}

/// Whether the log has a line for each operation.
pub(crate) fn logs_each() -> bool {
    log::log_enabled!(log::Level::Trace)
}
