//! A stream of one server serves clients of all.

use crate::peer::Route;
use crate::world::{await_interest, await_members, clustered, member};
use vagus_test_support::streams::{consume_it, keep_a_message};
use vagus_test_support::{Folder, TestServer, eventually, server};

/// A member of the cluster that keeps streams there.
fn keeper(folder: &Folder) -> TestServer {
    let text = format!("jetstream: {{store_dir: '{}'}}", folder.path().display());
    server()
        .configured(&text)
        .set(|config| {
            config.server_name = Some("keeper".to_owned());
            config.cluster = Some(clustered(Some(crate::world::NAME), &[]));
        })
        .start()
}

/// As if it had been delivered where the stream is.
#[test]
fn a_client_of_another_server_sees_on_what_a_message_was_published() {
    let folder = Folder::new("cluster");
    let keeper = keeper(&folder);
    let other = member("other", &[keeper.cluster_address().unwrap()]).start();
    await_members(&other, 1);
    let mut client = other.connected();
    client.subscribe("inbox", "9");
    eventually(|| other.router().unwrap().subscriptions > 10);
    await_interest(&keeper, other.router().unwrap().subscriptions);
    keep_a_message(&mut client, "inbox");
    consume_it(&mut client, "inbox");
}

/// On a route the subject stands behind the reply, as nats-server has it.
#[test]
fn a_reply_says_on_what_a_message_was_published() {
    let folder = Folder::new("cluster");
    let keeper = keeper(&folder);
    let mut client = keeper.connected();
    client.subscribe("inbox", "9");
    keep_a_message(&mut client, "inbox");
    let mut route = Route::joined(&keeper);
    let before = keeper.router().unwrap().subscriptions;
    route.say("RS+ $G far");
    await_interest(&keeper, before + 1);
    client.send("PUB $JS.API.CONSUMER.MSG.NEXT.S.C far 1\r\n1");
    let line = loop {
        let line = route.line();
        if line.starts_with("RMSG") {
            break line;
        }
    };
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!(words[..3], ["RMSG", "$G", "far"]);
    assert!(
        words[3].starts_with("$JS.ACK.S.C.1.1.1.") && words[3].ends_with("@s.a"),
        "{line}"
    );

    let mut listener = keeper.connected();
    listener.subscribe("near", "1");
    route.say("RMSG $G near $JS.ACK.S.C.1.2.2.3.0@s.b 2\r\nhi\r\nRMSG $G near other@s.b 2\r\nho");
    listener.expect("MSG s.b 1 $JS.ACK.S.C.1.2.2.3.0 2\r\nhi");
    listener.expect("MSG near 1 other@s.b 2\r\nho");
}
