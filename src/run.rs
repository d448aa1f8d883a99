//! A server as a process: its log, its files and the signals it is sent.

use crate::configuration::{self, Files};
use crate::flags::Launch;
use crate::logging::{FATAL, RunningLog};
use crate::process::control;
use crate::process::descriptors;
use crate::process::pid_file;
use crate::process::ports_file::{Ports, own_addresses};
use crate::process::supervisor::{self, News};
use log::{debug, error, info, warn};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGXFSZ};
use signal_hook::iterator::Signals;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use thiserror::Error;
use vagus::{Content, Keep, LameDuckPhase, Propose, Reach, Server, StartError};
use vagus_configs::Config;
use vagus_tls::HandshakeFirst;

/// Why there is no server.
#[derive(Debug, Error)]
enum RunError {
    #[error("Cannot wait for signals: {0}")]
    Signals(io::Error),
    #[error("Cannot write the pid file {path:?}: {source}")]
    PidFile {
        path: std::path::PathBuf,
        source: io::Error,
    },
    #[error("Error listening on port: {address}, \"{}\"", plainly(.source))]
    Listen { address: String, source: io::Error },
    #[error("can't listen to the monitor port: listen tcp {address}: bind: {}", plainly(.source))]
    ListenForMonitoring { address: String, source: io::Error },
    #[error(transparent)]
    Start(StartError),
}

impl From<StartError> for RunError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Listen { address, source } => Self::Listen { address, source },
            StartError::ListenForMonitoring { address, source } => {
                Self::ListenForMonitoring { address, source }
            }
            other => Self::Start(other),
        }
    }
}

/// The system's words in lower case and without its number: tools look for "address already in use".
fn plainly(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error ").next().unwrap_or_default();
    words.to_lowercase()
}

/// What a process ends with when it is told to end by SIGQUIT.
const QUIT: u8 = 2;

/// Runs a server until a signal ends it.
pub(crate) fn serve(launch: Launch, args: Vec<String>) -> ExitCode {
    let log = match RunningLog::start(&launch.config.logging) {
        Ok(log) => log,
        Err(error) => {
            crate::complain(&error);
            return ExitCode::FAILURE;
        }
    };
    log_panics();
    let status = run(launch, args, &log).unwrap_or_else(|error| {
        error!(target: FATAL, "{error}");
        ExitCode::FAILURE
    });
    log.flush();
    status
}

fn run(launch: Launch, args: Vec<String>, log: &RunningLog) -> Result<ExitCode, RunError> {
    let Launch {
        config,
        warnings,
        file,
        tree,
    } = launch;
    // Before anything can be seen of the server: who sees it may signal it.
    let (tell, events) = channel();
    follow_signals(tell.clone()).map_err(RunError::Signals)?;
    take_orders(&tell);

    info!("Starting nats-server");
    info!("  Version:  {}", vagus::NATS_VERSION);
    info!(
        "  Git:      [{}]",
        option_env!("VAGUS_GIT_COMMIT").unwrap_or("not set")
    );
    info!("  Vagus:    {}", vagus::VERSION);
    descriptors::allow_all();
    if let Some(path) = &config.pid_file {
        pid_file::write(path).map_err(|source| RunError::PidFile {
            path: path.clone(),
            source,
        })?;
    }
    let files = Files::new(log.clone());
    let setup = configuration::setup(args, file.as_ref(), tree, files.clone(), log);
    let server = Server::start_in(config.clone(), setup)?;
    info!("  Name:     {}", server.name());
    info!("  ID:       {}", server.id());
    tell_feature_flags(&config.feature_flags);
    if let Some(file) = &file {
        info!(
            "Using configuration file: {} ({})",
            file.path.display(),
            file.digest
        );
    }
    for warning in &warnings {
        warn!("{warning}");
    }
    let address = server.client_address();
    let monitors = [
        ("http", server.monitor_address()),
        ("https", server.secure_monitor_address()),
    ];
    for (kind, address) in monitors {
        if let Some(address) = address {
            let host = config
                .monitoring
                .host
                .as_ref()
                .unwrap_or(&config.clients.listen.host);
            info!(
                "Starting {kind} monitor on {}",
                host_and_port(host, address.port())
            );
        }
    }
    if let (Some(admin), Some(address)) = (&config.admin, server.admin_address()) {
        info!(
            "Starting admin service on {}",
            host_and_port(&admin.listen.host, address.port())
        );
    }
    let websocket = tell_of_websocket(&config, server.websocket_address());
    info!(
        "Listening for client connections on {}",
        host_and_port(&config.clients.listen.host, address.port())
    );
    tell_how_clients_connect(&config);
    let requires_tls = config.clients.tls.as_ref().is_some_and(|tls| !tls.allow_non_tls);
    let ports = Ports::new(
        (server.client_address(), requires_tls),
        server.monitor_address(),
        server.secure_monitor_address(),
        websocket,
        &own_addresses(),
    );
    files.write_ports_file(config.ports_file_dir.as_deref(), ports);
    info!("Server is ready");
    supervisor::tell(News::Ready);

    let tell_of_certificate = tell.clone();
    server.once_certificate_not_good(move || {
        // Nobody waits any more: it ends already.
        let _ = tell_of_certificate.send(Event::CertificateNotGood);
    });
    server.once_lame_duck_mode_ended(move || {
        // Nobody waits any more: it ends already.
        let _ = tell.send(Event::NobodyLeft);
    });
    let status = wait_for_the_end(&events, &server, log);
    info!("Initiating Shutdown...");
    supervisor::tell(News::Stopping);
    server.shutdown();
    files.remove_ports_file();
    info!("Server Exiting..");
    Ok(status)
}

