//! Operations as TRC lines, for those who ask for them.

use std::borrow::Cow;
use vagus_protocol::connect::without_secrets;
use vagus_protocol::operation::Operation;

/// How much of a control line is shown.
const SHOWN: usize = 512;

/// An operation of a client as it is logged; secrets are left out.
pub(crate) fn describe(operation: &Operation<'_>) -> String {
    match operation {
        Operation::Connect(json) => format!("CONNECT {}", text(without_secrets(json).as_bytes())),
        Operation::Publish(publish) => {
            let verb = if publish.header_size.is_some() {
                "HPUB"
            } else {
                "PUB"
            };
            let mut line = format!("{verb} {}", text(publish.subject));
            let header_size = publish.header_size.is_some().then_some(publish.header_size_text);
            for word in [publish.reply, header_size, Some(publish.size_text)]
                .into_iter()
                .flatten()
            {
                line.push(' ');
                line.push_str(&text(word));
            }
            line
        }
        Operation::Subscribe { subject, queue, sid } => match queue {
            Some(queue) => format!("SUB {} {} {}", text(subject), text(queue), text(sid)),
            None => format!("SUB {} {}", text(subject), text(sid)),
        },
        Operation::Unsubscribe { sid, max } => match max {
            Some(max) => format!("UNSUB {} {max}", text(sid)),
            None => format!("UNSUB {}", text(sid)),
        },
        Operation::Ping => "PING".to_owned(),
        Operation::Pong => "PONG".to_owned(),
        Operation::Ok => "OK".to_owned(),
        Operation::Info => "INFO".to_owned(),
        Operation::Error(error) => format!("-ERR {}", text(error)),
    }
}

/// Bytes as text, no more than is shown.
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)])
}

#[cfg(test)]
mod tests {
    use super::describe;
    use vagus_protocol::operation::Operation;

    #[test]
    fn secrets_are_not_shown() {
        let describe = |json: &str| describe(&Operation::Connect(json.as_bytes()));
        assert_eq!(
            describe(r#"{"user":"ann","password":"hush"}"#),
            r#"CONNECT {"user":"ann","password":"[REDACTED]"}"#
        );
        assert_eq!(describe(r#"{"user":"ann","pass":"hush"#), "CONNECT [REDACTED]");
        // Not even where it is cut.
        let long = format!(r#"{{"name":"{}","pass":"hush"}}"#, "x".repeat(600));
        assert!(!describe(&long).contains("hush") && describe(&long).len() <= 512 + 8);
    }

    #[test]
    fn operations_read_as_they_were_sent() {
        let subscribe = Operation::Subscribe {
            subject: b"foo",
            queue: Some(b"q"),
            sid: b"1",
        };
        assert_eq!(describe(&subscribe), "SUB foo q 1");
        assert_eq!(
            describe(&Operation::Unsubscribe {
                sid: b"1",
                max: Some(2)
            }),
            "UNSUB 1 2"
        );
    }
}
