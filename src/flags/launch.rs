//! From flags to the configuration of a server.

use super::syntax::Parsed;
use super::table::{Feature, Setting};
use std::path::PathBuf;
use thiserror::Error;
use vagus_configs::{Authorization, Config, LogTime, Logging, Port};

/// A server to be started.
#[derive(Debug, PartialEq)]
pub(crate) struct Launch {
    pub(crate) config: Config,
    /// What the operator should know about the flags; each is a line of the log.
    pub(crate) warnings: Vec<String>,
}

/// Flags that make no server.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum LaunchError {
    #[error("the server name must not hold a space: {0:?}")]
    NameWithSpace(String),
    #[error("port {0} is out of range: 0 to 65535, or -1 for any that is free")]
    PortOutOfRange(i64),
    #[error("the number of arbiters must be 0 (one a core) to {MAX_ARBITERS}, not {0}")]
    ArbitersOutOfRange(i64),
    #[error("the address to advertise must be <host> or <host>:<port>, not {0:?}")]
    BadAdvertise(String),
    #[error("routes need a cluster listener: set --cluster too")]
    RoutesWithoutCluster,
    #[error("TLS needs a certificate and its private key")]
    TlsWithoutCertificate,
    #[error("bcrypt hashes as passwords are not in this version of vagus yet")]
    HashedPassword,
    #[error("{} not in this version of vagus yet{}", .feature.sentence(), naming(.flag))]
    Absent { feature: Feature, flag: &'static str },
}

/// More threads than any machine has cores.
const MAX_ARBITERS: i64 = 1024;

/// nats-server's name for any free port.
const FREE_PORT: i64 = -1;

impl Feature {
    fn sentence(self) -> &'static str {
        match self {
            Self::ConfigurationFile => "Configuration files are",
            Self::Monitoring => "Monitoring over HTTP is",
            Self::Syslog => "Logging to syslog is",
            Self::Profiling => "Profiling is",
            Self::JetStream => "JetStream is",
            Self::Tls => "TLS is",
            Self::Cluster => "Clustering is",
        }
    }
}

fn naming(flag: &str) -> String {
    if flag.is_empty() {
        String::new()
    } else {
        format!(": leave out -{flag}")
    }
}

impl Launch {
    pub(super) fn from_flags(flags: &Parsed<Setting>) -> Result<Self, LaunchError> {
        refuse_absent(flags)?;
        let mut config = Config {
            server_name: server_name(flags)?,
            client_advertise: client_advertise(flags)?,
            pid_file: flags.text(Setting::PidFile).map(PathBuf::from),
            ports_file_dir: flags.text(Setting::PortsFileDirectory).map(PathBuf::from),
            arbiters: arbiters(flags)?,
            logging: logging(flags),
            ..Config::default()
        };
        if let Some(host) = flags.text(Setting::Address) {
            config.listen.host = host.to_owned();
        }
        match flags.integer(Setting::Port) {
            0 => {}
            FREE_PORT => config.listen.port = Port::Free,
            number => {
                let port = u16::try_from(number).map_err(|_| LaunchError::PortOutOfRange(number))?;
                config.listen.port = Port::Fixed(port);
            }
        }
        let mut warnings = Vec::new();
        config.authorization = authorization(flags, &mut warnings)?;
        if let Some(folder) = flags.text(Setting::StoreDirectory) {
            warnings.push(format!("Nothing is stored in {folder}: JetStream is not enabled"));
        }
        Ok(Self { config, warnings })
    }
}

