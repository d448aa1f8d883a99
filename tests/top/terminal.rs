//! The terminal is as it was before, however the program ends.

use crate::pseudo_terminal::OnTerminal;
use rustix::process::{Pid, Signal, kill_process};
use vagus_test_support::{HeldPort, TestServer, server};

fn top(server: &TestServer, more: &[&str]) -> OnTerminal {
    let port = server.monitor_address().unwrap().port().to_string();
    let arguments = [&["top", "-m", &port], more].concat();
    OnTerminal::run(&arguments)
}

#[test]
fn ends_by_keys() {
    let server = server().monitoring().start();
    let _client = server.connected();
    for key in ["q", "\u{3}"] {
        let mut top = top(&server, &[]);
        top.until_shown();
        top.press("?");
        top.until("Any key goes back.");
        top.press("x");
        top.until("Connections Polled: 1");
        top.press("h");
        top.until("Hot Subjects: 0");
        top.press("hn7");
        top.until("limit   [1024]: 7");
        top.press("\rn");
        top.until("limit   [7]:");
        top.press("\r");
        top.press(key);
        assert_eq!(top.until_given_back().code(), Some(0), "{key:?}");
    }
}

#[test]
fn ends_by_signals() {
    let server = server().monitoring().start();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        let mut top = top(&server, &[]);
        top.until_shown();
        kill_process(Pid::from_raw(top.id()).unwrap(), signal).unwrap();
        assert_eq!(top.until_given_back().code(), Some(0), "{signal:?}");
    }
}

#[test]
fn ends_after_some_looks() {
    let server = server().monitoring().start();
    let mut top = top(&server, &["-r", "2"]);
    top.until_shown();
    assert_eq!(top.until_given_back().code(), Some(0));
}

#[test]
fn turns_to_other_servers() {
    let named = |name: &str| server().set(|config| config.server_name = Some(name.to_owned()));
    let servers = [
        named("east").monitoring().start(),
        named("west").monitoring().start(),
    ];
    let addresses = servers
        .each_ref()
        .map(|server| server.monitor_address().unwrap().to_string());
    let mut top = OnTerminal::run(&["top", "-s", &addresses.join(",")]);
    top.until(&format!("Server: east  (1 of 2: {})", addresses[0]));
    top.press("\t");
    top.until(&format!("west  (2 of 2: {})", addresses[1]));
    top.press("1");
    top.until("east  (1 of 2");
    top.press("q");
    assert_eq!(top.until_given_back().code(), Some(0));
}

/// One that does not answer at the beginning is passed over.
#[test]
fn begins_with_a_server_that_answers() {
    let server = server().monitoring().start();
    let nobody = HeldPort::new();
    let addresses = format!("{},{}", nobody.address(), server.monitor_address().unwrap());
    let mut top = OnTerminal::run(&["top", "-s", &addresses]);
    top.until("(2 of 2: ");
    top.press("q");
    assert_eq!(top.until_given_back().code(), Some(0));
}

/// The server goes away: that is said, and what was seen last stays.
#[test]
fn goes_on_without_a_server() {
    let server = server().monitoring().start();
    let mut top = top(&server, &[]);
    top.until_shown();
    server.shutdown();
    top.until("cannot ask the server for /varz");
    top.press("q");
    assert_eq!(top.until_given_back().code(), Some(0));
}
