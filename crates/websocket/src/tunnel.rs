//! What is said to a proxy that is to connect to a server (RFC 9110, section 9.3.6), and what it answers.

use crate::response::{Response, ResponseError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The request for a connection to `server`, which is a host and a port, by a user with a password if one is known.
pub fn request(server: &str, login: Option<(&str, &str)>) -> Vec<u8> {
    let authorization = login.map(|(user, password)| {
        let login = STANDARD.encode(format!("{user}:{password}"));
        format!("Proxy-Authorization: Basic {login}\r\n")
    });
    format!(
        "CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n{}\r\n",
        authorization.unwrap_or_default()
    )
    .into_bytes()
}

/// How long the answer is, in bytes, of a proxy that has connected; None if not all of it has come.
///
/// # Errors
/// When it has not.
pub fn judge(bytes: &[u8]) -> Result<Option<usize>, ResponseError> {
    match Response::parse(bytes)? {
        None => Ok(None),
        Some(response) if response.status == 200 => Ok(Some(response.length)),
        Some(response) => {
            let text = format!("{} {}", response.status, response.reason);
            Err(ResponseError::NotConnected(text.trim().to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{judge, request};
    use crate::ResponseError;

    #[test]
    fn a_proxy_is_asked_for_a_server() {
        assert_eq!(
            request("hub:443", None),
            b"CONNECT hub:443 HTTP/1.1\r\nHost: hub:443\r\n\r\n"
        );
        let with_login = String::from_utf8(request("hub:443", Some(("u", "p")))).unwrap();
        assert!(
            with_login.contains("\r\nProxy-Authorization: Basic dTpw\r\n"),
            "{with_login}"
        );
    }

    #[test]
    fn it_says_whether_it_has_connected() {
        let granted = b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
        assert_eq!(judge(granted), Ok(Some(granted.len())));
        assert_eq!(judge(&granted[..10]), Ok(None));
        assert_eq!(
            judge(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
            Err(ResponseError::NotConnected(
                "407 Proxy Authentication Required".to_owned()
            ))
        );
        assert_eq!(judge(b"SSH-2.0\r\n"), Err(ResponseError::NotHttp));
    }
}