/// As nats-server tells of them, all of which are unsupported here.
fn tell_feature_flags(flags: &BTreeMap<String, bool>) {
    if flags.is_empty() {
        return;
    }
    let names: Vec<&str> = flags.keys().map(String::as_str).collect();
    info!("  Feature flags:");
    info!("    Configured:    none");
    info!("    Unsupported:   {}", names.join(", "));
}

/// Where clients connect that speak WebSocket, and whether by TLS, if any may.
fn tell_of_websocket(config: &Config, address: Option<SocketAddr>) -> Option<(SocketAddr, bool)> {
    let (websocket, address) = config.websocket.as_ref().zip(address)?;
    let is_secure = websocket.tls.is_some();
    let scheme = if is_secure { "wss" } else { "ws" };
    info!(
        "Listening for websocket clients on {scheme}://{}",
        host_and_port(&websocket.listen.host, address.port())
    );
    if !is_secure {
        warn!("Websocket not configured with TLS. DO NOT USE IN PRODUCTION!");
    }
    Some((address, is_secure))
}

fn tell_how_clients_connect(config: &Config) {
    if config.clients.proxy_protocol {
        info!("PROXY protocol enabled for client connections");
    }
    let Some(tls) = &config.clients.tls else { return };
    // Where nothing is said before the handshake, nobody can go without.
    let first = tls.handshake_first == HandshakeFirst::On;
    if tls.allow_non_tls && !first {
        info!("TLS available for client connections");
    } else {
        info!("TLS required for client connections");
    }
    if first {
        warn!("Only clients that begin with the TLS handshake can connect, as handshake_first says");
    }
}

/// What a running server has to act upon.
enum Event {
    Signal(i32),
    /// Somebody wants the configuration read anew, and to be told what came of it.
    Reload(control::Reply),
    /// Lame duck mode has left nobody connected.
    NobodyLeft,
    /// The server is not to go on with one of its certificates.
    CertificateNotGood,
}

/// Passes on the signals that this process is sent.
fn follow_signals(tell: Sender<Event>) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2])?;
    // That a file may not become larger is an error for who writes it, and not the end of all others.
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                if tell.send(Event::Signal(signal)).is_err() {
                    return;
                }
            }
        })?;
    Ok(())
}

/// Follows events until one ends the server.
fn wait_for_the_end(events: &Receiver<Event>, server: &Server, log: &RunningLog) -> ExitCode {
    for event in events {
        let signal = match event {
            Event::Signal(signal) => signal,
            Event::NobodyLeft | Event::CertificateNotGood => return ExitCode::SUCCESS,
            Event::Reload(reply) => {
                reply.give(reload(server, "command"));
                continue;
            }
        };
        info!("Trapped {:?} signal", signal_name(signal));
        match signal {
            SIGINT => return ExitCode::SUCCESS,
            SIGTERM if !is_lame_duck(server) => return ExitCode::SUCCESS,
            // It ends anyway, and gently.
            SIGTERM => {}
            SIGQUIT => return ExitCode::from(QUIT),
            SIGUSR1 => log.reopen(),
            SIGHUP => {
                // It has been told in the log.
                let _ = reload(server, "signal");
            }
            _ => {
                if server.enter_lame_duck_mode() {
                    supervisor::tell(News::LameDuck);
                }
            }
        }
    }
    ExitCode::SUCCESS
}

/// Has the configuration file read anew. What is wrong with it, if anything, is also told in the log.
fn reload(server: &Server, by: &str) -> Result<(), String> {
    let propose = Propose {
        content: Content::File,
        by: by.to_owned(),
        expected: Vec::new(),
        reach: Reach::Machine,
        dry_run: false,
        keep: Keep::Memory,
    };
    server
        .propose(propose)
        .map(drop)
        .map_err(|error| error.to_string())
}

/// Lets other processes ask for a reload and learn what came of it. Where that cannot be, signals do.
fn take_orders(tell: &Sender<Event>) {
    let tell = tell.clone();
    if let Err(error) = control::listen(move |reply| tell.send(Event::Reload(reply)).is_ok()) {
        debug!("Only signals can be sent: {error}");
    }
}

fn is_lame_duck(server: &Server) -> bool {
    server
        .lame_duck()
        .is_some_and(|lame_duck| lame_duck.phase != LameDuckPhase::Off)
}

/// The names that nats-server logs.
fn signal_name(signal: i32) -> &'static str {
    match signal {
        SIGINT => "interrupt",
        SIGTERM => "terminated",
        SIGQUIT => "quit",
        SIGHUP => "hangup",
        SIGUSR1 => "user defined signal 1",
        _ => "user defined signal 2",
    }
}

/// `host:port`, with brackets around IPv6 addresses.
fn host_and_port(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// A panic is told in the log, which may be a file, and never waits for a reader of standard error.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.payload_as_str().unwrap_or("no message");
        let place = panic
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let thread = std::thread::current();
        error!(
            "Panic in thread {:?} at {place}: {text}",
            thread.name().unwrap_or("unnamed")
        );
    }));
}

#[cfg(test)]
mod tests {
    use super::{host_and_port, plainly};
    use std::io::Error;

    #[test]
    fn a_taken_port_as_tools_look_for_it() {
        let taken = Error::from(rustix::io::Errno::ADDRINUSE);
        assert_eq!(plainly(&taken), "address already in use");
        assert_eq!(plainly(&Error::other("No such host")), "no such host");
    }

    #[test]
    fn addresses_as_logged() {
        assert_eq!(host_and_port("0.0.0.0", 4222), "0.0.0.0:4222");
        assert_eq!(host_and_port("localhost", 1), "localhost:1");
        assert_eq!(host_and_port("::1", 4222), "[::1]:4222");
    }
}
