//! What `vagus top` can be told: the flags of nats-top, by their names and defaults.

use crate::commands::error::ToolError;
use crate::commands::http::{Endpoint, TlsOptions};
use crate::flags::syntax::{self, Flag, Kind, Parsed};
use std::path::PathBuf;
use std::time::Duration;

/// Where a server is asked for its state if nothing else is said.
const HOST: &str = "127.0.0.1";
const PORT: u16 = 8222;

/// How many connections are asked for.
const CONNECTIONS: usize = 1024;

/// The longest pause between two looks, in seconds: a day.
const LONGEST_DELAY: u64 = 24 * 60 * 60;

pub(in crate::commands) const HELP: &str = "\
Usage: vagus top [options]

Shows what a server does, as nats-top does: its rates, its connections, its hot subjects.

    -s <host>[:<port>],…     Host of the server's monitoring port (127.0.0.1); of several servers, with commas
    -m <port>                Its port for HTTP (8222)
    -ms <port>               Its port for HTTPS, used instead
    -n <number>              Connections to ask for (1024)
    -d <seconds>             Pause between two looks (1)
    -r <number>              End after this many looks (never)
    -sort <key>              Order of the connections: cid, start, subs, pending, msgs_to, msgs_from, bytes_to,
                             bytes_from, last, idle, uptime, rtt (cid)
    -lookup                  Show the names of clients' addresses
    -b                       Show numbers in full
    -u, -display-subscriptions-column
                             Show the subscriptions of each connection
    -o <file>                Write what is seen to a file, or to standard output for -, and end
    -l <delimiter>           With -o: separate fields by this instead of aligning them
    -cert <file>             Certificate to show to the server
    -key <file>              and its private key
    -cacert <file>           Authorities that the server's certificate may come from (those of the system)
    -k                       Do not check the server's certificate
    -v, -version             Show the version

Keys: o<key> order, n<number> connections, s subscriptions, d names, b numbers in full, space rates,
h hot subjects, tab or 1-9 another server, arrows up and down to scroll, ? help, q to end.
";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TopFlag {
    Host,
    Port,
    SecurePort,
    Connections,
    Delay,
    Looks,
    Sort,
    Lookup,
    RawBytes,
    Subscriptions,
    Output,
    Delimiter,
    Certificate,
    Key,
    Authorities,
    Insecure,
    Version,
}

const fn flag(id: TopFlag, names: &'static [&'static str], kind: Kind) -> Flag<TopFlag> {
    Flag { id, names, kind }
}

const FLAGS: &[Flag<TopFlag>] = &[
    flag(TopFlag::Host, &["s"], Kind::Text),
    flag(TopFlag::Port, &["m"], Kind::Integer),
    flag(TopFlag::SecurePort, &["ms"], Kind::Integer),
    flag(TopFlag::Connections, &["n"], Kind::Integer),
    flag(TopFlag::Delay, &["d"], Kind::Integer),
    flag(TopFlag::Looks, &["r"], Kind::Integer),
    flag(TopFlag::Sort, &["sort"], Kind::Text),
    flag(TopFlag::Lookup, &["lookup"], Kind::Bool),
    flag(TopFlag::RawBytes, &["b"], Kind::Bool),
    flag(
        TopFlag::Subscriptions,
        &["u", "display-subscriptions-column"],
        Kind::Bool,
    ),
    flag(TopFlag::Output, &["o"], Kind::Text),
    flag(TopFlag::Delimiter, &["l"], Kind::Text),
    flag(TopFlag::Certificate, &["cert"], Kind::Text),
    flag(TopFlag::Key, &["key"], Kind::Text),
    flag(TopFlag::Authorities, &["cacert"], Kind::Text),
    flag(TopFlag::Insecure, &["k"], Kind::Bool),
    flag(TopFlag::Version, &["v", "version"], Kind::Bool),
];

/// The order of connections, in the server's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sort(&'static str);

/// Every key by which a server orders its open connections.
const SORTS: [&str; 12] = [
    "cid",
    "start",
    "subs",
    "pending",
    "msgs_to",
    "msgs_from",
    "bytes_to",
    "bytes_from",
    "last",
    "idle",
    "uptime",
    "rtt",
];

impl Sort {
    /// None for what is no key.
    pub(super) fn named(name: &str) -> Option<Self> {
        SORTS.into_iter().find(|known| *known == name).map(Self)
    }

