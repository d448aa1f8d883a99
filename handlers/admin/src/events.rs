//! Server-sent events, and those of rates.

use crate::administration::Administration;
use crate::places::Place;
use crate::problem::Problem;
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::rt::time::{Interval, interval};
use actix_web::web::{Bytes, Data};
use futures_util::{Stream, stream};
use serde::Serialize;
use std::convert::Infallible;
use vagus_actors::Operator;
use vagus_actors::history::{INTERVAL, Sample};

/// An answer that goes on.
pub(crate) fn response(events: impl Stream<Item = Result<Bytes, Infallible>> + 'static) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // Said to proxies that would collect events before they pass them on.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(events)
}

/// Appends an event. JSON has no line ends, so one line of data is enough.
pub(crate) fn append_event(out: &mut Vec<u8>, name: &str, data: &impl Serialize) {
    let Ok(data) = serde_json::to_string(data) else {
        return;
    };
    for piece in ["event: ", name, "\ndata: ", &data, "\n\n"] {
        out.extend_from_slice(piece.as_bytes());
    }
}

/// Appends what nobody looks at.
pub(crate) fn append_heartbeat(out: &mut Vec<u8>) {
    out.extend_from_slice(b":\n\n");
}

/// `GET /v1/events`: the samples that are remembered, and each new one.
pub(crate) async fn rates(administration: Data<Administration>) -> Result<HttpResponse, Problem> {
    let place = administration
        .followers
        .take()
        .ok_or_else(Problem::too_many_streams)?;
    let following = Following {
        operator: administration.operator.clone(),
        next: 0,
        tick: interval(INTERVAL),
        has_begun: false,
        _place: place,
    };
    Ok(response(stream::unfold(following, |mut following| async {
        let bytes = following.next().await?;
        Some((Ok(bytes), following))
    })))
}

struct Following {
    operator: Operator,
    next: u64,
    tick: Interval,
    has_begun: bool,
    _place: Place,
}

impl Following {
    /// What there is new; None at the end of the server.
    async fn next(&mut self) -> Option<Bytes> {
        self.tick.tick().await;
        let samples = self.operator.samples_since(self.next).await?;
        self.next = samples.next;
        let rows = samples.samples.iter().map(row);
        let mut out = Vec::new();
        if self.has_begun {
            rows.for_each(|row| append_event(&mut out, "sample", &row));
            append_heartbeat(&mut out);
        } else {
            self.has_begun = true;
            append_event(&mut out, "history", &rows.collect::<Vec<_>>());
        }
        Some(out.into())
    }
}

/// A sample as a row: a quarter of an hour of them is sent at once.
fn row(sample: &Sample) -> impl Serialize + use<> {
    (
        sample.time,
        sample.messages_in,
        sample.messages_out,
        sample.bytes_in,
        sample.bytes_out,
        sample.connections,
        sample.subscriptions,
        sample.slow_consumers,
        (sample.cpu * 10.0).round() / 10.0,
        sample.memory,
    )
}
