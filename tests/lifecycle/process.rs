//! The program: it says when it is ready, serves, and ends by a signal, with its connections.

use rustix::process::{Pid, Signal, kill_process};
use vagus_test_support::{Frame, Process, spawn_binary};

#[test]
fn ends_by_a_signal() {
    for (signal, code) in [(Signal::INT, 0), (Signal::TERM, 0), (Signal::QUIT, 2)] {
        let mut process = spawn_binary!("-a", "127.0.0.1", "-p", "-1");
        let mut client = process.client().connect(r#"{"verbose":false}"#);
        client.send("SUB a 1\r\nPUB a 2\r\nhi");
        client.expect("MSG a 1 2\r\nhi");
        let pid = Pid::from_raw(process.id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        assert_eq!(client.closed(), "");
        assert_eq!(process.wait().code(), Some(code), "{signal:?}");
        process.log_line("Server Exiting..");
    }
}

fn send(signal: Signal, process: &Process) {
    let pid = Pid::from_raw(process.id().try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// A server in lame duck mode passes over SIGTERM and another SIGUSR2, and ends by SIGINT at once.
#[test]
fn takes_leave_of_its_clients() {
    let mut process = spawn_binary!("-a", "127.0.0.1", "-p", "-1");
    let mut client = process.client().connect(r#"{"verbose":false,"protocol":1}"#);
    client.send("PING");
    client.expect("PONG");
    assert!(matches!(client.next_frame(), Frame::Info(_)));
    send(Signal::USR2, &process);
    process.log_line("Entering lame duck mode, stop accepting new clients");
    assert!(matches!(client.next_frame(), Frame::Info(info) if info.contains(r#""ldm":true"#)));
    for signal in [Signal::TERM, Signal::USR2] {
        send(signal, &process);
    }
    process.log_line("Trapped \"terminated\" signal");
    client.sync_silent();
    send(Signal::INT, &process);
    assert_eq!(client.closed(), "");
    assert_eq!(process.wait().code(), Some(0));
}

#[test]
fn ends_when_nobody_is_left() {
    let mut process = spawn_binary!("-a", "127.0.0.1", "-p", "-1");
    process.client_address();
    send(Signal::USR2, &process);
    assert_eq!(process.wait().code(), Some(0));
    process.log_line("Server Exiting..");
}

/// The port is taken: it says so and fails.
#[test]
fn fails_where_it_cannot_listen() {
    let mut first = spawn_binary!("-a", "127.0.0.1", "-p", "-1");
    let port = first.client_address().port().to_string();
    let mut second = spawn_binary!("-a", "127.0.0.1", "-p", &port);
    assert_eq!(second.wait().code(), Some(1));
    second.log_line("address already in use");
    let mut client = first.client().connect(r#"{"verbose":false}"#);
    client.sync_silent();
}
