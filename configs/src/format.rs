//! NATS configuration files as a format of the `config` crate, to be layered with other sources.

use crate::grammar::{self, Entry, Kind, Map as Tree};
use crate::load::Disk;
use config::{FileStoredFormat, Format, Map, Value, ValueKind};
use std::error::Error;
use std::path::Path;

/// The format. It finds included files on the disk and variables in the environment of the process.
///
/// What becomes of the text is plain data: where a value stands is known to [`grammar`] alone, and so the
/// server itself is configured by [`load`](crate::load()). The `config` crate takes a dot in a key outside
/// of all maps as a path; no such key of NATS has one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NatsFormat;

impl Format for NatsFormat {
    fn parse(
        &self,
        uri: Option<&String>,
        text: &str,
    ) -> Result<Map<String, Value>, Box<dyn Error + Send + Sync>> {
        let name = uri.map_or("", String::as_str);
        let environment = |name: &str| std::env::var(name).ok();
        let tree = grammar::parse(text, Path::new(name), &Disk, &environment)?;
        Ok(table(&tree, uri))
    }
}

impl FileStoredFormat for NatsFormat {
    fn file_extensions(&self) -> &'static [&'static str] {
        &["conf"]
    }
}

fn table(tree: &Tree, uri: Option<&String>) -> Map<String, Value> {
    tree.entries()
        .iter()
        .map(|Entry { key, value, .. }| (key.clone(), plain(&value.kind, uri)))
        .collect()
}

fn plain(kind: &Kind, uri: Option<&String>) -> Value {
    let kind = match kind {
        Kind::Text(text) | Kind::Date(text) => ValueKind::String(text.clone()),
        Kind::Integer(number) => ValueKind::I64(*number),
        Kind::Float(number) => ValueKind::Float(*number),
        Kind::Boolean(set) => ValueKind::Boolean(*set),
        Kind::Array(values) => ValueKind::Array(values.iter().map(|value| plain(&value.kind, uri)).collect()),
        Kind::Map(map) => ValueKind::Table(table(map, uri)),
    };
    Value::new(uri, kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::{Config, File};

    #[test]
    fn a_text_as_a_source() {
        let text = "max_payload: 8kb, debug: yes\nauthorization { timeout: 2.5, users [a, {b: c}] }";
        let config = Config::builder()
            .add_source(File::from_str(text, NatsFormat))
            .set_override("authorization.timeout", 3)
            .unwrap()
            .build()
            .unwrap();
        assert_eq!(config.get_int("max_payload").unwrap(), 8192);
        assert!(config.get_bool("debug").unwrap());
        assert_eq!(config.get_int("authorization.timeout").unwrap(), 3);
        assert_eq!(config.get_string("authorization.users[1].b").unwrap(), "c");
    }

    #[test]
    fn errors_name_the_place() {
        let config = Config::builder()
            .add_source(File::from_str("a: [1", NatsFormat))
            .build();
        let error = config.unwrap_err().to_string();
        assert!(error.contains("Parse error on line 1, column 5"), "{error}");
    }
}
