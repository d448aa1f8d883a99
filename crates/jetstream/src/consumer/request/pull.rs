//! The wish for messages.

use crate::error::ApiError;
use crate::json::reading::{self, read_object};

/// The wish for messages. Times are in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PullRequest {
    /// How long it waits; 0: without end.
    pub(crate) expires: i64,
    /// How many; one at least.
    pub(crate) batch: i64,
    /// How many bytes at most; 0: as many as there are.
    pub(crate) max_bytes: i64,
    /// Whether it does not wait where nothing is there.
    pub(crate) no_wait: bool,
    /// After how long without messages there is a sign of life; 0: never.
    pub(crate) heartbeat: i64,
    pub(crate) group: String,
    /// It is served only if so many messages are still to come.
    pub(crate) min_pending: i64,
    /// Or if so many are unacknowledged.
    pub(crate) min_ack_pending: i64,
    /// By what the server knows the only client that it serves.
    pub(crate) id: String,
    pub(crate) priority: i64,
    /// Whether it was said in JSON: what follows from groups is then checked.
    pub(crate) is_formal: bool,
}

read_object!(PullRequest as "server.JSApiConsumerGetNextRequest":
    "expires" => expires,
    "batch" => batch,
    "max_bytes" => max_bytes,
    "no_wait" => no_wait,
    "idle_heartbeat" => heartbeat,
    "group" => group,
    "min_pending" => min_pending,
    "min_ack_pending" => min_ack_pending,
    "id" => id,
    "priority" => priority,
);

impl PullRequest {
    /// One message.
    fn one() -> Self {
        Self {
            batch: 1,
            ..Self::default()
        }
    }

    /// Reads a wish: nothing, a number, or JSON; what is none of these asks for one message.
    ///
    /// # Errors
    /// The status line that says so.
    pub(crate) fn read(text: &[u8]) -> Result<Self, String> {
        let text = text.trim_ascii();
        if !text.starts_with(b"{") {
            let number = str::from_utf8(text).ok().and_then(|text| text.parse().ok());
            return Ok(Self {
                batch: number.unwrap_or(1),
                ..Self::one()
            });
        }
        let mut request: Self = reading::read(text, false).map_err(|error| bad(&why(&error)))?;
        request.is_formal = true;
        if request.heartbeat > 0 && request.heartbeat.saturating_mul(2) > request.expires {
            return Err(bad("heartbeat value too large"));
        }
        Ok(request)
    }
}

fn bad(why: &str) -> String {
    format!("400 Bad Request - {why}")
}

/// What is wrong with JSON, in the words of Go's function for a whole text: without the name of the error and the place.
fn why(error: &ApiError) -> String {
    let text = &error.description;
    let text = text.strip_prefix("invalid JSON: ").unwrap_or(text);
    let text = text.split_once(" at offset ").map_or(text, |(text, _)| text);
    match text {
        "unexpected EOF" => "unexpected end of JSON input".to_owned(),
        text => text.to_owned(),
    }
}
