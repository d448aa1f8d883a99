//! A server in lame duck mode lets nobody in, tells those who are there, serves them on, and closes them one by one.

use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use vagus::LameDuckPhase;
use vagus_test_support::{Client, Frame, PATIENCE, TestServer, eventually_equal, server};

/// So long that nobody is closed while a test goes on.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// So short that closing begins at once.
const AT_ONCE: Duration = Duration::from_millis(1);

fn ended(server: &TestServer) -> Receiver<()> {
    let (send, receive) = channel();
    server.once_lame_duck_mode_ended(move || send.send(()).unwrap());
    receive
}

/// A client that understands INFO at any time, and has read what comes after its first PONG.
fn modern(server: &TestServer) -> Client {
    let mut client = server.client().connect(r#"{"verbose":false,"protocol":1}"#);
    client.send("PING");
    client.expect("PONG");
    info(&mut client);
    client
}

fn info(client: &mut Client) -> String {
    match client.next_frame() {
        Frame::Info(info) => info,
        other => panic!("INFO is expected, not {other:?}"),
    }
}

#[test]
fn tells_clients_and_goes_on_serving_them() {
    let server = server().arbiters(2).lame_duck(FOR_EVER, FOR_EVER / 2).start();
    let address = server.client_address();
    let mut modern = [modern(&server), modern(&server)];
    let mut old = server.connected();
    let mut quiet = server.client();
    assert!(server.enter_lame_duck_mode());
    for client in &mut modern {
        let told = info(client);
        assert!(told.contains(r#""ldm":true"#), "{told}");
        assert!(!told.contains("connect_info"), "{told}");
    }
    assert!(
        TcpStream::connect(address).is_err(),
        "nobody can connect any more"
    );
    assert_eq!(server.lame_duck().unwrap().phase, LameDuckPhase::Grace);
    assert!(!server.enter_lame_duck_mode(), "it has begun already");
    // Those who do not understand INFO at any time hear nothing of it.
    old.subscribe("a", "1");
    modern[0].send("PUB a 2\r\nhi");
    old.expect("MSG a 1 2\r\nhi");
    modern[0].sync_silent();
    // Who says who it is only now hears of it with the INFO it is due.
    quiet.send("CONNECT {\"verbose\":false,\"protocol\":1}\r\nPING");
    quiet.expect("PONG");
    let told = info(&mut quiet);
    assert!(
        told.contains(r#""ldm":true"#) && told.contains("connect_info"),
        "{told}"
    );
}

#[test]
fn closes_everybody_and_says_so() {
    let server = server().arbiters(2).lame_duck(AT_ONCE * 300, AT_ONCE).start();
    let ended = ended(&server);
    let mut clients: Vec<Client> = (0..50).map(|_| server.connected()).collect();
    server.enter_lame_duck_mode();
    for client in &mut clients {
        assert_eq!(client.closed(), "");
    }
    ended.recv_timeout(PATIENCE).unwrap();
    assert_eq!(server.lame_duck().unwrap().phase, LameDuckPhase::Ended);
    let closed = server.monitor().unwrap().closed;
    assert_eq!(closed.get("Server Shutdown"), Some(&50), "{closed:?}");
    assert_eq!(server.monitor().unwrap().connections, 0);
}

/// What waits for a client that reads slowly is written before it is closed.
#[test]
fn gives_up_nothing_that_waits() {
    let server = server().lame_duck(AT_ONCE * 2, AT_ONCE).start();
    let ended = ended(&server);
    let mut slow = server.connected_with_little_room();
    slow.subscribe("a", "1");
    let mut publisher = server.connected();
    let payload = "x".repeat(1000);
    for _ in 0..500 {
        publisher.send(&format!("PUB a 1000\r\n{payload}"));
    }
    publisher.sync_silent();
    server.enter_lame_duck_mode();
    assert_eq!(slow.messages(500).len(), 500);
    assert_eq!(slow.closed(), "");
    ended.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn ends_at_once_without_clients() {
    let server = server().lame_duck(FOR_EVER, FOR_EVER / 2).start();
    server.enter_lame_duck_mode();
    // A client that asks late is told, too.
    eventually_equal(|| server.lame_duck().unwrap().phase, LameDuckPhase::Ended);
    ended(&server).recv_timeout(PATIENCE).unwrap();
    assert!(TcpStream::connect(server.client_address()).is_err());
}