/// Nothing that is asked for is passed over in silence; asking for the default is no request.
fn refuse_absent(flags: &Parsed<Setting>) -> Result<(), LaunchError> {
    let tls_off = flags
        .given
        .iter()
        .any(|given| given.name == "tls" && given.value.is_off());
    let tls_asked = flags.given.iter().any(|given| {
        !given.value.is_off()
            && matches!(
                given.id,
                Setting::Absent(Feature::Tls) | Setting::TlsCertificate | Setting::TlsKey
            )
    });
    if tls_asked && !tls_off {
        if flags.text(Setting::TlsCertificate).is_none() || flags.text(Setting::TlsKey).is_none() {
            return Err(LaunchError::TlsWithoutCertificate);
        }
        return Err(refusal(Feature::Tls, ""));
    }
    if flags.text(Setting::ClusterListen).is_some() {
        return Err(refusal(Feature::Cluster, ""));
    }
    if flags.text(Setting::Routes).is_some() {
        return Err(LaunchError::RoutesWithoutCluster);
    }
    for given in &flags.given {
        if let Setting::Absent(feature) = given.id
            && feature != Feature::Tls
            && !given.value.is_off()
        {
            return Err(refusal(feature, given.name));
        }
    }
    Ok(())
}

fn refusal(feature: Feature, flag: &'static str) -> LaunchError {
    LaunchError::Absent { feature, flag }
}

fn server_name(flags: &Parsed<Setting>) -> Result<Option<String>, LaunchError> {
    match flags.text(Setting::Name) {
        Some(name) if name.contains(' ') => Err(LaunchError::NameWithSpace(name.to_owned())),
        name => Ok(name.map(str::to_owned)),
    }
}

fn client_advertise(flags: &Parsed<Setting>) -> Result<Option<String>, LaunchError> {
    let Some(text) = flags.text(Setting::ClientAdvertise) else {
        return Ok(None);
    };
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or(rest))),
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port_is_good = port.is_none_or(|port| port.parse::<u16>().is_ok());
    if host.trim().is_empty() || !port_is_good {
        return Err(LaunchError::BadAdvertise(text.to_owned()));
    }
    Ok(Some(text.to_owned()))
}

fn arbiters(flags: &Parsed<Setting>) -> Result<usize, LaunchError> {
    match flags.integer(Setting::Arbiters) {
        number @ 0..=MAX_ARBITERS => {
            usize::try_from(number).map_err(|_| LaunchError::ArbitersOutOfRange(number))
        }
        number => Err(LaunchError::ArbitersOutOfRange(number)),
    }
}

fn logging(flags: &Parsed<Setting>) -> Logging {
    let mut logging = Logging {
        debug: flags.is_true(Setting::Debug),
        trace: flags.is_true(Setting::Trace),
        file: flags.text(Setting::LogFile).map(PathBuf::from),
        file_size_limit: size(flags, Setting::LogSizeLimit),
        max_traced_payload: size(flags, Setting::MaxTracedMessage),
        ..Logging::default()
    };
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
    if flags.last(Setting::LogTime).is_some_and(|value| !value.is_true()) {
        logging.time = LogTime::None;
    } else if flags.is_true(Setting::LogTimeUtc) {
        logging.time = LogTime::Utc;
    }
    logging
}

/// A number of bytes; none and negative ones mean "no limit", which is 0.
fn size(flags: &Parsed<Setting>, setting: Setting) -> usize {
    usize::try_from(flags.integer(setting)).unwrap_or(0)
}

fn authorization(
    flags: &Parsed<Setting>,
    warnings: &mut Vec<String>,
) -> Result<Option<Authorization>, LaunchError> {
    let password = flags.text(Setting::Password).unwrap_or_default();
    let token = flags.text(Setting::Token);
    if is_bcrypt(password) || token.is_some_and(is_bcrypt) {
        return Err(LaunchError::HashedPassword);
    }
    if !password.is_empty() {
        warnings.push("Plaintext passwords detected, use nkeys or bcrypt".to_owned());
    }
    let user = flags.text(Setting::User).map(|user| Authorization::User {
        user: user.to_owned(),
        password: password.to_owned(),
    });
    Ok(token.map(|token| Authorization::Token(token.to_owned())).or(user))
}

fn is_bcrypt(secret: &str) -> bool {
    matches!(
        secret.as_bytes(),
        [b'$', b'2', b'a' | b'b' | b'x' | b'y', b'$', ..]
    )
}
