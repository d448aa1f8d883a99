//! Streams as a client has them: what is asked, and what comes back to an inbox that it has subscribed to.

use crate::Client;
use serde_json::{Value, json};

/// Asks in JSON, or with nothing if the question is null.
#[track_caller]
pub fn ask(client: &mut Client, (subject, inbox): (&str, &str), question: &Value) -> Value {
    let question = match question {
        Value::Null => String::new(),
        question => question.to_string(),
    };
    client.send(&format!("PUB {subject} {inbox} {}\r\n{question}", question.len()));
    serde_json::from_slice(&client.message().payload).expect("JSON is answered")
}

/// Has a stream `S` of `s.>` with a message on `s.a`, and a consumer `C` of it.
#[track_caller]
pub fn keep_a_message(client: &mut Client, inbox: &str) {
    for (subject, question) in [
        (
            "$JS.API.STREAM.CREATE.S",
            json!({"name": "S", "subjects": ["s.>"]}),
        ),
        ("s.a", json!("x")),
        (
            "$JS.API.CONSUMER.DURABLE.CREATE.S.C",
            json!({"stream_name": "S", "config": {"durable_name": "C", "ack_policy": "explicit"}}),
        ),
    ] {
        let answer = ask(client, (subject, inbox), &question);
        assert!(answer["error"].is_null(), "{answer}");
    }
}

/// Takes the message that [`keep_a_message`] has kept, as a client sees it wherever it is, and acknowledges it.
#[track_caller]
pub fn consume_it(client: &mut Client, inbox: &str) {
    client.send(&format!("PUB $JS.API.CONSUMER.MSG.NEXT.S.C {inbox} 1\r\n1"));
    let message = client.message();
    assert_eq!((&*message.subject, &*message.payload), ("s.a", &b"\"x\""[..]));
    let reply = message.reply.expect("it is to be acknowledged");
    assert!(
        reply.starts_with("$JS.ACK.S.C.1.1.1.") && !reply.contains('@'),
        "{reply}"
    );
    client.send(&format!("PUB {reply} {inbox} 4\r\n+ACK"));
    client.message();
    let info = ask(client, ("$JS.API.CONSUMER.INFO.S.C", inbox), &Value::Null);
    assert_eq!(info["ack_floor"]["stream_seq"], 1, "{info}");
}
