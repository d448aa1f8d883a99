//! Who asks for much, or does not listen, costs nobody else.

use crate::world::{ask_json, asker, client, start};

/// Ten thousand requests at once: those that there is room for are answered, the others are told that nobody answers, and
/// all the while others are served.
#[test]
fn a_flood_of_requests_is_borne() {
    let server = start();
    let mut flood = client(&server, "sys");
    flood.subscribe("answers", "1");
    flood.sync_silent();
    let requests = 10_000;
    flood.send_bytes(
        "PUB $SYS.REQ.SERVER.PING.HEALTHZ answers 0\r\n\r\n"
            .repeat(requests)
            .as_bytes(),
    );
    let mut a = client(&server, "a");
    a.subscribe("x", "1");
    for _ in 0..100 {
        a.publish("x", b"1");
        assert_eq!(a.message().text(), "1");
    }
    assert_eq!(flood.messages(requests).len(), requests);
    let mut sys = asker(&server);
    assert!(ask_json(&mut sys, "$SYS.REQ.SERVER.PING.VARZ", "")["data"].is_object());
}

/// A system user that reads nothing of what it asks for is a slow consumer, as any client is.
#[test]
fn who_does_not_listen_keeps_nobody_waiting() {
    let server = vagus_test_support::server()
        .configured(crate::world::ACCOUNTS)
        .max_pending(256 * 1024)
        .start();
    let mut deaf = client(&server, "sys");
    deaf.subscribe("answers", "1");
    deaf.sync_silent();
    deaf.send_bytes(
        "PUB $SYS.REQ.SERVER.PING.VARZ answers 0\r\n\r\n"
            .repeat(2_000)
            .as_bytes(),
    );
    let mut sys = asker(&server);
    for _ in 0..10 {
        assert!(ask_json(&mut sys, "$SYS.REQ.SERVER.PING.VARZ", "")["data"].is_object());
    }
}

/// An account that asks without end about itself is answered when it has its turn; others, and system users, before.
#[test]
fn an_account_that_asks_without_end_waits_for_itself() {
    let server = start();
    let mut flood = client(&server, "a");
    flood.subscribe("answers", "1");
    flood.send_bytes(
        "PUB $SYS.REQ.ACCOUNT.PING.CONNZ answers 0\r\n\r\n"
            .repeat(5_000)
            .as_bytes(),
    );
    let mut sys = asker(&server);
    for _ in 0..10 {
        assert!(ask_json(&mut sys, "$SYS.REQ.SERVER.PING.VARZ", "")["data"].is_object());
        let traffic = ask_json(&mut sys, "$SYS.REQ.ACCOUNT.SYS.STATZ", "");
        assert_eq!(traffic["data"]["account_statz"][0]["acc"], "SYS");
    }
    assert!(flood.message().text().contains("\"data\""));
}
