//! What is asked of who backs streams up.

use crate::config::StreamConfigRequest;
use crate::error::ApiError;
use crate::json::Value;
use crate::json::reading::{self, ReadJson, Reading, read_object};

/// How long pieces of a backup are, and how many bytes of them are on their way, where nothing is said, at least and at most.
const CHUNK: (usize, usize, usize) = (128 << 10, 1 << 10, 1 << 20);
const WINDOW: (usize, usize, usize) = (8 << 20, 1 << 10, 32 << 20);

/// The wish for a backup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotRequest {
    /// Where its pieces go.
    pub deliver_subject: String,
    /// Whether consumers are left out.
    pub no_consumers: bool,
    /// How long pieces are to be.
    pub chunk_size: isize,
    /// How many bytes may be on their way.
    pub window_size: isize,
    /// Whether all messages are to be looked at first: they are anyway, when they are read.
    pub check_messages: bool,
}

read_object!(SnapshotRequest as "server.JSApiStreamSnapshotRequest":
    "deliver_subject" => deliver_subject,
    "no_consumers" => no_consumers,
    "chunk_size" => chunk_size,
    "window_size" => window_size,
    "jsck" => check_messages,
);

/// The wish for a stream to be made again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RestoreRequest {
    /// What it is to be.
    pub request: StreamConfigRequest,
    /// What it had: that is in the backup, too.
    state: Ignored,
}

read_object!(RestoreRequest as "server.JSApiStreamRestoreRequest":
    "config" => request,
    "state" => state,
);

/// Something that may be there, and does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Ignored;

impl ReadJson for Ignored {
    const TYPE: &'static str = "server.StreamState";

    fn read_json(&mut self, _: &Value<'_>, _: &mut Reading) {}
}

impl SnapshotRequest {
    /// Reads it. Strictly: no field may be unknown.
    ///
    /// # Errors
    /// If it is none, in nats-server's words.
    pub fn from_json(text: &[u8], is_strict: bool) -> Result<Self, ApiError> {
        reading::read(text, is_strict)
    }

    /// How long pieces are.
    pub fn chunk(&self) -> usize {
        bounded(self.chunk_size, CHUNK)
    }

    /// How many pieces may be on their way.
    pub fn in_flight(&self) -> usize {
        (bounded(self.window_size, WINDOW) / self.chunk()).max(1)
    }
}

impl RestoreRequest {
    /// Reads it. Strictly: no field may be unknown.
    ///
    /// # Errors
    /// If it is none, in nats-server's words.
    pub fn from_json(text: &[u8], is_strict: bool) -> Result<Self, ApiError> {
        reading::read(text, is_strict)
    }
}

fn bounded(wanted: isize, (default, least, most): (usize, usize, usize)) -> usize {
    match wanted {
        0 => default,
        wanted => usize::try_from(wanted).unwrap_or(0).clamp(least, most),
    }
}

#[cfg(test)]
mod tests {
    use super::{RestoreRequest, SnapshotRequest};

    #[test]
    fn pieces_are_bounded() {
        for (request, expect) in [
            ("{}", (131_072, 64)),
            (r#"{"chunk_size":1}"#, (1024, 8192)),
            (r#"{"chunk_size":99999999,"window_size":10}"#, (1_048_576, 1)),
            (r#"{"chunk_size":-1,"window_size":1000000000000}"#, (1024, 32_768)),
        ] {
            let read = SnapshotRequest::from_json(request.as_bytes(), true).unwrap();
            assert_eq!((read.chunk(), read.in_flight()), expect, "{request}");
        }
    }

    #[test]
    fn what_a_stream_had_does_not_matter() {
        let text = br#"{"config":{"name":"S","subjects":["s"]},"state":{"messages":7,"any":[]}}"#;
        let read = RestoreRequest::from_json(text, true).unwrap();
        assert_eq!(read.request.config.name, "S");
        assert!(RestoreRequest::from_json(br#"{"what":1}"#, true).is_err());
    }
}
