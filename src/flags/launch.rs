//! From flags to the configuration of a server.

use super::syntax::{Parsed, Value};
use super::table::{Feature, Setting};
use super::{cluster, jetstream, tls};
use std::path::PathBuf;
use thiserror::Error;
use vagus_auth::credentials::{self, Credentials, Gate, GateError};
use vagus_auth::password::is_hash;
use vagus_configs::grammar::Map;
use vagus_configs::{
    BadSyslogAddress, Config, Listen, Loaded, LogTime, Logging, Monitoring, Obstacle, Port, UnknownLogFormat,
    Warning, is_advertisable,
};

/// A server to be started.
#[derive(Debug, PartialEq)]
pub(crate) struct Launch {
    pub(crate) config: Config,
    /// What the operator should know about the file and the flags; each is a line of the log.
    pub(crate) warnings: Vec<String>,
    /// The file that the flags were laid over.
    pub(crate) file: Option<ConfigurationFile>,
    /// What the file holds.
    pub(crate) tree: Map,
}

/// A configuration file that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConfigurationFile {
    pub(crate) path: PathBuf,
    /// The hash of its content.
    pub(crate) digest: String,
}

/// Flags that make no server.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum LaunchError {
    #[error("{}", lines(.0))]
    Obstacles(Vec<Obstacle>),
    #[error("the {0} name must not hold a space: {1:?}")]
    NameWithSpace(&'static str, String),
    #[error("port {0} is out of range: 0 to 65535, or -1 for any that is free")]
    PortOutOfRange(i64),
    #[error("the number of arbiters must be 0 (one a core) to {MAX_ARBITERS}, not {0}")]
    ArbitersOutOfRange(i64),
    #[error("the address to advertise must be <host> or <host>:<port>, not {0:?}")]
    BadAdvertise(String),
    #[error("a route must be a URL such as nats-route://host:6222")]
    BadRoute,
    #[error("--cluster must be a URL such as nats://host:6222")]
    BadClusterListen,
    #[error("routes need a cluster listener: set --cluster too")]
    RoutesWithoutCluster,
    #[error("jetstream cluster requires `{0}` to be set")]
    JetStreamClusterWithout(&'static str),
    #[error("Not allowed to enable JetStream on the system account")]
    JetStreamOfSystemAccount,
    #[error("TLS needs a certificate and its private key")]
    TlsWithoutCertificate,
    #[error("a token beside the users of a configuration file is not in this version of vagus yet")]
    TokenBesideUsers,
    #[error(transparent)]
    Credentials(#[from] GateError),
    #[error(transparent)]
    RemoteSyslog(#[from] BadSyslogAddress),
    #[error(transparent)]
    LogFormat(#[from] UnknownLogFormat),
}

fn lines(obstacles: &[Obstacle]) -> String {
    let lines: Vec<String> = obstacles.iter().map(Obstacle::to_string).collect();
    lines.join("\n")
}

/// More threads than any machine has cores.
const MAX_ARBITERS: i64 = 1024;

impl Feature {
    fn sentence(self) -> &'static str {
        match self {
            Self::Profiling => "Profiling is",
        }
    }
}

impl Launch {
    /// Lays the flags over what the file says: a flag that is given counts, be it with nothing at all,
    /// which means the default.
    pub(super) fn from_flags(flags: &Parsed<Setting>, loaded: Option<Loaded>) -> Result<Self, LaunchError> {
        let (mut config, file, mut warnings, tree) = match loaded {
            None => (Config::default(), None, Vec::new(), Map::default()),
            Some(loaded) if loaded.obstacles.is_empty() => {
                let file = ConfigurationFile {
                    path: flags
                        .text(Setting::ConfigurationFile)
                        .map(PathBuf::from)
                        .unwrap_or_default(),
                    digest: loaded.digest,
                };
                let warnings = loaded.warnings.iter().map(Warning::to_string).collect();
                (loaded.config, Some(file), warnings, loaded.tree)
            }
            Some(loaded) => return Err(LaunchError::Obstacles(loaded.obstacles)),
        };
        if let Some(file) = &file {
            config.digest.clone_from(&file.digest);
        }
        server_name(flags, &mut config)?;
        client_advertise(flags, &mut config)?;
        lay_over(&mut config.pid_file, flags, Setting::PidFile);
        lay_over(&mut config.ports_file_dir, flags, Setting::PortsFileDirectory);
        if flags.last(Setting::Arbiters).is_some() {
            config.arbiters = arbiters(flags)?;
        }
        logging(flags, &mut config.logging)?;
        listen(flags, &mut config.clients.listen)?;
        monitoring(flags, &mut config.monitoring)?;
        lay_over(&mut config.store_dir, flags, Setting::StoreDirectory);
        tls::lay_over(&mut config, flags)?;
        let of_file = std::mem::take(&mut config.clients.credentials);
        config.clients.credentials = credentials(flags, of_file, &mut warnings)?;
        cluster::lay_over(&mut config, flags, &mut warnings)?;
        jetstream::lay_over(&mut config, flags, &mut warnings)?;
        warn_of_idle(flags, &mut warnings);
        Ok(Self {
            config,
            warnings,
            file,
            tree,
        })
    }
}

/// Sets what a text says, if the flag is given.
fn lay_over<T: From<String>>(setting: &mut Option<T>, flags: &Parsed<Setting>, flag: Setting) {
    if flags.last(flag).is_some() {
        *setting = flags.text(flag).map(|text| T::from(text.to_owned()));
    }
}

/// What is about other servers, or others' tools, and harmless where there are none.
fn warn_of_idle(flags: &Parsed<Setting>, warnings: &mut Vec<String>) {
    for given in &flags.given {
        let Setting::Idle(feature) = given.id else {
            continue;
        };
        if !given.value.is_off() {
            let sentence = feature.sentence();
            warnings.push(format!(
                "-{} changes nothing: {sentence} not in this version of vagus yet",
                given.name
            ));
        }
    }
}

fn server_name(flags: &Parsed<Setting>, config: &mut Config) -> Result<(), LaunchError> {
    lay_over(&mut config.server_name, flags, Setting::Name);
    match &config.server_name {
        Some(name) if name.contains(' ') => Err(LaunchError::NameWithSpace("server", name.clone())),
        _ => Ok(()),
    }
}

fn client_advertise(flags: &Parsed<Setting>, config: &mut Config) -> Result<(), LaunchError> {
    lay_over(&mut config.clients.advertise, flags, Setting::ClientAdvertise);
    match &config.clients.advertise {
        Some(address) if !is_advertisable(address) => Err(LaunchError::BadAdvertise(address.clone())),
        _ => Ok(()),
    }
}

fn listen(flags: &Parsed<Setting>, listen: &mut Listen) -> Result<(), LaunchError> {
    if flags.last(Setting::Address).is_some() {
        let host = flags.text(Setting::Address).map(str::to_owned);
        listen.host = host.unwrap_or_else(|| Listen::default().host);
    }
    if let Some(value) = flags.last(Setting::Port) {
        let number = value.integer();
        listen.port = Port::from_number(number).ok_or(LaunchError::PortOutOfRange(number))?;
    }
    Ok(())
}

/// 0 leaves what the file says.
fn monitoring(flags: &Parsed<Setting>, monitoring: &mut Monitoring) -> Result<(), LaunchError> {
    for (flag, port) in [
        (Setting::HttpPort, &mut monitoring.http),
        (Setting::HttpsPort, &mut monitoring.https),
    ] {
        let number = flags.last(flag).map_or(0, Value::integer);
        if number != 0 {
            let asked = Monitoring::port_from_number(number).ok_or(LaunchError::PortOutOfRange(number))?;
            *port = asked;
        }
    }
    Ok(())
}

fn arbiters(flags: &Parsed<Setting>) -> Result<usize, LaunchError> {
    match flags.integer(Setting::Arbiters) {
        number @ 0..=MAX_ARBITERS => {
            usize::try_from(number).map_err(|_| LaunchError::ArbitersOutOfRange(number))
        }
        number => Err(LaunchError::ArbitersOutOfRange(number)),
    }
}

fn logging(flags: &Parsed<Setting>, logging: &mut Logging) -> Result<(), LaunchError> {
    if let Some(value) = flags.last(Setting::Debug) {
        logging.debug = value.is_true();
    }
    if let Some(value) = flags.last(Setting::Trace) {
        logging.trace = value.is_true();
    }
    // The combined flags win over the single ones, wherever they stand, also with =false.
    if let Some(value) = flags.last(Setting::DebugAndTrace) {
        logging.debug = value.is_true();
        logging.trace = value.is_true();
    }
    if let Some(value) = flags.last(Setting::DebugAndVerboseTrace) {
        logging.debug = value.is_true();
        logging.trace = value.is_true();
        logging.trace_system_account = value.is_true();
    }
    if let Some(value) = flags.last(Setting::VerboseTrace) {
        logging.trace = value.is_true();
        logging.trace_system_account = value.is_true();
    }
    lay_over(&mut logging.file, flags, Setting::LogFile);
    if let Some(value) = flags.last(Setting::LogSizeLimit) {
        logging.file_size_limit = size(value);
    }
    if let Some(value) = flags.last(Setting::LogMaxFiles) {
        logging.max_files = size(value);
    }
    if let Some(value) = flags.last(Setting::Syslog) {
        logging.syslog = value.is_true();
    }
    if flags.last(Setting::RemoteSyslog).is_some() {
        logging.remote_syslog = flags.text(Setting::RemoteSyslog).map(str::parse).transpose()?;
    }
    if let Some(value) = flags.last(Setting::LogFormat) {
        logging.format = value.text().parse()?;
    }
    if let Some(value) = flags.last(Setting::MaxTracedMessage) {
        logging.max_traced_payload = size(value);
    }
    let is_given = |flag, otherwise| flags.last(flag).map_or(otherwise, Value::is_true);
    let shown = is_given(Setting::LogTime, logging.time != LogTime::None);
    let utc = is_given(Setting::LogTimeUtc, logging.time == LogTime::Utc);
    logging.time = match (shown, utc) {
        (false, _) => LogTime::None,
        (true, true) => LogTime::Utc,
        (true, false) => LogTime::Local,
    };
    Ok(())
}

/// A number of bytes or files; negative ones mean "no limit", which is 0.
fn size(value: &Value) -> usize {
    usize::try_from(value.integer()).unwrap_or(0)
}

/// A flag replaces the user, the password or the token of the file and leaves the others; a token is asked
/// for before a user is.
fn credentials(
    flags: &Parsed<Setting>,
    of_file: Credentials,
    warnings: &mut Vec<String>,
) -> Result<Credentials, LaunchError> {
    let (mut user, mut password, mut token) = match of_file {
        // Whatever user is named, it takes a token.
        Credentials::Claims => return Ok(Credentials::Claims),
        Credentials::Open => (None, None, None),
        Credentials::Token(token) => (None, None, Some(token)),
        Credentials::User { name, password } => (Some(name), Some(password), None),
        users @ Credentials::Users { .. } => return beside_users(flags, users, warnings),
    };
    lay_over(&mut user, flags, Setting::User);
    lay_over(&mut password, flags, Setting::Password);
    lay_over(&mut token, flags, Setting::Token);
    let is_plain = |password: &String| !password.is_empty() && !is_hash(password);
    if password.as_ref().is_some_and(is_plain) {
        warnings.push(PLAINTEXT.to_owned());
    }
    let credentials = match (token, user) {
        (Some(token), _) => Credentials::Token(token),
        (None, Some(name)) => Credentials::User {
            name,
            password: password.unwrap_or_default(),
        },
        (None, None) => Credentials::Open,
    };
    warn_of_hashes(&Gate::new(credentials.clone())?, warnings);
    Ok(credentials)
}

/// Where the file has users, those are the ones that may connect.
fn beside_users(
    flags: &Parsed<Setting>,
    users: Credentials,
    warnings: &mut Vec<String>,
) -> Result<Credentials, LaunchError> {
    if flags.text(Setting::Token).is_some() {
        return Err(LaunchError::TokenBesideUsers);
    }
    if flags.text(Setting::User).is_some() || flags.text(Setting::Password).is_some() {
        warnings.push("--user and --pass change nothing: the configuration file has users".to_owned());
    }
    let gate = Gate::new(users.clone())?;
    if gate
        .warnings()
        .contains(&credentials::Warning::PlaintextPasswords)
    {
        warnings.push(PLAINTEXT.to_owned());
    }
    warn_of_hashes(&gate, warnings);
    Ok(users)
}

/// What tools look for.
const PLAINTEXT: &str = "Plaintext passwords detected, use nkeys or bcrypt";

fn warn_of_hashes(gate: &Gate, warnings: &mut Vec<String>) {
    for warning in gate.warnings() {
        if let credentials::Warning::UnusableHash { user } = warning {
            let owner = user.map_or("the token".to_owned(), |user| format!("the password of {user:?}"));
            warnings.push(format!(
                "Nobody can log in with {owner}: it looks like a bcrypt hash and is none"
            ));
        }
    }
}
