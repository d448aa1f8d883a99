//! Somebody who has accounts looked up without end, which are not found, is the only one who waits for that.

use crate::world::{TestAccount, TestOperator, TestUser, present_from};
use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use vagus_test_support::{Client, TestServer, server};

/// A server of HTTP that has tokens of some accounts, and never answers who asks for another.
struct Web {
    url: String,
    told: Arc<Mutex<Told>>,
}

#[derive(Default)]
struct Told {
    known: Vec<(String, String)>,
    /// What was asked for, each as often as it was.
    asked: Vec<String>,
    /// Those who wait for an answer.
    waiting: Vec<TcpStream>,
}

impl Web {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let told = Arc::<Mutex<Told>>::default();
        let shared = told.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let account = asked_for(&mut stream);
                let mut told = shared.lock().unwrap();
                told.asked.push(account.clone());
                let known = told.known.iter().find(|(name, _)| *name == account);
                let Some((_, token)) = known else {
                    told.waiting.push(stream);
                    continue;
                };
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{token}",
                    token.len()
                );
            }
        });
        Self { url, told }
    }

    fn know(&self, operator: &TestOperator, account: &TestAccount) {
        let known = (account.key.public().to_owned(), operator.token(account));
        self.told.lock().unwrap().known.push(known);
    }

    fn asked(&self) -> Vec<String> {
        self.told.lock().unwrap().asked.clone()
    }
}

fn asked_for(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    path.trim_start_matches('/').to_owned()
}

/// So many clients from one address, each of an account that nobody knows.
fn flood(server: &TestServer, count: usize) -> Vec<Client> {
    (0..count)
        .map(|_| {
            let TestUser { token, key } = TestAccount::new().user(|_| {});
            present_from(server.client_from(2), &token, &key)
        })
        .collect()
}

#[test]
fn others_come_in_and_exchange_messages_as_before() {
    let (web, operator) = (Web::start(), TestOperator::new());
    let [known, late] = [(); 2].map(|()| TestAccount::new());
    web.know(&operator, &known);
    let text = operator.with_resolver(&format!("URL({})", web.url));
    let server = server().configured(&text).arbiters(2).start();
    let user = known.user(|_| {});
    let mut beside = user.enter(&server);
    beside.subscribe("x", "1");
    beside.sync_silent();
    let flood = flood(&server, 300);
    // Whose account is known is let in without a look, wherever it comes from; messages go on.
    for last in [1, 2, 3] {
        present_from(server.client_from(last), &user.token, &user.key).sync_silent();
        beside.publish("x", b"hi");
        assert_eq!(beside.message().payload, b"hi");
    }
    let known_asked = |name: &str| web.asked().iter().filter(|asked| *asked == name).count();
    assert_eq!(known_asked(known.key.public()), 1);
    // An account that is not known yet is looked up for another address, though all of the flood are waited for.
    web.know(&operator, &late);
    let user = late.user(|_| {});
    present_from(server.client_from(3), &user.token, &user.key).sync_silent();
    let asked = web.asked();
    assert!(asked.contains(&late.key.public().to_owned()));
    let distinct: HashSet<&String> = asked.iter().collect();
    assert_eq!(distinct.len(), asked.len(), "each was asked for once");
    drop(flood);
}
