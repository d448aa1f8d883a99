//! What a system user may have done.

use crate::world::{ACCOUNTS, ask_json, asker, client, number, start};
use vagus_test_support::{Frame, eventually};

#[test]
fn clients_are_kicked() {
    let server = start();
    let mut sys = asker(&server);
    let mut a = client(&server, "a");
    let subject = format!("$SYS.REQ.SERVER.{}.KICK", server.id());
    let cid = number(&server, "a");
    let answer = ask_json(&mut sys, &subject, &format!(r#"{{"cid":{cid}}}"#));
    assert!(
        answer.get("error").is_none() && answer.get("data").is_none(),
        "{answer}"
    );
    a.closed();
    eventually(|| server.connection("a").is_none());
    let answer = ask_json(&mut sys, &subject, r#"{"cid":99999}"#);
    assert_eq!(answer["error"]["description"], "no such client or leafnode id");
}

#[test]
fn one_client_is_told_to_look_for_another_server() {
    let server = start();
    let mut sys = asker(&server);
    let mut a = server
        .client()
        .connect(r#"{"verbose":false,"user":"a","pass":"p","name":"hears","protocol":1}"#);
    a.sync();
    a.read_info();
    let subject = format!("$SYS.REQ.SERVER.{}.LDM", server.id());
    let order = |name: &str| format!(r#"{{"cid":{}}}"#, number(&server, name));
    let answer = ask_json(&mut sys, &subject, &order("hears"));
    assert!(answer.get("error").is_none(), "{answer}");
    let Frame::Info(info) = a.next_frame() else {
        panic!("it is told by INFO")
    };
    assert!(info.contains(r#""ldm":true"#), "{info}");
    // It may stay, and nobody else was told.
    a.sync_silent();
    let _deaf = client(&server, "a");
    let answer = ask_json(&mut sys, &subject, &order("a"));
    assert_eq!(
        answer["error"]["description"],
        "client does not support Lame Duck Mode or is not ready to receive the notification"
    );
    let answer = ask_json(&mut sys, &subject, r#"{"cid":99999}"#);
    assert_eq!(answer["error"]["description"], "no such client id");
}

/// A server that was not set by a file has nothing to read again, and says so.
#[test]
fn a_reload_that_cannot_be_is_refused() {
    let server = vagus_test_support::server().configured(ACCOUNTS).start();
    let mut sys = asker(&server);
    let answer = ask_json(&mut sys, &format!("$SYS.REQ.SERVER.{}.RELOAD", server.id()), "");
    assert_eq!(answer["error"]["code"], 500);
    assert_eq!(
        answer["error"]["description"],
        "can only reload config when a file is provided using -c or --config"
    );
}
