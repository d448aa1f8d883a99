//! `vagus healthcheck`: for containers, which have no shell and no curl.

use super::error::ToolError;
use super::http::{Client, Endpoint, TlsOptions};
use crate::flags::syntax::{self, Flag, Kind, Parsed};
use std::io::Write;
use ureq::http::Uri;

pub(super) const HELP: &str = "\
Usage: vagus healthcheck [options]

Asks the monitoring port of a server on this machine whether the server is well, and prints the answer.

    -m, --http_port <port>   The monitoring port (8222)
        --url <url>          http[s]://<host>[:<port>][/<path>] instead; the path is /healthz if there is none
        --cacert <file>      Authorities that the certificate of https may come from (those of the system)
    -k, --insecure           Any certificate will do

Exit status: 0 if it is well, 1 if it is not or does not answer, 2 when the arguments are wrong.
";

/// Where servers usually answer.
const PORT: u16 = 8222;

const PATH: &str = "/healthz";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    Port,
    Url,
    Authorities,
    Insecure,
}

const fn flag(id: Choice, names: &'static [&'static str], kind: Kind) -> Flag<Choice> {
    Flag { id, names, kind }
}

const FLAGS: &[Flag<Choice>] = &[
    flag(Choice::Port, &["m", "http_port"], Kind::Integer),
    flag(Choice::Url, &["url"], Kind::Text),
    flag(Choice::Authorities, &["cacert"], Kind::Text),
    flag(Choice::Insecure, &["k", "insecure"], Kind::Bool),
];

pub(super) fn run(args: &[String], out: &mut impl Write) -> Result<(), ToolError> {
    let (endpoint, path) = read(args)?;
    let answer = Client::new(&endpoint)?.get(&path)?;
    writeln!(out, "{}", String::from_utf8_lossy(&answer).trim_end())?;
    Ok(())
}

/// Whom to ask, and for what.
fn read(args: &[String]) -> Result<(Endpoint, String), ToolError> {
    let parsed = syntax::parse(FLAGS, args)?;
    if let Some(stray) = parsed.rest.first() {
        return Err(ToolError::Usage(format!(
            "healthcheck does not know what to do with {stray:?}"
        )));
    }
    if let Some(url) = parsed.text(Choice::Url) {
        return read_url(url, &parsed)
            .ok_or_else(|| ToolError::Usage(format!("{url:?} is not http[s]://<host>[:<port>][/<path>]")));
    }
    let port = match parsed.last(Choice::Port) {
        None => PORT,
        Some(value) => u16::try_from(value.integer())
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(|| ToolError::Usage("the port is not between 1 and 65535".to_owned()))?,
    };
    let endpoint = Endpoint {
        host: "127.0.0.1".to_owned(),
        port,
        tls: None,
    };
    Ok((endpoint, PATH.to_owned()))
}

fn read_url(url: &str, parsed: &Parsed<Choice>) -> Option<(Endpoint, String)> {
    let url: Uri = url.parse().ok()?;
    let tls = match url.scheme_str()? {
        "http" => None,
        "https" => Some(TlsOptions {
            authorities: parsed.text(Choice::Authorities).map(Into::into),
            insecure: parsed.is_true(Choice::Insecure),
            ..TlsOptions::default()
        }),
        _ => return None,
    };
    let authority = url.authority()?;
    let host = authority.host();
    // What is left of it is a user's name, or a port that is none.
    let port = match authority.as_str().strip_prefix(host)? {
        "" => PORT,
        rest => rest.strip_prefix(':')?.parse().ok()?,
    };
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    if host.is_empty() {
        return None;
    }
    let path = match url.path_and_query()?.as_str() {
        "/" => PATH,
        path => path,
    };
    let endpoint = Endpoint {
        host: host.to_owned(),
        port,
        tls,
    };
    Some((endpoint, path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        match read(&args) {
            Ok((endpoint, path)) => {
                let tls = match endpoint.tls {
                    None => "",
                    Some(TlsOptions { insecure: true, .. }) => " tls?",
                    Some(_) => " tls",
                };
                format!("{} {} {path}{tls}", endpoint.host, endpoint.port)
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn whom_to_ask() {
        for (line, expected) in [
            ("", "127.0.0.1 8222 /healthz"),
            ("-m 9", "127.0.0.1 9 /healthz"),
            ("--url http://a", "a 8222 /healthz"),
            ("--url HTTP://a:9/", "a 9 /healthz"),
            (
                "--url https://[::1]:9/base/healthz?details=1 -k",
                "::1 9 /base/healthz?details=1 tls?",
            ),
            ("--url https://[::1]", "::1 8222 /healthz tls"),
            ("-m 0", "the port is not between 1 and 65535"),
            ("-m 99999", "the port is not between 1 and 65535"),
            ("stray", "healthcheck does not know what to do with \"stray\""),
        ] {
            assert_eq!(shown(line), expected, "{line}");
        }
        for url in [
            "a:9",
            "nats://a",
            "http://",
            "http://:9",
            "http://a:x",
            "http://u@a",
            "http://a/\u{7f}",
        ] {
            let expected = format!("{url:?} is not http[s]://<host>[:<port>][/<path>]");
            assert_eq!(shown(&format!("--url {url}")), expected);
        }
    }
}
