//! `vagus consumer ls`.

use super::showing::ConsumerInfo;
use crate::commands::arguments::{Argument, flag};
use crate::commands::error::ToolError;
use crate::commands::stream::api::{Api, read};
use crate::commands::stream::table::Table;
use crate::commands::stream::{self, stream_name};
use crate::commands::top::tame;
use crate::flags::syntax::{Flag, Kind, Parsed};
use serde_json::{Value, json};
use std::io::Write;

pub(super) const FLAGS: &[Flag<Argument>] = &[flag(Argument::Names, &["n", "names"], Kind::Bool)];

pub(super) async fn list(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let of = stream_name(parsed)?;
    let names = parsed.is_true(Argument::Names);
    let what = if names { "NAMES" } else { "LIST" };
    let what = format!("CONSUMER.{what}.{of}");
    let found = api.ask_for_all(&what, json!({}), "consumers").await?;
    if parsed.is_true(Argument::Json) {
        return stream::json(out, &found);
    }
    if names {
        for name in found.iter().filter_map(Value::as_str) {
            writeln!(out, "{}", tame(name))?;
        }
        return Ok(());
    }
    let mut table = Table::new([
        "NAME",
        "MODE",
        "ACK",
        ">TO COME",
        ">UNACKNOWLEDGED",
        ">REDELIVERED",
        ">REQUESTS",
        ">ACK FLOOR",
    ]);
    for consumer in found {
        let consumer: ConsumerInfo = read(consumer)?;
        table.row([
            consumer.name.clone(),
            consumer.mode().to_owned(),
            consumer.text("ack_policy").to_owned(),
            consumer.num_pending.to_string(),
            consumer.num_ack_pending.to_string(),
            consumer.num_redelivered.to_string(),
            consumer.num_waiting.to_string(),
            consumer.ack_floor.stream_seq.to_string(),
        ]);
    }
    Ok(table.write(out)?)
}
