//! Lines in which servers say who they are: INFO and CONNECT, whatever they are to each other.

use crate::json;
use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _};

/// Reads what is said in a line: a JSON object. The fields alone in an array, which the library would take for one as well, are
/// nothing that a server says.
pub(crate) fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    match json::trim(text) {
        [b'{', ..] => serde_json::from_slice(text),
        _ => Err(serde_json::Error::custom("not an object")),
    }
}

/// Appends a line: its verb with the blank, what is said, and its end.
pub(crate) fn append(out: &mut Vec<u8>, verb: &[u8], said: &impl Serialize, end: &[u8]) {
    out.extend_from_slice(verb);
    // Text, numbers and booleans into memory: there is nothing in it that can fail.
    let written = serde_json::to_writer(&mut *out, said);
    debug_assert!(written.is_ok(), "{written:?}");
    out.extend_from_slice(end);
}

#[cfg(test)]
mod tests {
    use crate::gateway::GatewayInfo;
    use crate::leaf::{LeafConnect, LeafInfo};
    use crate::route::{RouteConnect, RouteInfo};

    #[test]
    fn a_server_says_an_object() {
        for (text, is_object) in [
            ("{}", true),
            (" \t{ } ", true),
            ("[]", false),
            ("[1]", false),
            (" [{}]", false),
            ("[\"a\",\"b\"]", false),
            ("null", false),
            ("1", false),
            ("\"{}\"", false),
            ("{", false),
            ("{} {}", false),
            ("", false),
        ] {
            let text = text.as_bytes();
            let read = [
                RouteInfo::read(text).is_ok(),
                RouteConnect::read(text).is_ok(),
                LeafInfo::read(text).is_ok(),
                LeafConnect::read(text).is_ok(),
                GatewayInfo::read(text).is_ok(),
            ];
            assert_eq!(read, [is_object; 5], "{}", String::from_utf8_lossy(text));
        }
    }
}
