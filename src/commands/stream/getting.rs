//! `vagus stream get`.

use super::answers::{Stored, unpacked};
use super::api::{Api, read};
use super::{checked, usage};
use crate::commands::arguments::{Argument, flag};
use crate::commands::error::ToolError;
use crate::commands::top::tame;
use crate::flags::syntax::{Flag, Kind, Parsed};
use serde_json::{Value, json};
use std::io::Write;

pub(super) const FLAGS: &[Flag<Argument>] = &[
    flag(Argument::LastFor, &["last-for", "S"], Kind::Text),
    flag(Argument::NextFor, &["next-for"], Kind::Text),
    flag(Argument::Raw, &["raw"], Kind::Bool),
];

pub(super) async fn get(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let (stream, request) = asked(parsed)?;
    let answer = api.ask(&format!("STREAM.MSG.GET.{stream}"), &request).await?;
    if parsed.is_true(Argument::Json) {
        return super::json(out, &answer);
    }
    let message: Stored = read(answer.get("message").cloned().unwrap_or_default())?;
    shown(stream, &message, parsed.is_true(Argument::Raw), out)
}

/// Of which stream, and which message.
fn asked(parsed: &Parsed<Argument>) -> Result<(&str, Value), ToolError> {
    let (stream, sequence) = match &parsed.rest[..] {
        [stream] => (checked(stream)?, None),
        [stream, sequence] => {
            let sequence = sequence.parse::<u64>().ok().filter(|sequence| *sequence > 0);
            (
                checked(stream)?,
                Some(sequence.ok_or_else(|| usage("a sequence is a number from 1 on"))?),
            )
        }
        _ => {
            return Err(usage(
                "get needs a stream and a sequence: vagus stream get <stream> <sequence>",
            ));
        }
    };
    let (last, next) = (parsed.text(Argument::LastFor), parsed.text(Argument::NextFor));
    let request = match (sequence, last, next) {
        (Some(sequence), None, None) => json!({ "seq": sequence }),
        (None, Some(subject), None) => json!({ "last_by_subj": subject }),
        (sequence, None, Some(subject)) => json!({ "seq": sequence.unwrap_or(1), "next_by_subj": subject }),
        _ => return Err(usage("say which message: a sequence, --last-for or --next-for")),
    };
    Ok((stream, request))
}

fn shown(stream: &str, message: &Stored, is_raw: bool, out: &mut impl Write) -> Result<(), ToolError> {
    let payload = unpacked(&message.data)?;
    if is_raw {
        out.write_all(&payload)?;
        return Ok(out.write_all(b"\n")?);
    }
    let Stored {
        subject, seq, time, ..
    } = message;
    write!(
        out,
        "[#{seq}] Stored in {stream} on [{}] at {}: '",
        tame(subject),
        tame(time)
    )?;
    out.write_all(&payload)?;
    out.write_all(b"'\n")?;
    let headers = unpacked(&message.hdrs)?;
    // The first line names the version.
    for line in String::from_utf8_lossy(&headers)
        .lines()
        .skip(1)
        .filter(|line| !line.is_empty())
    {
        writeln!(out, "    {}", tame(line))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::syntax;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn which_message() {
        for (line, expected) in [
            ("S 5", Some(json!({"seq": 5}))),
            ("S --last-for a.b", Some(json!({"last_by_subj": "a.b"}))),
            ("S --next-for a.b", Some(json!({"seq": 1, "next_by_subj": "a.b"}))),
            (
                "S 7 --next-for a.b",
                Some(json!({"seq": 7, "next_by_subj": "a.b"})),
            ),
            ("S", None),
            ("S 0", None),
            ("S x", None),
            ("S 5 --last-for a", None),
            ("", None),
            ("a.b 5", None),
        ] {
            let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            let parsed = syntax::parse_interleaved(FLAGS, &args).unwrap();
            assert_eq!(
                asked(&parsed).ok().map(|(_, request)| request),
                expected,
                "{line}"
            );
        }
    }

    #[test]
    fn a_message_as_it_was_stored() {
        let message = Stored {
            subject: "orders.new".to_owned(),
            seq: 3,
            hdrs: STANDARD.encode("NATS/1.0\r\nKind: test\r\nOther: x\r\n\r\n"),
            data: STANDARD.encode("hello"),
            time: "2026-07-15T12:00:00Z".to_owned(),
        };
        let text = |is_raw| {
            let mut out = Vec::new();
            shown("ORDERS", &message, is_raw, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            text(false),
            "[#3] Stored in ORDERS on [orders.new] at 2026-07-15T12:00:00Z: 'hello'\n    Kind: test\n    Other: x\n"
        );
        assert_eq!(text(true), "hello\n");
    }
}
