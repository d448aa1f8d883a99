//! The proxy that connects to a hub: the map `proxy` of one of `remotes`.

use crate::grammar::Entry;
use crate::load::absent;
use crate::load::findings::Findings;
use crate::{HttpProxy, ServerUrl};

/// The ports where proxies are expected.
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

pub(super) fn read(entry: &Entry, findings: &mut Findings) -> Option<HttpProxy> {
    let (mut url, mut user, mut password, mut timeout) = (None, None, None, None);
    for inner in findings.map(entry)?.entries() {
        let text = |findings: &mut Findings| findings.optional_text(inner).flatten();
        match inner.key.to_lowercase().as_str() {
            "url" => url = Some((inner, text(findings)?)),
            "username" => user = text(findings),
            "password" => password = text(findings),
            "timeout" => timeout = findings.duration(inner),
            key => absent::refuse(key, inner, &absent::NOTHING, findings),
        }
    }
    // As in nats-server, one that is nowhere is none.
    let (at, url) = url?;
    let Some(url) = ServerUrl::parse(&url) else {
        // It may hold a password.
        return findings.refuse(at, "a proxy must be a URL such as http://host:3128".to_owned());
    };
    let is_secure = match &*url.scheme {
        "http" => false,
        "https" => true,
        other => {
            let message = format!("proxy URL scheme must be http or https, got: {other}");
            return findings.refuse(at, message);
        }
    };
    let login = match (user, password) {
        (Some(user), Some(password)) => Some((user, password)),
        (None, None) => None,
        _ => {
            let message = "proxy username and password must both be specified or both be empty";
            return findings.refuse(entry, message.to_owned());
        }
    };
    Some(HttpProxy {
        host: url.host,
        port: url.port.unwrap_or(if is_secure { HTTPS_PORT } else { HTTP_PORT }),
        is_secure,
        login,
        timeout,
    })
}
