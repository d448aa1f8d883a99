//! What the command line asks for, as a pure function of the arguments and the configuration file.

mod cluster;
mod help;
mod jetstream;
mod launch;
mod signal;
pub(crate) mod syntax;
mod table;
mod tls;

pub(crate) use help::{COMMANDS, SERVE, SERVER};
pub(crate) use launch::{ConfigurationFile, Launch};
pub(crate) use signal::{Order, Signal, SignalError};
pub(crate) use tls::help as tls_help;

use launch::LaunchError;
use std::path::Path;
use syntax::SyntaxError;
use table::{SERVER_FLAGS, Setting};
use thiserror::Error;
use vagus_configs::{ConfigError, Loaded, Warning};

/// What the program is to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    /// Run a server.
    Serve(Box<Launch>),
    /// Say that this file is valid.
    Approve(ConfigurationFile),
    /// Send a signal to a running server.
    Signal(Order),
    /// Run one of the tools, with its own arguments.
    Tool(Tool, Vec<String>),
    /// Print one of these and end.
    Show(Text),
}

/// What can be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    Version,
    Server,
    Serve,
    Tls,
    Tool(Tool),
}

/// The commands that are not the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Pub,
    Sub,
    Req,
    Reply,
    Bench,
    Top,
    Healthcheck,
    Password,
    Mapping,
    Stream,
    Consumer,
    KeyValue,
    Object,
    Backup,
    Restore,
}

impl Tool {
    fn named(word: &str) -> Option<Self> {
        Some(match word {
            "pub" => Self::Pub,
            "sub" => Self::Sub,
            "req" => Self::Req,
            "reply" => Self::Reply,
            "bench" => Self::Bench,
            "top" => Self::Top,
            "healthcheck" => Self::Healthcheck,
            "passwd" => Self::Password,
            "mapping" => Self::Mapping,
            "stream" => Self::Stream,
            "consumer" => Self::Consumer,
            "kv" => Self::KeyValue,
            "object" => Self::Object,
            "backup" => Self::Backup,
            "restore" => Self::Restore,
            _ => return None,
        })
    }
}

/// A command line that cannot be followed.
#[derive(Debug, Error)]
pub(crate) enum FlagError {
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    #[error("there is no command {0:?}; `vagus help` lists what there is")]
    UnknownCommand(String),
    #[error(transparent)]
    Signal(#[from] SignalError),
    #[error("-t checks the configuration file that -c names, and there is none")]
    NothingToCheck,
    #[error(transparent)]
    Configuration(#[from] ConfigError),
    #[error("{}", lines(.0))]
    Doubtful(Vec<Warning>),
    #[error(transparent)]
    Launch(#[from] LaunchError),
}

fn lines(warnings: &[Warning]) -> String {
    let lines: Vec<String> = warnings.iter().map(Warning::to_string).collect();
    lines.join("\n")
}

/// Reads a configuration file.
pub(crate) type Load<'l> = &'l dyn Fn(&Path) -> Result<Loaded, ConfigError>;

impl FlagError {
    /// Whether the help follows the error. The exit status is then 0: scripts written for nats-server
    /// rely on neither, and tools that probe for a flag rely on both.
    pub(crate) fn shows_help(&self) -> bool {
        matches!(self, Self::Syntax(_))
    }
}

/// Reads the arguments, without the program's name.
pub(crate) fn parse(args: &[String], load: Load<'_>) -> Result<Command, FlagError> {
    match args {
        [word, rest @ ..] if word == "serve" => parse_server(rest, Text::Serve, load),
        [word, topic, ..] if word == "help" && topic == "serve" => Ok(Command::Show(Text::Serve)),
        [word, topic, ..] if word == "help" => {
            Ok(Command::Show(Tool::named(topic).map_or(Text::Server, Text::Tool)))
        }
        [word, rest @ ..] => match Tool::named(word) {
            Some(tool) if asks_for_help(rest) => Ok(Command::Show(Text::Tool(tool))),
            Some(tool) => Ok(Command::Tool(tool, rest.to_vec())),
            None => parse_server(args, Text::Server, load),
        },
        [] => parse_server(args, Text::Server, load),
    }
}

fn asks_for_help(args: &[String]) -> bool {
    args.iter()
        .take_while(|arg| *arg != "--")
        .any(|arg| matches!(arg.as_str(), "-h" | "-help" | "--help"))
}

fn parse_server(args: &[String], help: Text, load: Load<'_>) -> Result<Command, FlagError> {
    let parsed = syntax::parse(SERVER_FLAGS, args)?;
    for (setting, text) in [
        (Setting::Version, Text::Version),
        (Setting::Help, help),
        (Setting::HelpTls, Text::Tls),
    ] {
        if parsed.is_true(setting) {
            return Ok(Command::Show(text));
        }
    }
    if let Some(word) = parsed.rest.first() {
        return match word.to_lowercase().as_str() {
            "version" => Ok(Command::Show(Text::Version)),
            "help" => Ok(Command::Show(help)),
            _ => Err(FlagError::UnknownCommand(word.clone())),
        };
    }
    if let Some(text) = parsed.text(Setting::Signal) {
        return Ok(Command::Signal(Order::read(text)?));
    }
    let path = parsed.text(Setting::ConfigurationFile).map(Path::new);
    if parsed.is_true(Setting::Check) {
        return check(path.ok_or(FlagError::NothingToCheck)?, load);
    }
    let loaded = path.map(load).transpose()?;
    Ok(Command::Serve(Box::new(Launch::from_flags(&parsed, loaded)?)))
}

/// Lays the flags of a server's command line over what a file says: the one that it was started with, by now, or
/// another one in its place.
pub(crate) fn lay_over(args: &[String], loaded: Loaded) -> Result<Launch, FlagError> {
    let args = match args {
        [word, rest @ ..] if word == "serve" => rest,
        all => all,
    };
    let parsed = syntax::parse(SERVER_FLAGS, args)?;
    Ok(Launch::from_flags(&parsed, Some(loaded))?)
}

/// The flags beside `-t` and `-c` do not matter to a check.
fn check(path: &Path, load: Load<'_>) -> Result<Command, FlagError> {
    let mut loaded = load(path)?;
    loaded.warnings.retain(|warning| warning.fails_check);
    if !loaded.warnings.is_empty() {
        return Err(FlagError::Doubtful(loaded.warnings));
    }
    Ok(Command::Approve(ConfigurationFile {
        path: path.to_path_buf(),
        digest: loaded.digest,
    }))
}

#[cfg(test)]
mod tests;