    pub(super) fn name(self) -> &'static str {
        self.0
    }
}

/// What may be changed by keys, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub(super) sort: Sort,
    /// Connections to ask for; 0 is the server's default.
    pub(super) limit: usize,
    pub(super) subscriptions: bool,
    pub(super) raw_numbers: bool,
    pub(super) names: bool,
    /// Rates of connections instead of totals.
    pub(super) rates: bool,
}

/// Everything that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Options {
    /// At least one.
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) view: View,
    pub(super) delay: Duration,
    /// End after so many looks.
    pub(super) looks: Option<u64>,
    pub(super) batch: Option<Batch>,
}

/// One look that is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Batch {
    /// None is standard output.
    pub(super) file: Option<PathBuf>,
    pub(super) delimiter: Option<String>,
}

/// None when only the version is asked for.
pub(super) fn read(args: &[String]) -> Result<Option<Options>, ToolError> {
    let parsed = syntax::parse_interleaved(FLAGS, args)?;
    if parsed.is_true(TopFlag::Version) {
        return Ok(None);
    }
    if let Some(stray) = parsed.rest.first() {
        return Err(ToolError::Usage(format!(
            "top takes no {stray:?}: vagus help top"
        )));
    }
    let sort = parsed.text(TopFlag::Sort).unwrap_or(SORTS[0]);
    let sort = Sort::named(sort)
        .ok_or_else(|| ToolError::Usage(format!("cannot sort by {sort:?}: one of {}", SORTS.join(", "))))?;
    let file = parsed.text(TopFlag::Output);
    let looks = parsed.integer(TopFlag::Looks);
    Ok(Some(Options {
        endpoints: endpoints(&parsed)?,
        view: View {
            sort,
            limit: natural(&parsed, TopFlag::Connections, "n", CONNECTIONS as u64)? as usize,
            subscriptions: parsed.is_true(TopFlag::Subscriptions),
            raw_numbers: parsed.is_true(TopFlag::RawBytes),
            names: parsed.is_true(TopFlag::Lookup),
            rates: false,
        },
        delay: Duration::from_secs(natural(&parsed, TopFlag::Delay, "d", 1)?.clamp(1, LONGEST_DELAY)),
        // As in nats-top, what is not positive is no limit.
        looks: u64::try_from(looks).ok().filter(|looks| *looks > 0),
        batch: file.map(|file| Batch {
            file: (file != "-").then(|| PathBuf::from(file)),
            delimiter: parsed.text(TopFlag::Delimiter).map(str::to_owned),
        }),
    }))
}

fn endpoints(parsed: &Parsed<TopFlag>) -> Result<Vec<Endpoint>, ToolError> {
    let secure = parsed.integer(TopFlag::SecurePort);
    let (port, name) = match (secure, parsed.last(TopFlag::Port)) {
        (0, None) => (i64::from(PORT), "m"),
        (0, Some(port)) => (port.integer(), "m"),
        (secure, _) => (secure, "ms"),
    };
    let port = u16::try_from(port)
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| ToolError::Usage(format!("-{name} takes a port from 1 to 65535, not {port}")))?;
    let file = |id| parsed.text(id).map(PathBuf::from);
    let (certificate, key) = (file(TopFlag::Certificate), file(TopFlag::Key));
    if certificate.is_some() != key.is_some() {
        return Err(ToolError::Usage("-cert and -key go together".to_owned()));
    }
    let tls = (secure != 0).then(|| TlsOptions {
        certificate,
        key,
        authorities: file(TopFlag::Authorities),
        insecure: parsed.is_true(TopFlag::Insecure),
    });
    let servers = parsed.text(TopFlag::Host).unwrap_or(HOST);
    servers
        .split(',')
        .map(|server| {
            let (host, own_port) = host_and_port(server.trim())
                .ok_or_else(|| ToolError::Usage(format!("-s takes <host>[:<port>], not {server:?}")))?;
            Ok(Endpoint {
                host: host.to_owned(),
                port: own_port.unwrap_or(port),
                tls: tls.clone(),
            })
        })
        .collect()
}

