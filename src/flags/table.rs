//! Every flag of the server.

use super::syntax::{Flag, Kind};

/// What a flag sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setting {
    Help,
    HelpTls,
    Version,
    Signal,
    ConfigurationFile,
    Check,

    Address,
    Port,
    Name,
    PidFile,
    PortsFileDirectory,
    ClientAdvertise,
    HttpPort,
    HttpsPort,
    Arbiters,

    LogFile,
    LogTime,
    LogTimeUtc,
    LogSizeLimit,
    LogMaxFiles,
    LogFormat,
    Syslog,
    RemoteSyslog,
    MaxTracedMessage,
    Debug,
    Trace,
    VerboseTrace,
    DebugAndTrace,
    DebugAndVerboseTrace,

    User,
    Password,
    Token,

    StoreDirectory,
    JetStream,
    /// Without effect, and harmless.
    Idle(Feature),
    Tls,
    TlsVerify,
    TlsCa,
    TlsCertificate,
    TlsKey,
    Routes,
    ClusterListen,
    ClusterName,
    ClusterAdvertise,
    NoAdvertise,
    ConnectRetries,
}

/// What nats-server can do and this version cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Feature {
    Profiling,
}

const fn flag(id: Setting, names: &'static [&'static str], kind: Kind) -> Flag<Setting> {
    Flag { id, names, kind }
}

pub(crate) const SERVER_FLAGS: &[Flag<Setting>] = &[
    flag(Setting::Help, &["h", "help"], Kind::Bool),
    flag(Setting::HelpTls, &["help_tls"], Kind::Bool),
    flag(Setting::Version, &["v", "version"], Kind::Bool),
    flag(Setting::Signal, &["sl", "signal"], Kind::Text),
    flag(Setting::ConfigurationFile, &["c", "config"], Kind::Text),
    flag(Setting::Check, &["t"], Kind::Bool),
    flag(Setting::Address, &["a", "addr", "net"], Kind::Text),
    flag(Setting::Port, &["p", "port"], Kind::Integer),
    flag(Setting::Name, &["n", "name", "server_name"], Kind::Text),
    flag(Setting::PidFile, &["P", "pid"], Kind::Text),
    flag(Setting::PortsFileDirectory, &["ports_file_dir"], Kind::Text),
    flag(Setting::ClientAdvertise, &["client_advertise"], Kind::Text),
    flag(Setting::Arbiters, &["arbiters"], Kind::Integer),
    flag(Setting::LogFile, &["l", "log"], Kind::Text),
    flag(Setting::LogTime, &["T", "logtime"], Kind::Bool),
    flag(Setting::LogTimeUtc, &["logtime_utc"], Kind::Bool),
    flag(Setting::LogSizeLimit, &["log_size_limit"], Kind::Integer),
    flag(Setting::LogMaxFiles, &["log_max_num"], Kind::Integer),
    flag(Setting::LogFormat, &["log_format"], Kind::Text),
    flag(Setting::MaxTracedMessage, &["max_traced_msg_len"], Kind::Integer),
    flag(Setting::Debug, &["D", "debug"], Kind::Bool),
    flag(Setting::Trace, &["V", "trace"], Kind::Bool),
    flag(Setting::VerboseTrace, &["VV"], Kind::Bool),
    flag(Setting::DebugAndTrace, &["DV"], Kind::Bool),
    flag(Setting::DebugAndVerboseTrace, &["DVV"], Kind::Bool),
    flag(Setting::User, &["user"], Kind::Text),
    flag(Setting::Password, &["pass"], Kind::Text),
    flag(Setting::Token, &["auth"], Kind::Text),
    flag(Setting::StoreDirectory, &["sd", "store_dir"], Kind::Text),
    flag(Setting::HttpPort, &["m", "http_port"], Kind::Integer),
    flag(Setting::HttpsPort, &["ms", "https_port"], Kind::Integer),
    flag(Setting::Syslog, &["s", "syslog"], Kind::Bool),
    flag(Setting::RemoteSyslog, &["r", "remote_syslog"], Kind::Text),
    idle(Feature::Profiling, &["profile"], Kind::Integer),
    flag(Setting::JetStream, &["js", "jetstream"], Kind::Bool),
    flag(Setting::Tls, &["tls"], Kind::Bool),
    flag(Setting::TlsVerify, &["tlsverify"], Kind::Bool),
    flag(Setting::TlsCa, &["tlscacert"], Kind::Text),
    flag(Setting::TlsCertificate, &["tlscert"], Kind::Text),
    flag(Setting::TlsKey, &["tlskey"], Kind::Text),
    flag(Setting::Routes, &["routes"], Kind::Text),
    flag(Setting::ClusterListen, &["cluster", "cluster_listen"], Kind::Text),
    flag(Setting::ClusterName, &["cluster_name"], Kind::Text),
    flag(Setting::ClusterAdvertise, &["cluster_advertise"], Kind::Text),
    flag(Setting::NoAdvertise, &["no_advertise"], Kind::Bool),
    flag(Setting::ConnectRetries, &["connect_retries"], Kind::Integer),
];

const fn idle(feature: Feature, names: &'static [&'static str], kind: Kind) -> Flag<Setting> {
    flag(Setting::Idle(feature), names, kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_name_means_two_things() {
        let mut seen = HashSet::new();
        for name in SERVER_FLAGS.iter().flat_map(|flag| flag.names) {
            assert!(seen.insert(name), "{name}");
        }
    }
}
