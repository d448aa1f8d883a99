//! `vagus consumer add`.

use super::{SETTINGS, names, showing};
use crate::commands::arguments::{Argument, flag};
use crate::commands::error::ToolError;
use crate::commands::stream::api::{Api, read};
use crate::commands::stream::{self, settings};
use crate::flags::syntax::{Flag, Kind, Parsed};
use serde_json::{Map, Value, json};
use std::io::Write;

pub(super) fn flags() -> Vec<Flag<Argument>> {
    let mut flags = vec![flag(Argument::Ephemeral, &["ephemeral"], Kind::Bool)];
    flags.extend(settings::flags(SETTINGS));
    flags
}

pub(super) async fn add(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let (of, name) = names(parsed)?;
    let request = json!({ "stream_name": of, "action": "create", "config": config(name, parsed)? });
    let answer = api.ask(&format!("CONSUMER.CREATE.{of}.{name}"), &request).await?;
    if parsed.is_true(Argument::Json) {
        return stream::json(out, &answer);
    }
    Ok(showing::shown(&read(answer)?, out)?)
}

fn config(name: &str, parsed: &Parsed<Argument>) -> Result<Value, ToolError> {
    let mut config = Map::from_iter([
        ("name".to_owned(), json!(name)),
        ("ack_policy".to_owned(), json!("explicit")),
    ]);
    if !parsed.is_true(Argument::Ephemeral) {
        config.insert("durable_name".to_owned(), json!(name));
    }
    settings::lay_over(SETTINGS, &mut config, parsed)?;
    if config.contains_key("opt_start_seq") {
        config.insert("deliver_policy".to_owned(), json!("by_start_sequence"));
    }
    Ok(Value::Object(config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::syntax;

    #[test]
    fn flags_say_what_a_consumer_is() {
        let config = |line: &str| {
            let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            config("C", &syntax::parse(&flags(), &args).unwrap()).unwrap()
        };
        for (line, expected) in [
            (
                "",
                json!({"name": "C", "durable_name": "C", "ack_policy": "explicit"}),
            ),
            (
                "--ephemeral --ack none --filter a,b.> --headers-only",
                json!({"name": "C", "ack_policy": "none", "filter_subjects": ["a", "b.>"], "headers_only": true}),
            ),
            (
                "--start-seq 5 --ack-wait 1m",
                json!({"name": "C", "durable_name": "C", "ack_policy": "explicit", "opt_start_seq": 5,
                    "deliver_policy": "by_start_sequence", "ack_wait": 60_000_000_000_i64}),
            ),
        ] {
            assert_eq!(config(line), expected, "{line}");
        }
    }
}
