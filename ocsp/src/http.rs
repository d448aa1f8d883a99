//! Questions to responders, over HTTP. An answer is bounded in bytes and time; no redirect is followed, and no proxy that
//! the environment names comes between.

use openssl::base64;
use std::time::{Duration, Instant};
use thiserror::Error;
use ureq::Agent;
use ureq::http::uri::Scheme;
use ureq::http::{HeaderValue, Response, Uri, header};
use vagus_tls::ocsp::MAX_ANSWER;

/// The most bytes before the answer itself, and what is kept of it at a time.
const MAX_HEAD: usize = 16 << 10;

/// How many responders are tried.
const MAX_RESPONDERS: usize = 4;

const QUESTION: HeaderValue = HeaderValue::from_static("application/ocsp-request");
const ANSWER: &str = "application/ocsp-response";

/// Why nobody answered.
#[derive(Debug, Error)]
pub enum AskError {
    /// Something that is no `http://` address.
    #[error("{0:?} is no address of a responder: it must begin with http://")]
    Url(String),
    /// It cannot be reached, does not answer in time, or what it answers is no HTTP or too long.
    #[error("{url}: {source}")]
    Unanswered {
        /// Who was asked.
        url: String,
        /// What became of the question.
        source: ureq::Error,
    },
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
/// no longer than `timeout`.
///
/// # Errors
/// That of the last one that was asked.
pub fn ask(urls: &[String], question: &[u8], timeout: Duration) -> Result<Vec<u8>, AskError> {
    let agent = Agent::config_builder()
        .max_response_header_size(MAX_HEAD)
        .input_buffer_size(MAX_HEAD)
        .output_buffer_size(MAX_HEAD)
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .max_idle_connections(0)
        .user_agent(concat!("vagus/", env!("CARGO_PKG_VERSION")))
        .accept(ANSWER)
        .build()
        .new_agent();
    let mut last = AskError::Nobody;
    for url in urls.iter().take(MAX_RESPONDERS) {
        match ask_one(&agent, url, question, Instant::now() + timeout) {
            Ok(answer) => return Ok(answer),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn ask_one(agent: &Agent, url: &str, question: &[u8], deadline: Instant) -> Result<Vec<u8>, AskError> {
    if !is_responder(url) {
        return Err(AskError::Url(url.to_owned()));
    }
    let left = || Some(deadline.saturating_duration_since(Instant::now()));
    let post = agent.post(url).config().timeout_global(left()).build();
    let answer = post.header(header::CONTENT_TYPE, QUESTION).send(question);
    match read(url, answer) {
        Err(AskError::Refused { .. }) => {
            let url = url_with_question(url, question);
            let get = agent.get(&url).config().timeout_global(left()).build();
            read(&url, get.call())
        }
        outcome => outcome,
    }
}

/// HTTPS is left out: the responder's own certificate would have to be checked first, by yet another responder.
fn is_responder(url: &str) -> bool {
    let Ok(url) = url.parse::<Uri>() else {
        return false;
    };
    let Some(authority) = url.authority().filter(|_| url.scheme() == Some(&Scheme::HTTP)) else {
        return false;
    };
    // What is left of it is a user's name, or a port that is none.
    let rest = authority.as_str().strip_prefix(authority.host());
    let has_port = |rest: &str| {
        rest.strip_prefix(':')
            .is_some_and(|port| port.parse::<u16>().is_ok())
    };
    !authority.host().is_empty() && rest.is_some_and(|rest| rest.is_empty() || has_port(rest))
}

/// Where the question is asked by GET.
fn url_with_question(url: &str, question: &[u8]) -> String {
    let encoded = base64::encode_block(question);
    let encoded = encoded
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    format!("{}/{encoded}", url.trim_end_matches('/'))
}

fn read(url: &str, answer: Result<Response<ureq::Body>, ureq::Error>) -> Result<Vec<u8>, AskError> {
    let unanswered = |source| AskError::Unanswered {
        url: url.to_owned(),
        source,
    };
    let mut answer = answer.map_err(unanswered)?;
    let status = answer.status().as_u16();
    if status != 200 {
        return Err(AskError::Refused {
            url: url.to_owned(),
            status,
        });
    }
    let body = answer.body_mut().with_config().limit(MAX_ANSWER as u64);
    body.read_to_vec().map_err(unanswered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread::{self, JoinHandle};

    #[test]
    fn addresses_of_responders() {
        for url in [
            "http://a.example",
            "http://a.example:8080/",
            "http://127.0.0.1/ocsp/x/",
            "http://[::1]:81/o",
            "http://[::1]",
        ] {
            assert!(is_responder(url), "{url}");
        }
        for url in [
            "https://a.example",
            "ldap://a.example",
            "http://",
            "http://:80",
            "http://a:b",
            "http://a:",
            "http://u@a",
            "http://a:70000",
            "http://[::1",
            "http://a/\r\nX: y",
            "http://a b",
            "a.example",
            "/ocsp",
            "",
        ] {
            assert!(!is_responder(url), "{url}");
        }
    }

    /// A request: its first line, the values of those headers that matter, and its body.
    fn request(stream: &TcpStream) -> String {
        let mut reader = BufReader::new(stream);
        let mut text = String::new();
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let line = line.trim_end();
            let Some((name, value)) = line.split_once(": ") else {
                if line.is_empty() {
                    break;
                }
                text.push_str(line);
                continue;
            };
            let name = name.to_ascii_lowercase();
            if name == "content-length" {
                length = value.parse().unwrap();
            }
            if matches!(&*name, "content-length" | "content-type" | "accept") {
                text.push_str(&format!("|{name}={value}"));
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        format!("{text}|{}", String::from_utf8_lossy(&body))
    }

    /// Gives each connection one of these answers; shows what it was asked.
    fn responder(answers: &'static [&'static str]) -> (String, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/ocsp", listener.local_addr().unwrap());
        let thread = thread::spawn(move || {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                asked.push(request(&stream));
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
        assert_eq!(ask(&[url], b"what?", PATIENCE).unwrap(), b"ye");
        let asked = responder.join().unwrap();
        let [asked] = &asked[..] else {
            panic!("{asked:?}");
        };
        let mut parts: Vec<&str> = asked.split('|').collect();
        parts[1..4].sort_unstable();
        assert_eq!(
            parts,
            [
                "POST /ocsp HTTP/1.1",
                "accept=application/ocsp-response",
                "content-length=5",
                "content-type=application/ocsp-request",
                "what?"
            ]
        );
    }

    #[test]
    fn asks_by_get_where_post_is_refused() {
        let (url, responder) = responder(&["HTTP/1.0 405 No\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nyes"]);
        assert_eq!(ask(&[url], b"\xfb\xff", PATIENCE).unwrap(), b"yes");
        let asked = responder.join().unwrap();
        assert!(asked[1].starts_with("GET /ocsp/%2B%2F8%3D HTTP/1.1"), "{asked:?}");
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
            assert!(matches!(told(&[url]), AskError::Unanswered { .. }), "{answer:?}");
            responder.join().unwrap();
        }
    }

    /// The certificate names who may answer.
    #[test]
    fn no_redirect_is_followed() {
        const ELSEWHERE: &str = "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n";
        let (url, responder) = responder(&[ELSEWHERE, ELSEWHERE]);
        let error = ask(&[url], b"?", PATIENCE).unwrap_err();
        assert!(matches!(error, AskError::Refused { status: 302, .. }), "{error}");
        responder.join().unwrap();
    }

    #[test]
    fn a_silent_responder_is_given_up() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let error = ask(&[url], b"?", Duration::from_millis(50)).unwrap_err();
        let AskError::Unanswered { source, .. } = error else {
            panic!("{error}");
        };
        assert!(matches!(source, ureq::Error::Timeout(_)), "{source}");
    }

    #[test]
    fn the_longest_answer_is_taken_and_an_endless_one_cut_off() {
        for (head, length) in [
            ("HTTP/1.0 200 OK\r\n\r\n", Some(MAX_ANSWER)),
            ("HTTP/1.0 200 OK\r\n\r\n", None),
            ("HTTP/1.0 200 OK\r\n", None),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let thread = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                request(&stream);
                stream.write_all(head.as_bytes()).unwrap();
                match length {
                    Some(length) => stream.write_all(&vec![b'x'; length]).unwrap(),
                    None => while stream.write_all(b"X: y\r\n").is_ok() {},
                }
            });
            let outcome = ask(&[url], b"?", PATIENCE);
            match length {
                Some(length) => assert_eq!(outcome.unwrap().len(), length),
                None => assert!(matches!(outcome, Err(AskError::Unanswered { .. })), "{outcome:?}"),
            }
            thread.join().unwrap();
        }
    }
}
