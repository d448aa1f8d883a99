//! Servers that are connected to are opened on the same path as those who connect.

use crate::broker::{Broker, Layers};
use crate::far_end::{FarEnd, answer};
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;
use vagus_delivery::dialer::{DialSettings, Dialer};
use vagus_test_support::eventually;
use vagus_tls::testing::{Authority, request};
use vagus_tls::{Acceptor, Connector, Settings};

fn listen() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()
}

/// Dials this listener, whose host is `localhost`.
fn dialer(listener: &TcpListener) -> Dialer {
    let settings = DialSettings {
        delay: Duration::from_millis(1),
        longest_delay: Duration::from_millis(1),
        longest_delay_unopened: Duration::from_millis(1),
        jitter: Duration::from_millis(1),
        ..DialSettings::default()
    };
    Dialer::new(
        "localhost",
        listener.local_addr().unwrap().port(),
        settings,
        |_| {},
    )
}

#[test]
fn the_peer_gets_a_session_whenever_it_is_there() {
    for framed in [false, true] {
        let broker = Broker::start(Layers {
            framed,
            ..Layers::default()
        });
        let listener = listen();
        let dialling = broker.dial(dialer(&listener));
        let accept = || {
            let (socket, _) = listener.accept().unwrap();
            match framed {
                true => FarEnd::framed(Box::new(socket)).log_in(),
                false => FarEnd::plain(Box::new(socket)).log_in(),
            }
        };
        let mut first = accept();
        first.subscribe("a");
        first.send(b"PUB a 5\r\nhello\r\n");
        first.expect("MSG a 1 5\r\nhello\r\n");
        let peer = listener.local_addr().unwrap();
        assert_eq!(broker.dialling(&dialling).connected, Some(peer));
        drop(first);
        let mut second = accept();
        second.subscribe("a");
        drop(second);
        drop(accept());
        broker.stop_dialling(&dialling);
    }
}

/// Be the handshake first, or behind INFO: a server at the other end that is not who it should be gets no session, and is tried again until it is.
#[test]
fn the_peer_has_to_be_the_server_that_is_looked_for() {
    let (authority, other) = (Authority::new("ca"), Authority::new("other"));
    let acceptor = |authority: &Authority, host: &str| {
        let certificate = authority.issue(&request("server").host(host));
        Acceptor::new(&Settings {
            certificates: vec![certificate.pair()],
            verify: true,
            ca: Some(other.ca()),
            ..Settings::default()
        })
        .unwrap()
    };
    let connector = Connector::new(&Settings {
        ca: Some(authority.ca()),
        certificates: vec![other.issue(&request("us")).pair()],
        ..Settings::default()
    })
    .unwrap();
    for (framed, after_info) in [(false, false), (false, true), (true, false)] {
        let broker = Broker::start(Layers {
            connector: Some(connector.clone()),
            framed,
            after_info,
            ..Layers::default()
        });
        let listener = listen();
        let dialling = broker.dial(dialer(&listener));
        let accept = |acceptor: &Acceptor| {
            let (mut socket, _) = listener.accept().unwrap();
            if after_info {
                socket.write_all(b"INFO {}\r\n").unwrap();
            }
            answer(socket, acceptor)
        };
        let wrong = [acceptor(&other, "localhost"), acceptor(&authority, "elsewhere")];
        for (failed, wrong) in (1..).zip(&wrong) {
            assert!(accept(wrong).is_err());
            eventually(|| broker.dialling(&dialling).failed == failed);
        }
        let state = broker.dialling(&dialling);
        assert_eq!(state.last_error.as_deref(), Some("TLS Handshake Failure"));
        let right = acceptor(&authority, "localhost");
        let (line, name) = accept(&right).unwrap();
        assert_eq!(name, "localhost");
        let mut peer = match framed {
            true => FarEnd::framed(line),
            false => FarEnd::plain(line),
        }
        .log_in();
        peer.subscribe("a");
        peer.send(b"PUB a 5\r\nhello\r\n");
        peer.expect("MSG a 1 5\r\nhello\r\n");
        eventually(|| broker.dialling(&dialling).failed == 0);
        broker.stop_dialling(&dialling);
    }
}
