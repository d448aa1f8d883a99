//! Lines in which servers say who they are: INFO and CONNECT, whatever they are to each other.

use serde::Serialize;

/// Appends a line: its verb with the blank, what is said, and its end.
pub(crate) fn append(out: &mut Vec<u8>, verb: &[u8], said: &impl Serialize, end: &[u8]) {
    out.extend_from_slice(verb);
    // Text, numbers and booleans into memory: there is nothing in it that can fail.
    let written = serde_json::to_writer(&mut *out, said);
    debug_assert!(written.is_ok(), "{written:?}");
    out.extend_from_slice(end);
}
