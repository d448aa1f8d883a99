//! Over real sockets, of addresses that tests choose.

use super::*;
use crate::testing::on_an_arbiter;
use futures_util::FutureExt;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tokio::task::spawn_local;

/// Attempts that follow each other quickly.
fn hasty() -> DialSettings {
    DialSettings {
        connect_timeout: Duration::from_secs(60),
        delay: Duration::from_millis(1),
        longest_delay: Duration::from_millis(1),
        longest_delay_unopened: Duration::from_millis(1),
        jitter: Duration::from_millis(1),
        ..DialSettings::default()
    }
}

/// A server, and where it is.
fn server() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// An address that nobody listens at.
fn nobody() -> SocketAddr {
    server().1
}

/// An address that does not answer: what waits to be accepted there is as much as may. It is so for as long as what is
/// given is kept.
fn silent() -> (SocketAddr, Vec<socket2::Socket>) {
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener.bind(&local.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut sockets = vec![listener];
    loop {
        let waiting = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        let connected = waiting.connect_timeout(&address.into(), Duration::from_millis(100));
        sockets.push(waiting);
        if connected.is_err() {
            return (address, sockets);
        }
    }
}

/// Finds these addresses, those of the first list for the first attempt.
fn finding(lists: Vec<Vec<SocketAddr>>) -> Resolver {
    let attempts = AtomicUsize::new(0);
    Arc::new(move |host, _| {
        assert_eq!(host, "here");
        let number = attempts.fetch_add(1, Ordering::Relaxed).min(lists.len() - 1);
        Ok(lists[number].clone())
    })
}

/// A Dialer that writes down what happens.
fn dialer(settings: DialSettings, resolver: Resolver) -> (Dialer, Receiver<String>) {
    let (said, hears): (Sender<String>, _) = channel();
    let observer = move |event: DialEvent<'_>| {
        let text = match event {
            DialEvent::Trying(address) => format!("trying {address}"),
            DialEvent::Unreachable(error) => format!("unreachable: {error}"),
            DialEvent::Failed(attempt) => {
                let loud = if attempt.is_reported { "error" } else { "debug" };
                format!("{loud} {}: {}", attempt.number, attempt.error)
            }
        };
        let _ = said.send(text);
    };
    let dialer = Dialer::new("here", 1, settings, observer).resolving_by(resolver);
    (dialer, hears)
}

#[test]
fn it_connects_to_the_address_that_answers() {
    on_an_arbiter(async {
        let (_listener, address) = server();
        let addresses = vec![nobody(), nobody(), address, nobody()];
        let (mut dialer, hears) = dialer(hasty(), finding(vec![addresses]));
        let dialled = dialer.dial().await.unwrap();
        assert_eq!(dialled.peer, address);
        assert_eq!(dialled.socket.peer_addr().unwrap(), address);
        let state = dialer.state().borrow().clone();
        assert_eq!((state.stage, state.failed), (DialStage::Connected(address), 0));
        let heard: Vec<String> = hears.try_iter().collect();
        assert_eq!(heard.last(), Some(&format!("trying {address}")));
        let failed = heard.iter().filter(|event| event.starts_with("unreachable"));
        assert_eq!(failed.count() * 2 + 1, heard.len(), "{heard:?}");
    });
}

/// Addresses are found anew for each attempt, and the moment of the next can be seen.
#[test]
fn it_goes_on_until_somebody_answers() {
    on_an_arbiter(async {
        let (_listener, address) = server();
        let lists = vec![vec![nobody()], vec![], vec![nobody(), nobody()], vec![address]];
        let (mut dialer, hears) = dialer(hasty(), finding(lists));
        let mut state = dialer.state();
        let watching = spawn_local(async move {
            let waits = |state: &DialState| matches!(state.stage, DialStage::Waiting(_));
            let seen = state.wait_for(waits).await.unwrap().clone();
            (seen, Instant::now())
        });
        let dialled = dialer.dial().await.unwrap();
        assert_eq!(dialled.peer, address);
        let (seen, when) = watching.await.unwrap();
        let DialStage::Waiting(until) = seen.stage else {
            unreachable!();
        };
        assert!(
            until <= when + Duration::from_millis(2),
            "it waits no longer than it may"
        );
        assert!(seen.failed >= 1);
        assert!(seen.last_error.is_some());
        let failed: Vec<String> = hears
            .try_iter()
            .filter(|event| event.contains(" 1: ") || event.contains(" 2: "))
            .collect();
        assert!(
            failed[0].starts_with("error 1: dial tcp 127.0.0.1:"),
            "{failed:?}"
        );
        assert!(
            failed[0].ends_with("Connection refused (os error 111)"),
            "{failed:?}"
        );
        assert_eq!(failed[1], "debug 2: lookup for host \"here\": no address");
        let state = dialer.state().borrow().clone();
        // It is not known yet whether the peer is who was looked for.
        assert_eq!(state.failed, 3);
    });
}

