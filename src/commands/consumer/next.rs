//! `vagus consumer next`.

use super::names;
use crate::commands::arguments::{self, Argument, flag};
use crate::commands::error::ToolError;
use crate::commands::output;
use crate::commands::stream::api::Api;
use crate::commands::stream::pulling::Pull;
use crate::commands::top::tame;
use crate::flags::syntax::{Flag, Kind, Parsed};
use std::io::Write;
use std::time::Duration;

pub(super) const FLAGS: &[Flag<Argument>] = &[
    flag(Argument::Count, &["c", "count"], Kind::Integer),
    flag(Argument::NoAcknowledgement, &["no-ack"], Kind::Bool),
    flag(Argument::Wait, &["wait"], Kind::Text),
    flag(Argument::Raw, &["raw"], Kind::Bool),
];

/// How long messages are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn get(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let (of, name) = names(parsed)?;
    let count = arguments::count(parsed, Argument::Count, "count", 1)?;
    let wait = arguments::duration(parsed, Argument::Wait, "wait", PATIENCE)?;
    let is_raw = parsed.is_true(Argument::Raw);
    let mut pull = Pull::from(api, of, name).await?;
    for number in 0..count {
        let left = count - number;
        let Some(message) = pull.next(api, left, Some(wait)).await? else {
            return match number {
                0 => Err(ToolError::NoAnswer(wait)),
                _ => Ok(()),
            };
        };
        if !is_raw {
            write!(
                out,
                "[#{}] {}: '",
                message.sequence,
                tame(&message.message.subject)
            )?;
        }
        out.write_all(&message.message.payload)?;
        out.write_all(if is_raw { b"\n" } else { b"'\n" })?;
        if let Some(headers) = message.message.headers.as_ref().filter(|_| !is_raw) {
            output::headers(out, headers)?;
        }
        out.flush()?;
        if !parsed.is_true(Argument::NoAcknowledgement) {
            api.acknowledge(&message.message).await?;
        }
    }
    Ok(())
}
