use openssl::base64;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};
use thiserror::Error;
use vagus_tls::ocsp::MAX_ANSWER;

/// The most bytes before the answer itself.
const MAX_HEAD: usize = 16 << 10;

/// How many responders are tried.
const MAX_RESPONDERS: usize = 4;

/// Why nobody answered.
#[derive(Debug, Error)]
pub enum AskError {
    /// Something that is no `http://` address.
    #[error("{0:?} is no address of a responder: it must begin with http://")]
    Url(String),
    /// It cannot be reached, or does not answer in time.
    #[error("{url}: {source}")]
    Unreachable {
        /// Who was asked.
        url: String,
        /// What the system says.
        source: io::Error,
    },
    /// What came back is no HTTP, or too long.
    #[error("{0}: the answer is no HTTP, or longer than {limit} KiB", limit = (MAX_HEAD + MAX_ANSWER) >> 10)]
    NoHttp(String),
    /// It refuses.
    #[error("{url}: HTTP status {status}")]
    Refused {
        /// Who was asked.
        url: String,
        /// What it says.
        status: u16,
    },
    /// There is nobody to ask.
    #[error("there is nobody to ask")]
    Nobody,
}

/// Asks responders, in order, until one answers; each by POST, and by GET if it does not take that. Blocks, for each for
/// no longer than `timeout`, and for finding its address.
///
/// # Errors
/// That of the last one that was asked.
pub fn ask(urls: &[String], question: &[u8], timeout: Duration) -> Result<Vec<u8>, AskError> {
    let mut last = AskError::Nobody;
    for url in urls.iter().take(MAX_RESPONDERS) {
        match ask_one(url, question, timeout) {
            Ok(answer) => return Ok(answer),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn ask_one(url: &str, question: &[u8], timeout: Duration) -> Result<Vec<u8>, AskError> {
    let place = Place::of(url).ok_or_else(|| AskError::Url(url.to_owned()))?;
    let deadline = Instant::now() + timeout;
    match exchange(&place, &place.post(question), url, deadline) {
        Err(AskError::Refused { .. }) => exchange(&place, &place.get(question), url, deadline),
        other => other,
    }
}

fn exchange(place: &Place<'_>, request: &[u8], url: &str, deadline: Instant) -> Result<Vec<u8>, AskError> {
    let unreachable = |source| AskError::Unreachable {
        url: url.to_owned(),
        source,
    };
    let response = send(place, request, deadline).map_err(unreachable)?;
    let (status, body) = read_response(&response).ok_or_else(|| AskError::NoHttp(url.to_owned()))?;
    match status {
        200 => Ok(body.to_vec()),
        status => Err(AskError::Refused {
            url: url.to_owned(),
            status,
        }),
    }
}

/// All that comes back until the end, or one byte more than there may be.
fn send(place: &Place<'_>, request: &[u8], deadline: Instant) -> io::Result<Vec<u8>> {
    let mut stream = connect(place, deadline)?;
    stream.set_write_timeout(Some(left(deadline)?))?;
    stream.write_all(request)?;
    let mut response = Vec::new();
    let mut part = [0; 4096];
    while response.len() <= MAX_HEAD + MAX_ANSWER && !is_complete(&response) {
        stream.set_read_timeout(Some(left(deadline)?))?;
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(count) => response.extend_from_slice(&part[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(response)
}

fn connect(place: &Place<'_>, deadline: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (place.host, place.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, left(deadline)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(left)
}

/// Where a responder is.
#[derive(Debug, PartialEq, Eq)]
struct Place<'u> {
    host: &'u str,
    port: u16,
    /// As it is named to the responder: with the port, if that is not the usual one.
    authority: &'u str,
    /// Begins with a slash, ends without one.
    path: &'u str,
}

impl<'u> Place<'u> {
    fn of(url: &'u str) -> Option<Self> {
        // Nothing in it can end a line of the request.
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let rest = url.strip_prefix("http://")?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']')?;
                (
                    host,
                    if port.is_empty() {
                        None
                    } else {
                        Some(port.strip_prefix(':')?)
                    },
                )
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        if host.is_empty() || host.contains(['@', '?', '#']) {
            return None;
        }
        Some(Self {
            host,
            port: port.map_or(Ok(80), str::parse).ok()?,
            authority,
            path: path.trim_end_matches('/'),
        })
    }

    fn post(&self, question: &[u8]) -> Vec<u8> {
        let path = if self.path.is_empty() { "/" } else { self.path };
        let head = format!(
            "POST {path} HTTP/1.0\r\nHost: {}\r\nContent-Type: application/ocsp-request\r\n\
             Accept: application/ocsp-response\r\nContent-Length: {}\r\n\r\n",
            self.authority,
            question.len()
        );
        [head.as_bytes(), question].concat()
    }

    fn get(&self, question: &[u8]) -> Vec<u8> {
        let encoded = base64::encode_block(question);
        let encoded = encoded
            .replace('+', "%2B")
            .replace('/', "%2F")
            .replace('=', "%3D");
        format!(
            "GET {}/{encoded} HTTP/1.0\r\nHost: {}\r\nAccept: application/ocsp-response\r\n\r\n",
            self.path, self.authority
        )
        .into_bytes()
    }
}

/// The head of a response, without its last line, and what follows.
fn split(response: &[u8]) -> Option<(&str, &[u8])> {
    let end = response.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&response[..end]).ok()?;
    Some((head, &response[end + 4..]))
}

fn content_length(head: &str) -> Option<usize> {
    let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let (_, length) = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    length.trim().parse().ok()
}

/// Whether all is there of a response that says how long it is.
fn is_complete(response: &[u8]) -> bool {
    split(response)
        .is_some_and(|(head, body)| content_length(head).is_some_and(|length| body.len() >= length))
}

/// The status, and the body if all of it is there.
fn read_response(response: &[u8]) -> Option<(u16, &[u8])> {
    let (head, body) = split(response)?;
    let mut words = head.lines().next()?.split(' ');
    words.next()?.strip_prefix("HTTP/1.")?;
    let status = words.next()?.parse().ok()?;
    let body = match content_length(head) {
        Some(length) => body.get(..length)?,
        None => body,
    };
    (body.len() <= MAX_ANSWER).then_some((status, body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread::{self, JoinHandle};

    #[test]
    fn addresses_of_responders() {
        let place = |host, port, authority, path| {
            Some(Place {
                host,
                port,
                authority,
                path,
            })
        };
        for (url, expected) in [
            ("http://a.example", place("a.example", 80, "a.example", "")),
            (
                "http://a.example:8080/",
                place("a.example", 8080, "a.example:8080", ""),
            ),
            (
                "http://127.0.0.1/ocsp/x/",
                place("127.0.0.1", 80, "127.0.0.1", "/ocsp/x"),
            ),
            ("http://[::1]:81/o", place("::1", 81, "[::1]:81", "/o")),
            ("http://[::1]", place("::1", 80, "[::1]", "")),
            ("https://a.example", None),
            ("ldap://a.example", None),
            ("http://", None),
            ("http://:80", None),
            ("http://a:b", None),
            ("http://u@a", None),
            ("http://a:70000", None),
            ("http://[::1", None),
            ("http://a/\r\nX: y", None),
            ("http://a b", None),
            ("", None),
        ] {
            assert_eq!(Place::of(url), expected, "{url}");
        }
    }

    /// Gives each connection one of these answers; shows what it was asked.
    fn responder(answers: &'static [&'static str]) -> (String, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/ocsp", listener.local_addr().unwrap());
        let thread = thread::spawn(move || {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                let mut part = [0; 1024];
                let is_get = |request: &[u8]| request.starts_with(b"GET") && split(request).is_some();
                while !is_complete(&request) && !is_get(&request) {
                    let count = stream.read(&mut part).unwrap();
                    request.extend_from_slice(&part[..count]);
                }
                asked.push(String::from_utf8_lossy(&request).into_owned());
                stream.write_all(answer.as_bytes()).unwrap();
            }
            asked
        });
        (url, thread)
    }

    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn asks_by_post() {
        let (url, responder) = responder(&["HTTP/1.1 200 OK\r\ncontent-LENGTH: 2\r\n\r\nyes"]);
        assert_eq!(
            ask(std::slice::from_ref(&url), b"what?", PATIENCE).unwrap(),
            b"ye"
        );
        let asked = responder.join().unwrap();
        let authority = url.trim_start_matches("http://").trim_end_matches("/ocsp");
        assert_eq!(
            asked,
            [format!(
                "POST /ocsp HTTP/1.0\r\nHost: {authority}\r\nContent-Type: application/ocsp-request\r\n\
                 Accept: application/ocsp-response\r\nContent-Length: 5\r\n\r\nwhat?"
            )]
        );
    }

    #[test]
    fn asks_by_get_whoever_does_not_take_a_post() {
        let (url, responder) = responder(&["HTTP/1.0 405 No\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nyes"]);
        assert_eq!(ask(&[url], b"\xfb\xff", PATIENCE).unwrap(), b"yes");
        let asked = responder.join().unwrap();
        assert!(
            asked[1].starts_with("GET /ocsp/%2B%2F8%3D HTTP/1.0\r\n"),
            "{asked:?}"
        );
    }

    #[test]
    fn asks_the_next_one() {
        let (bad, refused) = responder(&["HTTP/1.0 500 No\r\n\r\n", "HTTP/1.0 404 No\r\n\r\n"]);
        let (good, answered) = responder(&["HTTP/1.0 200 OK\r\n\r\nyes"]);
        let urls = ["ftp://a".to_owned(), bad, good];
        assert_eq!(ask(&urls, b"?", PATIENCE).unwrap(), b"yes");
        refused.join().unwrap();
        answered.join().unwrap();
    }

    #[test]
    fn what_is_no_answer() {
        let told = |urls: &[String]| ask(urls, b"?", PATIENCE).unwrap_err();
        assert!(matches!(told(&[]), AskError::Nobody));
        assert!(matches!(told(&["ftp://a".to_owned()]), AskError::Url(_)));
        for answer in [
            &["SSH-2.0-x\r\n\r\n"],
            &["HTTP/1.0 200 OK\r\n"],
            &["HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nshort"],
            &["HTTP/1.0 soon\r\n\r\n"],
        ] {
            let (url, responder) = responder(answer);
            assert!(matches!(told(&[url]), AskError::NoHttp(_)), "{answer:?}");
            responder.join().unwrap();
        }
    }

    #[test]
    fn nobody_waits_for_one_that_says_nothing() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let error = ask(&[url], b"?", Duration::from_millis(50)).unwrap_err();
        let AskError::Unreachable { source, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(source.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn an_endless_answer_is_cut_off() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let thread = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n").unwrap();
            while stream.write_all(&[b'x'; 4096]).is_ok() {}
        });
        assert!(matches!(ask(&[url], b"?", PATIENCE), Err(AskError::NoHttp(_))));
        thread.join().unwrap();
    }
}