#[test]
fn an_address_that_does_not_answer_costs_no_more_than_its_time() {
    on_an_arbiter(async {
        let (address, _sockets) = silent();
        let settings = DialSettings {
            connect_timeout: Duration::from_millis(20),
            attempts_at_most: Some(1),
            ..hasty()
        };
        let (mut dialer, hears) = dialer(settings, finding(vec![vec![address]]));
        assert_eq!(dialer.dial().await.unwrap_err(), GivenUp);
        assert_eq!(dialer.state().borrow().stage, DialStage::GivenUp);
        assert_eq!(
            hears.try_iter().last(),
            Some(format!("error 1: dial tcp {address}: i/o timeout"))
        );
    });
}

#[test]
fn what_cannot_be_looked_up_is_tried_again() {
    on_an_arbiter(async {
        let settings = DialSettings {
            attempts_at_most: Some(2),
            ..hasty()
        };
        let (mut dialer, hears) = dialer(settings, Arc::new(|_, _| Err(io::Error::other("who?"))));
        assert_eq!(dialer.dial().await.unwrap_err(), GivenUp);
        let heard: Vec<String> = hears.try_iter().collect();
        assert_eq!(
            heard,
            [
                "error 1: lookup for host \"here\": who?",
                "debug 2: lookup for host \"here\": who?"
            ]
        );
    });
}

/// As the system resolves it.
#[test]
fn a_name_of_this_machine() {
    on_an_arbiter(async {
        let (listener, address) = server();
        let mut dialer = Dialer::new("localhost", address.port(), hasty(), |_| {});
        let dialled = dialer.dial().await.unwrap();
        assert_eq!(dialled.peer, address);
        listener.accept().unwrap();
    });
}

/// A connection that ends is dialled anew, be it that there was a session or not.
#[test]
fn it_keeps_a_server_connected() {
    on_an_arbiter(async {
        let (listener, address) = server();
        let (dialer, hears) = dialer(hasty(), finding(vec![vec![address]]));
        let mut state = dialer.state();
        let (handed_over, mut takes) = tokio::sync::mpsc::unbounded_channel();
        let keeping = spawn_local(dialer.keep_connected(move |dialled| handed_over.send(dialled).unwrap()));

        let first = takes.recv().await.unwrap();
        let (mut far_end, _) = listener.accept().unwrap();
        first.outcome.failed("it is somebody else");
        drop(first.socket);
        assert_eq!(far_end.read(&mut [0]).unwrap(), 0);
        let refused = "it is somebody else";
        state
            .wait_for(|state| state.last_error.as_deref() == Some(refused))
            .await
            .unwrap();

        let second = takes.recv().await.unwrap();
        listener.accept().unwrap();
        assert_eq!(state.borrow().failed, 1);
        second.outcome.opened();
        state.wait_for(|state| state.failed == 0).await.unwrap();
        drop(second);

        let third = takes.recv().await.unwrap();
        listener.accept().unwrap();
        drop(third);
        state.wait_for(|state| state.failed == 1).await.unwrap();
        let _fourth = takes.recv().await.unwrap();

        let errors: Vec<String> = hears
            .try_iter()
            .filter(|event| !event.starts_with("trying"))
            .collect();
        assert_eq!(
            errors,
            [
                "error 1: it is somebody else",
                "error 1: the connection was closed"
            ]
        );
        keeping.abort();
    });
}

/// Nothing goes on when it is dropped, wherever it was.
#[test]
fn it_ends_when_it_is_dropped() {
    on_an_arbiter(async {
        let (address, _sockets) = silent();
        for (resolver, is_there) in [
            (finding(vec![vec![address]]), DialStage::Connecting(address)),
            (
                Arc::new(|_: &str, _| {
                    // Longer than any test takes.
                    thread::park();
                    Ok(Vec::new())
                }) as Resolver,
                DialStage::Resolving,
            ),
        ] {
            let (dialer, _hears) = dialer(hasty(), resolver);
            let mut state = dialer.state();
            let keeping = spawn_local(dialer.keep_connected(|_| {}));
            state.wait_for(|state| state.stage == is_there).await.unwrap();
            keeping.abort();
            assert!(keeping.await.unwrap_err().is_cancelled());
            while state.changed().await.is_ok() {}
        }
    });
}

/// An attempt whose future is dropped is made anew by the next call; a wait goes on.
#[test]
fn a_call_that_is_dropped_loses_nothing() {
    on_an_arbiter(async {
        let (_listener, address) = server();
        let settings = DialSettings {
            delay: Duration::from_secs(3600),
            ..hasty()
        };
        let (mut dialer, hears) = dialer(settings, finding(vec![vec![nobody()], vec![address]]));
        let mut state = dialer.state();
        let waits = |state: &DialState| matches!(state.stage, DialStage::Waiting(_));
        let waiting = tokio::time::timeout(Duration::from_secs(60), state.wait_for(waits));
        tokio::pin!(waiting);
        {
            let dialling = dialer.dial();
            tokio::pin!(dialling);
            futures_util::future::select(dialling, &mut waiting).await;
        }
        let before = state_of(&dialer);
        assert!(dialer.dial().now_or_never().is_none());
        assert_eq!(state_of(&dialer), before, "it waits for the same moment");
        assert_eq!(hears.try_iter().count(), 2, "one address was tried, once");
    });
}

fn state_of(dialer: &Dialer) -> DialStage {
    dialer.state().borrow().stage
}
