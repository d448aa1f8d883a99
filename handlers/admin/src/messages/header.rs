//! Headers of messages, between JSON and the header block.

use std::collections::BTreeMap;
use thiserror::Error;

/// Names and their values. A name may have several.
pub(crate) type Headers = BTreeMap<String, Vec<String>>;

/// Why there is no header block.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum HeaderError {
    #[error("a header has no name, or one that is not printable ASCII without a colon")]
    Name,
    #[error("the value of a header has a line end")]
    Value,
}

/// The header block of these; None if there are none.
pub(crate) fn block(headers: &Headers) -> Result<Option<Vec<u8>>, HeaderError> {
    let mut block = b"NATS/1.0\r\n".to_vec();
    let begun = block.len();
    for (name, values) in headers {
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
        if !is_name {
            return Err(HeaderError::Name);
        }
        for value in values {
            if value.contains(['\r', '\n']) {
                return Err(HeaderError::Value);
            }
            block.extend_from_slice(name.as_bytes());
            block.extend_from_slice(b": ");
            block.extend_from_slice(value.as_bytes());
            block.extend_from_slice(b"\r\n");
        }
    }
    let has_some = block.len() > begun;
    block.extend_from_slice(b"\r\n");
    Ok(has_some.then_some(block))
}

/// What a header block says. A status stands under the name `Status`; what is no header is left out.
pub(crate) fn read(block: &[u8]) -> Headers {
    let text = String::from_utf8_lossy(block);
    let mut headers = Headers::new();
    let mut lines = text.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix("NATS/1.0"))
        .map_or("", str::trim);
    if !status.is_empty() {
        headers.insert("Status".to_owned(), vec![status.to_owned()]);
    }
    for line in lines {
        if let Some((name, value)) = line.split_once(':') {
            headers
                .entry(name.to_owned())
                .or_default()
                .push(value.trim().to_owned());
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::{HeaderError, Headers, block, read};

    fn headers(list: &[(&str, &[&str])]) -> Headers {
        list.iter()
            .map(|(name, values)| {
                (
                    (*name).to_owned(),
                    values.iter().map(|&value| value.to_owned()).collect(),
                )
            })
            .collect()
    }

    #[test]
    fn there_and_back() {
        let some = headers(&[("A", &["1", "two words"]), ("B-c", &[""])]);
        let bytes = block(&some).unwrap().unwrap();
        assert_eq!(bytes, b"NATS/1.0\r\nA: 1\r\nA: two words\r\nB-c: \r\n\r\n");
        assert_eq!(read(&bytes), some);
        assert_eq!(block(&Headers::new()), Ok(None));
        assert_eq!(block(&headers(&[("A", &[])])), Ok(None));
    }

    #[test]
    fn a_status_is_shown() {
        assert_eq!(
            read(b"NATS/1.0 503\r\nNats-Subject: a\r\n\r\n"),
            headers(&[("Status", &["503"]), ("Nats-Subject", &["a"])])
        );
        assert_eq!(read(b""), Headers::new());
        assert_eq!(read(b"junk\xff"), Headers::new());
    }

    #[test]
    fn nothing_is_smuggled_in() {
        for name in ["", "a b", "a:b", "a\r\nb", "ä"] {
            assert_eq!(
                block(&headers(&[(name, &["x"])])),
                Err(HeaderError::Name),
                "{name:?}"
            );
        }
        for value in ["a\r\nB: c", "a\nb", "a\r"] {
            assert_eq!(block(&headers(&[("A", &[value])])), Err(HeaderError::Value));
        }
    }
}
