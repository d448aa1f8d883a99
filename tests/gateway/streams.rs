//! A stream of one cluster serves clients of another.

use crate::peer::{FakeCluster, Peer};
use crate::world::{await_gateways, gateway, port, settings};
use vagus_test_support::streams::{consume_it, keep_a_message};
use vagus_test_support::{Folder, TestServer, eventually, server, subscribed};

/// The cluster `A`, which keeps streams in the folder.
fn keeper(folder: &Folder, remotes: &[(&str, u16)]) -> TestServer {
    let text = format!("jetstream: {{store_dir: '{}'}}", folder.path().display());
    server()
        .configured(&text)
        .set(|config| {
            config.server_name = Some("keeper".to_owned());
            config.gateway = Some(settings("A", remotes));
        })
        .start()
}

/// As if it had been delivered where the stream is.
#[test]
fn a_client_of_another_cluster_sees_on_what_a_message_was_published() {
    let folder = Folder::new("gateways");
    let keeper = keeper(&folder, &[]);
    let other = gateway("other", "B", &[("A", port(&keeper))]).start();
    await_gateways(&keeper, 1, 1);
    await_gateways(&other, 1, 1);
    let mut client = subscribed(&other, "inbox 9", &[&keeper]);
    // Once this server knows who answers there, one does.
    let mut probe = subscribed(&other, "probe 1", &[&keeper]);
    eventually(|| {
        probe.send("PUB $JS.API.INFO probe 0\r\n");
        !probe.sync_messages().is_empty()
    });
    keep_a_message(&mut client, "inbox");
    consume_it(&mut client, "inbox");
}

/// Between clusters the subject stands behind the reply, as nats-server has it.
#[test]
fn a_reply_says_on_what_a_message_was_published() {
    let (folder, fake) = (Folder::new("gateways"), FakeCluster::new());
    let keeper = keeper(&folder, &[("X", fake.address().port())]);
    let (mut outbound, ..) = fake.greet("X", r#","gateway_iom":true"#);
    let mut client = keeper.connected();
    client.subscribe("inbox", "9");
    keep_a_message(&mut client, "inbox");
    outbound.want("X", &["far"]);
    client.send("PUB $JS.API.CONSUMER.MSG.NEXT.S.C far 1\r\n1");
    let line = loop {
        let line = outbound.line();
        if line.starts_with("RMSG $G far") {
            break line;
        }
    };
    let words: Vec<&str> = line.split(' ').collect();
    assert!(
        words[3].starts_with("$JS.ACK.S.C.1.1.1.") && words[3].ends_with("@s.a"),
        "{line}"
    );

    let mut listener = keeper.connected();
    listener.subscribe("near", "1");
    listener.sync_silent();
    let mut inbound = Peer::of(&keeper, "X");
    inbound.say("RMSG $G near $JS.ACK.S.C.1.2.2.3.0@s.b 2\r\nhi\r\nRMSG $G near other@s.b 2\r\nho");
    listener.expect("MSG s.b 1 $JS.ACK.S.C.1.2.2.3.0 2\r\nhi");
    listener.expect("MSG near 1 other@s.b 2\r\nho");
}
