//! What all tools understand.

use super::address::{self, Address, Credentials};
use super::error::ToolError;
use crate::flags::syntax::{self, Flag, Kind, Parsed};
use std::time::Duration;

/// Everything a tool can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Argument {
    Server,
    User,
    Password,
    Token,

    Reply,
    Header,
    Count,
    Queue,
    Timestamps,
    Raw,
    Timeout,
    Replies,
    Echo,

    Publishers,
    Subscribers,
    Messages,
    Size,
    Throughput,
    Request,
    NoProgress,

    Json,
    Domain,
    Subject,
    Subjects,
    Names,
    Sort,
    Force,
    Keep,
    Sequence,
    LastFor,
    NextFor,
    Config,
    DryRun,
    Ephemeral,
    NoAcknowledgement,
    Wait,
    Create,
    Revision,
    Purge,
    Name,
    Output,
    All,
    NoConsumers,
    /// A setting of a stream or a consumer, by the key that the API has for it.
    Setting(&'static str),
}

pub(super) const HELP: &str = "
Server:
    -s, --server <url>       nats://[user:password@]host[:port], several with commas ($NATS_URL, else localhost)
        --user <name>        Connect as this user
        --password <text>    with this password
        --token <text>       Connect with this token

Exit status: 0 when done, 1 when it failed, 2 when the arguments are wrong.
";

/// Where to connect and as whom.
pub(super) struct ServerOptions {
    pub(super) addresses: Vec<Address>,
    pub(super) credentials: Option<Credentials>,
}

pub(super) const fn flag(id: Argument, names: &'static [&'static str], kind: Kind) -> Flag<Argument> {
    Flag { id, names, kind }
}

/// Reads the arguments of a tool that knows the flags `own` and those of all tools.
pub(super) fn read(own: Vec<Flag<Argument>>, args: &[String]) -> Result<Parsed<Argument>, ToolError> {
    let mut table = own;
    table.extend([
        flag(Argument::Server, &["s", "server"], Kind::Text),
        flag(Argument::User, &["user"], Kind::Text),
        flag(Argument::Password, &["password", "pass"], Kind::Text),
        flag(Argument::Token, &["token", "auth"], Kind::Text),
    ]);
    Ok(syntax::parse_interleaved(&table, args)?)
}

/// The server to use: flags go before the URL, the URL before the environment.
pub(super) fn server(
    parsed: &Parsed<Argument>,
    environment: Option<String>,
) -> Result<ServerOptions, ToolError> {
    let environment = environment.filter(|urls| !urls.is_empty());
    let urls = match parsed.text(Argument::Server) {
        Some(urls) => urls,
        None => environment.as_deref().unwrap_or("localhost"),
    };
    let (addresses, in_url) = address::read(urls)?;
    let user = parsed.text(Argument::User).map(|user| Credentials::User {
        user: user.to_owned(),
        password: parsed.text(Argument::Password).unwrap_or_default().to_owned(),
    });
    let token = parsed
        .text(Argument::Token)
        .map(|token| Credentials::Token(token.to_owned()));
    Ok(ServerOptions {
        addresses,
        credentials: token.or(user).or(in_url),
    })
}

/// What the environment says of the server.
pub(super) fn environment() -> Option<String> {
    std::env::var("NATS_URL").ok()
}

/// A number that may not be negative, or `default`.
pub(super) fn count(
    parsed: &Parsed<Argument>,
    id: Argument,
    name: &str,
    default: u64,
) -> Result<u64, ToolError> {
    match parsed.last(id) {
        None => Ok(default),
        Some(value) => u64::try_from(value.integer())
            .map_err(|_| ToolError::Usage(format!("--{name} must not be negative"))),
    }
}

/// A length of time such as `2s`, `500ms`, `1m`, or plain seconds; or `default`.
pub(super) fn duration(
    parsed: &Parsed<Argument>,
    id: Argument,
    name: &str,
    default: Duration,
) -> Result<Duration, ToolError> {
    let Some(text) = parsed.text(id) else {
        return Ok(default);
    };
    read_duration(text)
        .ok_or_else(|| ToolError::Usage(format!("--{name} takes a time such as 2s or 500ms, not {text:?}")))
}

/// A length of time; None if it is none.
pub(super) fn read_duration(text: &str) -> Option<Duration> {
    let (number, unit) = match text.find(|sign: char| sign.is_ascii_alphabetic()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let seconds = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    Duration::try_from_secs_f64(number * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn times() {
        for (text, expected) in [
            ("2", Some(2000)),
            ("2s", Some(2000)),
            ("0.5s", Some(500)),
            ("250ms", Some(250)),
            ("1m", Some(60_000)),
            ("2d", Some(172_800_000)),
            ("2000us", Some(2)),
            ("", None),
            ("-1s", None),
            ("soon", None),
            ("2 weeks", None),
            ("inf", None),
        ] {
            assert_eq!(read_duration(text), expected.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn which_server_and_who() {
        for (line, environment, expected) in [
            ("", None, "localhost:4222 -"),
            ("", Some(""), "localhost:4222 -"),
            ("", Some("u:p@env:1"), "env:1 u/p"),
            ("-s flag:2", Some("u:p@env:1"), "flag:2 -"),
            (
                "-s u:p@flag:2 --user me --password secret",
                None,
                "flag:2 me/secret",
            ),
            ("--user me --token t", None, "localhost:4222 t"),
        ] {
            let parsed = read(Vec::new(), &words(line)).unwrap();
            let options = server(&parsed, environment.map(str::to_owned)).unwrap();
            let who = match options.credentials {
                None => "-".to_owned(),
                Some(Credentials::User { user, password }) => format!("{user}/{password}"),
                Some(Credentials::Token(token)) => token,
            };
            assert_eq!(format!("{} {who}", options.addresses[0]), expected, "{line}");
        }
    }
}
