//! Tokens that are asked for over HTTP.

use crate::world::{TestAccount, TestOperator, present};
use openssl::ssl::{SslAcceptor, SslMethod, SslVerifyMode};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;
use vagus_actors::claimed_accounts::TokenStore;
use vagus_claims::UrlStore;
use vagus_test_support::server;
use vagus_tls::testing::{Authority, request};
use vagus_tls::{KeyPair, Settings};

/// A server of HTTP that answers each request when it is told to: with a body, or with a status that is none.
struct Web {
    url: String,
    asked: Receiver<String>,
    answers: Sender<Option<String>>,
}

impl Web {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/jwt/v1/accounts/", listener.local_addr().unwrap());
        let (ask, asked) = channel();
        let (answers, answer) = channel::<Option<String>>();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                if ask.send(path(&mut stream)).is_err() {
                    return;
                }
                let Ok(answer) = answer.recv() else {
                    return;
                };
                let (status, body) = match answer {
                    Some(body) => ("200 OK", body),
                    None => ("404 Not Found", String::new()),
                };
                let length = body.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
            }
        });
        Self { url, asked, answers }
    }

    /// Who was asked for.
    fn next(&self) -> String {
        self.asked.recv().unwrap()
    }
}

fn path(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    head.split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn an_account_is_asked_for_once_for_all_who_wait() {
    let (web, operator, account) = (Web::start(), TestOperator::new(), TestAccount::new());
    let text = operator.with_resolver(&format!("URL({})", web.url));
    let server = server().configured(&text).start();
    let user = account.user(|_| {});
    let mut clients: Vec<_> = (0..10)
        .map(|_| present(&server, &user.token, &user.key))
        .collect();
    let asked = web.next();
    assert_eq!(asked, format!("/jwt/v1/accounts/{}", account.key.public()));
    web.answers.send(Some(operator.token(&account))).unwrap();
    for client in &mut clients {
        client.sync_silent();
    }
    // It is known now.
    user.enter(&server);
    assert!(web.asked.try_recv().is_err());
}

#[test]
fn who_is_not_found_is_refused() {
    let (web, operator, account) = (Web::start(), TestOperator::new(), TestAccount::new());
    let text = operator.with_resolver(&format!("URL({})", web.url));
    let server = server().configured(&text).start();
    let user = account.user(|_| {});
    for answer in [
        None,
        Some("no token".to_owned()),
        Some(TestOperator::new().token(&account)),
    ] {
        web.answers.send(answer).unwrap();
        user.is_refused(&server);
        web.next();
    }
    // A server that is slow keeps nobody else waiting.
    let (slow, known) = (TestAccount::new(), account);
    let slow_user = slow.user(|_| {});
    let mut waits = present(&server, &slow_user.token, &slow_user.key);
    web.next();
    let mut other = server.client().connect("{}");
    other.expect("-ERR 'Authorization Violation'");
    web.answers.send(Some(operator.token(&slow))).unwrap();
    waits.sync_silent();
    drop(known);
}

/// Over TLS the server has to be one of the authority, and is shown a certificate if it asks for one.
#[test]
fn tls_is_spoken_as_is_said() {
    let (operator, account) = (TestOperator::new(), TestAccount::new());
    let [authority, other] = ["Test CA", "Another CA"].map(Authority::new);
    let token = operator.token(&account);
    let url = format!("https://127.0.0.1:{}/", https(&authority, token.clone()));
    let own = authority.issue(&request("client")).pair();
    let settings = |authority: &Authority, shown: &[KeyPair]| Settings {
        ca: Some(authority.ca()),
        certificates: shown.to_vec(),
        ..Settings::default()
    };
    let fetched = |tls: Option<&Settings>| {
        let store = UrlStore::new(&url, Duration::from_secs(30), tls).unwrap();
        store.fetch(account.key.public()).ok().map(String::from)
    };
    let shown = std::slice::from_ref(&own);
    assert_eq!(fetched(Some(&settings(&authority, shown))), Some(token.clone()));
    assert_eq!(fetched(Some(&settings(&other, shown))), None);
    assert_eq!(fetched(Some(&settings(&authority, &[]))), None);
    assert_eq!(fetched(None), None);
    let insecure = Settings {
        insecure: true,
        ..settings(&other, shown)
    };
    assert_eq!(fetched(Some(&insecure)), Some(token));
}

/// A server of HTTPS that asks for a certificate, and answers everything with this; its port.
fn https(authority: &Authority, body: String) -> u16 {
    let own = authority.issue(&request("server").ip("127.0.0.1"));
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
    acceptor.set_certificate(&own.certificate).unwrap();
    acceptor.set_private_key(&own.key).unwrap();
    acceptor
        .cert_store_mut()
        .add_cert(authority.certificate().to_owned())
        .unwrap();
    acceptor.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    let acceptor = acceptor.build();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = acceptor.accept(stream.unwrap()) else {
                continue;
            };
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read > 0) {
                head.push(byte[0]);
            }
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    port
}
