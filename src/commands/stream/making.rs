//! `vagus stream add` and `edit`.

use super::answers::StreamInfo;
use super::api::{Api, read};
use super::{StreamError, settings, showing, stream_name};
use crate::commands::arguments::{Argument, flag};
use crate::commands::error::ToolError;
use crate::commands::top::tame;
use crate::flags::syntax::{Flag, Kind, Parsed};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{self, Read, Write};

const FROM_FILE: Flag<Argument> = flag(Argument::Config, &["config"], Kind::Text);

pub(super) const ADD: &[Flag<Argument>] = &[FROM_FILE];

pub(super) const EDIT: &[Flag<Argument>] = &[FROM_FILE, flag(Argument::DryRun, &["dry-run"], Kind::Bool)];

/// The most bytes that settings in a file may have.
const MAX_FILE: u64 = 1 << 20;

pub(super) async fn add(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let name = stream_name(parsed)?;
    let mut config = from_file(parsed)?.unwrap_or_default();
    config.insert("name".to_owned(), name.into());
    settings::lay_over(settings::OF_STREAMS, &mut config, parsed)?;
    let answer = api
        .ask(&format!("STREAM.CREATE.{name}"), &Value::Object(config))
        .await?;
    told(parsed, answer, out)
}

pub(super) async fn edit(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let name = stream_name(parsed)?;
    let stream: StreamInfo = read(api.ask(&format!("STREAM.INFO.{name}"), &Value::Null).await?)?;
    let mut config = stream.config.clone();
    config.extend(from_file(parsed)?.unwrap_or_default());
    config.insert("name".to_owned(), name.into());
    settings::lay_over(settings::OF_STREAMS, &mut config, parsed)?;
    let changes = changes(&stream.config, &config);
    if changes.is_empty() {
        writeln!(out, "Nothing changes")?;
        return Ok(());
    }
    if !parsed.is_true(Argument::Json) || parsed.is_true(Argument::DryRun) {
        for change in changes {
            writeln!(out, "{}", tame(&change))?;
        }
    }
    if parsed.is_true(Argument::DryRun) {
        return Ok(());
    }
    let answer = api
        .ask(&format!("STREAM.UPDATE.{name}"), &Value::Object(config))
        .await?;
    told(parsed, answer, out)
}

fn told(parsed: &Parsed<Argument>, answer: Value, out: &mut impl Write) -> Result<(), ToolError> {
    if parsed.is_true(Argument::Json) {
        return super::json(out, &answer);
    }
    Ok(showing::shown(&read(answer)?, Timestamp::now(), out)?)
}

/// What is set otherwise, a line each.
fn changes(old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<String> {
    let shown = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
    let differs = |(key, value): &(&String, &Value)| old.get(*key) != Some(*value);
    let changed = new.iter().filter(differs);
    changed
        .map(|(key, value)| format!("{key}: {} -> {value}", shown(old.get(key))))
        .collect()
}

/// The settings in the file that is named, if one is: alone, or as what is shown of a stream has them.
pub(in crate::commands) fn from_file(
    parsed: &Parsed<Argument>,
) -> Result<Option<Map<String, Value>>, ToolError> {
    let Some(path) = parsed.text(Argument::Config) else {
        return Ok(None);
    };
    let mut text = String::new();
    let read = match path {
        "-" => io::stdin().lock().take(MAX_FILE).read_to_string(&mut text),
        path => File::open(path).and_then(|file| file.take(MAX_FILE).read_to_string(&mut text)),
    };
    read.map_err(|error| StreamError::File(path.to_owned(), error))?;
    settings_in(&text)
        .map(Some)
        .map_err(|error| StreamError::Settings(path.to_owned(), error).into())
}

fn settings_in(text: &str) -> Result<Map<String, Value>, serde_json::Error> {
    let mut settings: Map<String, Value> = serde_json::from_str(text)?;
    match settings.remove("config") {
        Some(config) => serde_json::from_value(config),
        None => Ok(settings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_stand_alone_or_in_what_is_shown() {
        let expected = json!({"max_msgs": 5});
        for text in [
            r#"{"max_msgs": 5}"#,
            r#"{"config": {"max_msgs": 5}, "state": {}}"#,
        ] {
            assert_eq!(Value::Object(settings_in(text).unwrap()), expected);
        }
        for text in ["", "[]", r#"{"config": 5}"#] {
            assert!(settings_in(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_changes_is_told() {
        let map = |value: Value| value.as_object().cloned().unwrap();
        let old = map(json!({"max_msgs": 5, "subjects": ["a"], "name": "S"}));
        let new = map(json!({"max_msgs": 6, "subjects": ["a"], "name": "S", "deny_purge": true}));
        assert_eq!(
            changes(&old, &new),
            ["deny_purge: nothing -> true", "max_msgs: 5 -> 6"]
        );
        assert!(changes(&old, &old).is_empty());
    }
}
