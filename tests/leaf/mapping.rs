//! What comes over a link goes on on the subjects that the account maps its own to, while it maps them.

use crate::peer::Peer;
use vagus_test_support::server;

fn text(mappings: &str) -> String {
    format!("server_name: hub\nmappings: {{ {mappings} }}\nleafnodes {{ listen: \"127.0.0.1:-1\" }}")
}

#[test]
fn what_is_mapped_is_asked_for_and_goes_on_elsewhere() {
    let server = server().configured(&text("old.*: new.$1")).start();
    let mut client = server.connected();
    client.send("SUB new.* 1\r\nSUB new.* q 2");
    client.sync_silent();
    let mut peer = Peer::bound(&server);
    let mut asked: Vec<String> = (0..3).map(|_| peer.line()).collect();
    asked.sort();
    assert_eq!(asked, ["LS+ new.*", "LS+ new.* q 1", "LS+ old.*"]);
    // Groups that are interested in what it is mapped to are served though nobody named them.
    peer.say("LMSG old.a 1\r\n1\r\nLMSG old.b r 1\r\n2\r\nLMSG new.c 1\r\n3");
    peer.sync();
    let mut came: Vec<String> = client
        .sync_messages()
        .iter()
        .map(|it| {
            format!(
                "{} {} {}",
                it.sid,
                it.subject,
                String::from_utf8_lossy(&it.payload)
            )
        })
        .collect();
    came.sort();
    assert_eq!(
        came,
        ["1 new.a 1", "1 new.b 2", "1 new.c 3", "2 new.a 1", "2 new.b 2"]
    );
    // Who was interested in it for itself may go: it is still mapped.
    client.send("SUB old.* 3");
    client.sync_silent();
    peer.expect(&["LS+ old.*"]);
    client.send("UNSUB 3\r\nSUB end 4");
    client.sync_silent();
    peer.expect(&["LS+ end"]);
    let at = server.leafnode_address().unwrap();
    server.reconfigure(&text("").replace("127.0.0.1:-1", &at.to_string()));
    peer.expect(&["LS- old.*"]);
}
