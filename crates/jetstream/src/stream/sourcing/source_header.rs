//! `Nats-Stream-Source`: from where a message has come that a stream got from another.
//!
//! It reads `<stream> <sequence> <filters> <destinations> <subject>`, sometimes with an identity of the stream behind.
//! Stream, filters and destinations together are the index of the source, by which it is known in the stream.

use crate::config::StreamSource;
use crate::consumer::letters;
use crate::header;

/// Between the filters of a source, and between its destinations.
const SEPARATOR: &str = "\x0c";

/// As what a source is known.
pub(super) fn index_of(source: &StreamSource) -> String {
    let mut index = source.name.clone();
    if let Some(external) = &source.external {
        index = format!("{index}:{}", letters(&external.api));
    }
    if let Some(consumer) = &source.consumer {
        index = format!("{index}:C={}", letters(&consumer.name));
    }
    let transforms = &source.subject_transforms;
    let (filters, destinations) = match transforms.is_empty() {
        true => (or_all(&source.filter_subject), or_all("")),
        false => (
            joined(transforms.iter().map(|one| &*one.src)),
            joined(transforms.iter().map(|one| &*one.dest)),
        ),
    };
    format!("{index} {filters} {destinations}")
}

/// Blanks stand between what an index consists of only.
fn or_all(pattern: &str) -> String {
    match pattern {
        "" => ">".to_owned(),
        pattern => pattern.replace(' ', ""),
    }
}

fn joined<'a>(patterns: impl Iterator<Item = &'a str>) -> String {
    patterns.map(or_all).collect::<Vec<_>>().join(SEPARATOR)
}

/// The header of a message with this sequence and subject in the other stream.
pub(super) fn write(index: &str, sequence: u64, subject: &[u8]) -> Vec<u8> {
    let (stream, patterns) = index.split_once(' ').unwrap_or((index, "> >"));
    let mut value = format!("{stream} {sequence} {patterns} ").into_bytes();
    value.extend_from_slice(subject);
    value
}

/// What the header of a message says: the index of its source, its sequence there, and the identity of the other stream,
/// empty if that is not said.
pub(super) fn read(headers: &[u8]) -> Option<(String, u64, &str)> {
    let value = header::said(headers, header::STREAM_SOURCE)?;
    let mut parts = str::from_utf8(value).ok()?.split(' ');
    let (stream, sequence) = (parts.next()?, parts.next()?);
    let (filters, destinations) = (parts.next()?, parts.next()?);
    let _subject = parts.next();
    let sequence = header::number(sequence.as_bytes())?;
    let index = format!("{stream} {filters} {destinations}");
    Some((index, sequence, parts.next().unwrap_or_default()))
}

/// From which stream and subject a header says that a message is.
pub(in crate::stream) fn stream_and_subject(value: &[u8]) -> Option<(&str, &str)> {
    let value = str::from_utf8(value).ok()?;
    let stream = value.split(' ').next()?;
    Some((stream, value.split(' ').nth(4).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::{index_of, read, stream_and_subject, write};
    use crate::api::json;
    use crate::config::StreamConfigRequest;
    use crate::header;

    fn index(source: &str) -> String {
        let config = format!(r#"{{"name":"S","sources":[{source}]}}"#);
        let read = StreamConfigRequest::from_json(config.as_bytes(), true).unwrap();
        index_of(&read.config.sources[0])
    }

    #[test]
    fn a_source_is_known_by_all_that_tells_it_from_others() {
        for (source, expect) in [
            (r#"{"name":"O"}"#, "O > >"),
            (r#"{"name":"O","filter_subject":"o.*"}"#, "O o.* >"),
            (
                r#"{"name":"O","external":{"api":"$JS.hub.API","deliver":""}}"#,
                "O:bTMUkJQk > >",
            ),
            (
                r#"{"name":"O","consumer":{"name":"C","deliver_subject":"d"}}"#,
                "O:C=jZ6RvVRH > >",
            ),
            (
                r#"{"name":"O","subject_transforms":[{"src":"a","dest":"b"},{"src":"c.*","dest":"d.{{partition(3, 1)}}"},{"src":"e","dest":""}]}"#,
                "O a\x0cc.*\x0ce b\x0cd.{{partition(3,1)}}\x0c>",
            ),
        ] {
            assert_eq!(index(source), expect, "{source}");
        }
    }

    #[test]
    fn says_where_a_message_has_come_from() {
        let value = write("O o.* >", 7, b"o.a");
        assert_eq!(value, b"O 7 o.* > o.a");
        assert_eq!(stream_and_subject(&value), Some(("O", "o.a")));
        let block = header::with(b"", &[(header::STREAM_SOURCE, &value)]);
        assert_eq!(read(&block), Some(("O o.* >".to_owned(), 7, "")));
        for (value, expect) in [
            ("O 7 > > s IDENTITY", Some(("O > >".to_owned(), 7, "IDENTITY"))),
            ("O 7 >", None),
            ("O x > > s", None),
            ("", None),
        ] {
            let block = header::with(b"", &[(header::STREAM_SOURCE, value.as_bytes())]);
            assert_eq!(read(&block), expect, "{value}");
        }
        assert_eq!(read(&json(&())), None);
    }
}
