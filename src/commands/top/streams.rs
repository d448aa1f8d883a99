//! The streams of a server, as lines: those that grow fastest first.

use super::model::Model;
use super::sample::{StreamAccount, tame};
use super::sizes::{bytes, count};
use std::cmp::Ordering;
use std::collections::HashMap;

/// The narrowest and the widest column of names.
const NAMES: (usize, usize) = (15, 48);

/// A stream, and what comes to it a second.
struct Row<'a> {
    account: &'a str,
    name: &'a str,
    messages: u64,
    bytes: u64,
    consumers: u64,
    rate: f64,
}

/// What comes to each stream a second, by account and name, between two looks.
pub(super) fn rates(
    before: &[StreamAccount],
    now: &[StreamAccount],
    seconds: f64,
) -> HashMap<(String, String), f64> {
    let lasts = |accounts: &[StreamAccount]| -> HashMap<(String, String), u64> {
        let streams = accounts.iter().flat_map(|account| {
            let streams = account.stream_detail.iter();
            streams.map(|stream| ((account.name.clone(), stream.name.clone()), stream.state.last_seq))
        });
        streams.collect()
    };
    let before = lasts(before);
    let rates = lasts(now).into_iter().filter_map(|(key, last)| {
        let before = before.get(&key)?;
        // A stream that was made anew begins anew.
        Some((key, last.saturating_sub(*before) as f64 / seconds))
    });
    rates.collect()
}

/// The names of the columns, and a line for each stream.
pub(super) fn streams(model: &Model) -> (String, Vec<String>) {
    let raw = model.view.raw_numbers;
    let Some(jsz) = &model.sample.jsz else {
        return ("  This server does not tell its streams.".to_owned(), Vec::new());
    };
    let mut rows: Vec<Row<'_>> = (jsz.account_details.iter())
        .flat_map(|account| {
            account.stream_detail.iter().map(|stream| Row {
                account: &account.name,
                name: &stream.name,
                messages: stream.state.messages,
                bytes: stream.state.bytes,
                consumers: stream.state.consumer_count,
                rate: model.stream_rate(&account.name, &stream.name),
            })
        })
        .collect();
    rows.sort_by(|one, other| {
        let by_rate = other.rate.partial_cmp(&one.rate).unwrap_or(Ordering::Equal);
        by_rate.then_with(|| (one.account, one.name).cmp(&(other.account, other.name)))
    });
    let width = |length: &dyn Fn(&Row<'_>) -> usize| {
        let longest = rows.iter().map(length).max().unwrap_or(0);
        (longest.min(NAMES.1) + 2).max(NAMES.0)
    };
    let accounts = width(&|row| row.account.chars().count());
    let names = width(&|row| row.name.chars().count());
    let line = |account: &str, name: &str, fields: [String; 4]| {
        let [rate, messages, size, consumers] = fields;
        let line = format!(
            "  {account:<accounts$}  {name:<names$}  {rate:<10}  {messages:<10}  {size:<10}  {consumers}"
        );
        line.trim_end().to_owned()
    };
    let titles = ["MSGS/SEC", "MSGS", "BYTES", "CONSUMERS"].map(str::to_owned);
    let lines = rows.iter().map(|row| {
        let fields = [
            count(raw, row.rate),
            count(raw, row.messages as f64),
            bytes(raw, row.bytes as f64),
            row.consumers.to_string(),
        ];
        line(&tame(row.account), &tame(row.name), fields)
    });
    (line("ACCOUNT", "STREAM", titles), lines.collect())
}

#[cfg(test)]
mod tests {
    use super::streams;
    use crate::commands::top::model::tests::{model, sample};
    use crate::commands::top::sample::{Jsz, Sample};

    /// A look at second `second`, when ORDERS got so many messages a second.
    fn look(second: u64, rate: u64) -> Sample {
        let text = format!(
            r#"{{"streams":2,"account_details":[{{"name":"$G","stream_detail":[
                {{"name":"AUDIT","state":{{"messages":3,"bytes":300,"last_seq":7,"consumer_count":0}}}},
                {{"name":"ORDERS","state":{{"messages":1200,"bytes":1048576,"last_seq":{},"consumer_count":2}}}}]}}]}}"#,
            second * rate
        );
        let mut sample = sample(second);
        sample.jsz = Some(serde_json::from_str::<Jsz>(&text).unwrap());
        sample
    }

    #[test]
    fn those_that_grow_fastest_come_first() {
        let mut model = model();
        model.saw(sample(1));
        assert_eq!(streams(&model).0, "  This server does not tell its streams.");
        model.saw(look(2, 1500));
        model.saw(look(4, 1500));
        let (header, rows) = streams(&model);
        assert_eq!(
            header,
            "  ACCOUNT          STREAM           MSGS/SEC    MSGS        BYTES       CONSUMERS"
        );
        assert_eq!(
            rows,
            [
                "  $G               ORDERS           1.5K        1.2K        1.0M        2",
                "  $G               AUDIT            0           3           300         0",
            ]
        );
    }
}
