//! `vagus stream ls` and `report`.

use super::answers::StreamInfo;
use super::api::{Api, read};
use super::showing::since;
use super::table::Table;
use super::usage;
use crate::commands::arguments::{Argument, flag};
use crate::commands::error::ToolError;
use crate::commands::top::tame;
use crate::flags::syntax::{Flag, Kind, Parsed};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::io::Write;
use vagus_protocol::size::Size;

pub(super) const LS: &[Flag<Argument>] = &[
    flag(Argument::Subject, &["subject"], Kind::Text),
    flag(Argument::Names, &["n", "names"], Kind::Bool),
];

pub(super) const REPORT: &[Flag<Argument>] = &[
    flag(Argument::Subject, &["subject"], Kind::Text),
    flag(Argument::Sort, &["sort"], Kind::Text),
];

/// The streams that are asked for.
async fn streams(api: &mut Api, parsed: &Parsed<Argument>, what: &str) -> Result<Vec<Value>, ToolError> {
    if !parsed.rest.is_empty() {
        return Err(usage("streams are listed by --subject, not by name"));
    }
    let mut request = json!({});
    if let Some(subject) = parsed.text(Argument::Subject) {
        request = json!({ "subject": subject });
    }
    api.ask_for_all(what, request, "streams").await
}

pub(super) async fn list(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    if parsed.is_true(Argument::Names) {
        let names = streams(api, parsed, "STREAM.NAMES").await?;
        if parsed.is_true(Argument::Json) {
            return super::json(out, &names);
        }
        for name in names.iter().filter_map(Value::as_str) {
            writeln!(out, "{}", tame(name))?;
        }
        return Ok(());
    }
    let streams = streams(api, parsed, "STREAM.LIST").await?;
    if parsed.is_true(Argument::Json) {
        return super::json(out, &streams);
    }
    let mut table = Table::new([
        "NAME",
        "SUBJECTS",
        "STORAGE",
        ">MESSAGES",
        ">SIZE",
        ">CONSUMERS",
        "LAST MESSAGE",
    ]);
    let now = Timestamp::now();
    for stream in streams {
        let stream: StreamInfo = read(stream)?;
        table.row([
            stream.text("name").to_owned(),
            stream.subjects(),
            stream.text("storage").to_owned(),
            stream.state.messages.to_string(),
            Size(stream.state.bytes).to_string(),
            stream.state.consumer_count.to_string(),
            since(&stream.state.last_ts, now),
        ]);
    }
    Ok(table.write(out)?)
}

pub(super) async fn report(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let sort = parsed.text(Argument::Sort).unwrap_or("bytes");
    if !["name", "messages", "bytes", "consumers"].contains(&sort) {
        return Err(usage("--sort takes name, messages, bytes or consumers"));
    }
    let found = streams(api, parsed, "STREAM.LIST").await?;
    if parsed.is_true(Argument::Json) {
        return super::json(out, &found);
    }
    let mut streams: Vec<StreamInfo> = found.into_iter().map(read).collect::<Result<_, _>>()?;
    // Of equals, by name.
    streams.sort_by(|one, other| one.text("name").cmp(other.text("name")));
    match sort {
        "messages" => streams.sort_by_key(|stream| Reverse(stream.state.messages)),
        "bytes" => streams.sort_by_key(|stream| Reverse(stream.state.bytes)),
        "consumers" => streams.sort_by_key(|stream| Reverse(stream.state.consumer_count)),
        _ => {}
    }
    Ok(reported(&streams).write(out)?)
}

fn reported(streams: &[StreamInfo]) -> Table<9> {
    let mut table = Table::new([
        "NAME",
        "STORAGE",
        ">MESSAGES",
        ">SIZE",
        ">SUBJECTS",
        ">CONSUMERS",
        ">DELETED",
        ">LOST",
        ">OF LIMIT",
    ]);
    let lost = |stream: &StreamInfo| stream.state.lost.as_ref().map_or(0, |lost| lost.msgs.len());
    for stream in streams {
        let state = &stream.state;
        table.row([
            stream.text("name").to_owned(),
            stream.text("storage").to_owned(),
            state.messages.to_string(),
            Size(state.bytes).to_string(),
            state.num_subjects.to_string(),
            state.consumer_count.to_string(),
            state.num_deleted.to_string(),
            lost(stream).to_string(),
            of_limit(stream),
        ]);
    }
    let sum = |number: fn(&StreamInfo) -> u64| streams.iter().map(number).sum::<u64>();
    table.row([
        match streams.len() {
            1 => "1 stream".to_owned(),
            many => format!("{many} streams"),
        },
        String::new(),
        sum(|stream| stream.state.messages).to_string(),
        Size(sum(|stream| stream.state.bytes)).to_string(),
        sum(|stream| stream.state.num_subjects).to_string(),
        sum(|stream| stream.state.consumer_count).to_string(),
        sum(|stream| stream.state.num_deleted).to_string(),
        streams.iter().map(lost).sum::<usize>().to_string(),
        String::new(),
    ]);
    table
}

/// How much of what it may have it has: of messages or of bytes, whichever is more.
fn of_limit(stream: &StreamInfo) -> String {
    let share = |used: u64, key: &str| {
        let limit = stream
            .config
            .get(key)
            .and_then(Value::as_u64)
            .filter(|limit| *limit > 0)?;
        Some(used.saturating_mul(100) / limit)
    };
    let shares = [
        share(stream.state.messages, "max_msgs"),
        share(stream.state.bytes, "max_bytes"),
    ];
    let most = shares.into_iter().flatten().max();
    most.map_or(String::new(), |share| format!("{share} %"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_sums_and_how_full_streams_are() {
        let streams: Vec<StreamInfo> = serde_json::from_value(json!([
            {
                "config": {"name": "A", "storage": "file", "max_msgs": 40, "max_bytes": 2048},
                "state": {"messages": 10, "bytes": 1024, "num_subjects": 2, "lost": {"msgs": [1, 2], "bytes": 5}},
            },
            {"config": {"name": "B", "storage": "memory", "max_msgs": -1}, "state": {"messages": 1, "bytes": 50}},
        ]))
        .unwrap();
        let mut out = Vec::new();
        reported(&streams).write(&mut out).unwrap();
        let expected = "\
NAME       STORAGE  MESSAGES     SIZE  SUBJECTS  CONSUMERS  DELETED  LOST  OF LIMIT
A          file           10  1.00 KB         2          0        0     2      50 %
B          memory          1     50 B         0          0        0     0
2 streams                 11  1.05 KB         2          0        0     2
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
