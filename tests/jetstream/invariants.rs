//! What holds of streams whatever clients do, each for itself.

use crate::world::{Folder, ask_json, asker, process};
use serde_json::json;
use std::fs;
use vagus_test_support::Client;

/// Where answers go that some clients may want, all of them below one subject.
fn odd_replies() -> Vec<Vec<u8>> {
    let mut replies: Vec<Vec<u8>> = [
        "odd.a*b",
        "odd.>x",
        r#"odd."{}"#,
        "odd.$JS.ACK.S.C.1.1.1.1.0",
        "odd.ü",
    ]
    .map(|reply| reply.as_bytes().to_vec())
    .into();
    replies.push(b"odd.\xff\xfe\x01".to_vec());
    replies.push([b"odd.".to_vec(), vec![b'x'; 2000]].concat());
    replies
}

fn publish(client: &mut Client, subject: &str, reply: &[u8], payload: &str) {
    let line = [format!("PUB {subject} ").as_bytes(), reply].concat();
    client.send_bytes(&line);
    client.send_bytes(format!(" {}\r\n{payload}\r\n", payload.len()).as_bytes());
}

#[test]
fn invariant_15_an_odd_reply_subject_never_breaks_a_line() {
    let folder = Folder::new("jetstream");
    let mut server = process(&folder);
    let mut client = asker(server.client());
    let stream = json!({"name": "S", "subjects": ["s"], "max_msgs": 100});
    ask_json(&mut client, "$JS.API.STREAM.CREATE.S", &stream.to_string());
    let consumer = json!({"durable_name": "C", "ack_policy": "explicit"});
    let request = json!({"stream_name": "S", "config": consumer}).to_string();
    ask_json(&mut client, "$JS.API.CONSUMER.DURABLE.CREATE.S.C", &request);
    client.subscribe("odd.>", "5");
    for reply in odd_replies() {
        // An answer, an acknowledgement of what is stored, a message of a consumer, and that it is acknowledged.
        publish(&mut client, "$JS.API.INFO", &reply, "");
        assert!(client.message().payload.starts_with(b"{\"type\":"));
        publish(&mut client, "s", &reply, "payload");
        assert!(client.message().payload.starts_with(b"{\"stream\":\"S\""));
        publish(&mut client, "$JS.API.CONSUMER.MSG.NEXT.S.C", &reply, "1");
        let message = client.message();
        assert_eq!((&*message.subject, &message.payload[..]), ("s", &b"payload"[..]));
        publish(&mut client, &message.reply.unwrap(), &reply, "+ACK");
        assert!(client.message().payload.is_empty());
    }
    // Nothing else has come.
    let info = ask_json(&mut client, "$JS.API.CONSUMER.INFO.S.C", "");
    assert_eq!(info["ack_floor"]["stream_seq"], odd_replies().len(), "{info}");
}

/// How much of its memory a process has in use, in bytes.
fn memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Nothing is kept of who has asked: neither of those who are answered, nor of those who have gone.
#[test]
fn invariant_15_bookkeeping_of_the_api_is_bounded() {
    const ROUND: usize = 3000;
    let folder = Folder::new("jetstream");
    let mut server = process(&folder);
    let mut client = asker(server.client());
    let mut ask = |round: usize| {
        for number in 0..ROUND {
            let reply = format!("nobody.{round}.{number}.{}", "x".repeat(3000));
            publish(&mut client, "$JS.API.INFO", reply.as_bytes(), "");
            publish(
                &mut client,
                "$JS.API.CONSUMER.INFO.NONE.NONE",
                reply.as_bytes(),
                "",
            );
            if number % 100 == 0 {
                ask_json(&mut client, "$JS.API.INFO", "");
            }
        }
        ask_json(&mut client, "$JS.API.INFO", "");
    };
    ask(0);
    let before = memory(server.id());
    ask(1);
    let grown = memory(server.id()).saturating_sub(before);
    // Half of what the replies of one round come to.
    assert!(grown < (ROUND * 3000) as u64, "{grown}");
}