/// A host without the brackets of an address of IPv6, and a port if there is one. None of what is neither.
fn host_and_port(server: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match server.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            match rest {
                "" => (host, None),
                rest => (host, Some(rest.strip_prefix(':')?)),
            }
        }
        // An address of IPv6 has several.
        None => match server.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (server, None),
        },
    };
    let port = match port {
        None => None,
        Some(port) => Some(port.parse().ok().filter(|port| *port != 0)?),
    };
    (!host.is_empty()).then_some((host, port))
}

fn natural(parsed: &Parsed<TopFlag>, id: TopFlag, name: &str, default: u64) -> Result<u64, ToolError> {
    match parsed.last(id) {
        None => Ok(default),
        Some(value) => u64::try_from(value.integer())
            .map_err(|_| ToolError::Usage(format!("-{name} must not be negative"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Result<Options, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        match read(&words) {
            Ok(Some(options)) => Ok(options),
            Ok(None) => Err("version".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn defaults_of_nats_top() {
        let options = options("").unwrap();
        assert_eq!(
            options.endpoints,
            [Endpoint {
                host: "127.0.0.1".to_owned(),
                port: 8222,
                tls: None
            }]
        );
        assert_eq!((options.view.sort.name(), options.view.limit), ("cid", 1024));
        assert_eq!((options.delay, options.looks), (Duration::from_secs(1), None));
        assert_eq!(options.batch, None);
    }

    #[test]
    fn everything_said() {
        let options = options(
            "-s [::1] -m 1 -ms 8443 -n 5 -d 2 -r 3 -sort bytes_to -lookup -b -u -o - -l , \
             -cert c.pem -key k.pem -cacert ca.pem -k",
        )
        .unwrap();
        let [endpoint] = &options.endpoints[..] else {
            panic!("{:?}", options.endpoints);
        };
        assert_eq!((endpoint.host.as_str(), endpoint.port), ("::1", 8443));
        let tls = endpoint.tls.clone().unwrap();
        assert!(tls.insecure);
        assert_eq!(tls.certificate, Some("c.pem".into()));
        assert_eq!(tls.key, Some("k.pem".into()));
        assert_eq!(tls.authorities, Some("ca.pem".into()));
        assert_eq!((options.view.sort.name(), options.view.limit), ("bytes_to", 5));
        assert!(options.view.names && options.view.raw_numbers && options.view.subscriptions);
        assert_eq!((options.delay, options.looks), (Duration::from_secs(2), Some(3)));
        let batch = options.batch.unwrap();
        assert_eq!((batch.file, batch.delimiter.as_deref()), (None, Some(",")));
    }

    #[test]
    fn several_servers() {
        let options = options("-s a,b:1,[::1]:2,[::2],::3 -m 9").unwrap();
        let named: Vec<_> = (options.endpoints.iter())
            .map(|endpoint| (endpoint.host.as_str(), endpoint.port))
            .collect();
        assert_eq!(named, [("a", 9), ("b", 1), ("::1", 2), ("::2", 9), ("::3", 9)]);
        let shown: Vec<String> = options.endpoints.iter().map(Endpoint::to_string).collect();
        assert_eq!(shown, ["a:9", "b:1", "[::1]:2", "[::2]:9", "[::3]:9"]);
    }

    #[test]
    fn refusals() {
        for (line, expected) in [
            ("-version", "version"),
            ("-m 0", "-m takes a port from 1 to 65535, not 0"),
            ("-ms 70000", "-ms takes a port from 1 to 65535, not 70000"),
            ("-s a,,b", "-s takes <host>[:<port>], not \"\""),
            ("-s a:x", "-s takes <host>[:<port>], not \"a:x\""),
            ("-s [::1", "-s takes <host>[:<port>], not \"[::1\""),
            ("-n -1", "-n must not be negative"),
            ("-cert a", "-cert and -key go together"),
            ("now", "top takes no \"now\": vagus help top"),
            ("-colour", "there is no flag -colour"),
        ] {
            assert_eq!(options(line).unwrap_err(), expected, "{line}");
        }
        assert!(
            options("-sort size")
                .unwrap_err()
                .starts_with("cannot sort by \"size\": one of cid, ")
        );
    }

    #[test]
    fn help_shows_every_flag() {
        for name in FLAGS.iter().flat_map(|flag| flag.names) {
            assert!(HELP.contains(&format!("-{name}")), "{name}");
        }
    }
}
