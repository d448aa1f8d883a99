//! Who imports another account's streams as services consumes them as if they were its own.

use crate::world::{Folder, ask_json, user};
use serde_json::{Value, json};
use vagus_test_support::server;

const ACCOUNTS: &str = "
    accounts {
        KEEPS {
            jetstream: enabled, users: [{user: keeper, password: p}]
            exports: [{service: '$JS.API.>', response_type: stream}, {service: '$JS.ACK.>'}, {stream: 'pushed.>'}]
        }
        ASKS {
            users: [{user: asker, password: p}]
            imports: [
                {service: {account: KEEPS, subject: '$JS.API.>'}}
                {service: {account: KEEPS, subject: '$JS.ACK.>'}}
                {stream: {account: KEEPS, subject: 'pushed.>'}}
            ]
        }
    }";

#[test]
fn consumers_of_another_account_deliver() {
    let folder = Folder::new("jetstream");
    let store = format!("jetstream: {{store_dir: '{}'}}", folder.path().display());
    let server = server().configured(&format!("{store}\n{ACCOUNTS}")).start();
    let (mut keeper, mut asker) = (user(&server, "keeper"), user(&server, "asker"));
    let made = ask_json(
        &mut keeper,
        "$JS.API.STREAM.CREATE.S",
        r#"{"name":"S","subjects":["s.*"]}"#,
    );
    assert!(made["error"].is_null(), "{made}");
    for subject in ["s.a", "s.b"] {
        assert!(ask_json(&mut keeper, subject, "x")["error"].is_null());
    }
    let consumer = |name: &str, more: Value| {
        let mut config = json!({"durable_name": name, "ack_policy": "explicit"});
        config
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"stream_name": "S", "config": config}).to_string()
    };

    let create = "$JS.API.CONSUMER.DURABLE.CREATE.S";
    let made = ask_json(
        &mut asker,
        &format!("{create}.PULLED"),
        &consumer("PULLED", json!({})),
    );
    assert!(made["error"].is_null(), "{made}");
    asker.send("PUB $JS.API.CONSUMER.MSG.NEXT.S.PULLED inbox 1\r\n2");
    let mut acknowledged = Vec::new();
    for subject in ["s.a", "s.b"] {
        let message = asker.message();
        assert_eq!(message.subject, subject);
        acknowledged.extend(message.reply);
    }

    asker.subscribe("pushed.here", "5");
    let pushed = consumer("PUSHED", json!({"deliver_subject": "pushed.here"}));
    let request = format!("PUB {create}.PUSHED inbox {}\r\n{pushed}", pushed.len());
    asker.send(&request);
    // Whether it is there is answered beside what it pushes.
    let mut came: Vec<_> = (0..3).map(|_| asker.message()).collect();
    came.retain(|message| message.sid == "5");
    let subjects: Vec<&str> = came.iter().map(|message| &*message.subject).collect();
    assert_eq!(subjects, ["s.a", "s.b"]);
    acknowledged.extend(came.into_iter().filter_map(|message| message.reply));

    for reply in acknowledged {
        assert!(reply.starts_with("$JS.ACK.S.PU"), "{reply}");
        asker.send(&format!("PUB {reply} inbox 4\r\n+ACK"));
        asker.message();
    }
    for name in ["PULLED", "PUSHED"] {
        let info = ask_json(&mut keeper, &format!("$JS.API.CONSUMER.INFO.S.{name}"), "");
        assert_eq!(info["ack_floor"]["stream_seq"], 2, "{info}");
    }
}
