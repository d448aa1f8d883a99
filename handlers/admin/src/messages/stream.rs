//! Deliveries as server-sent events.

use super::header::{self, Headers};
use crate::events::{append_event, append_heartbeat};
use crate::places::Place;
use actix_web::rt;
use actix_web::rt::time::{interval, timeout};
use actix_web::web::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{Stream, stream};
use serde::Serialize;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{self, Sender};
use vagus_actors::in_process::InProcessSubscription;
use vagus_auth::permission::Filter;
use vagus_delivery::mailbox::{Delivered, Messages};
use vagus_protocol::error::CloseReason;
use vagus_protocol::neutral::NeutralMessage;

/// How often something is said when nothing is delivered, so that it is noticed if nobody listens any more.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How often it is looked at whether the one who asked still may have what is delivered.
const LOOK: Duration = Duration::from_secs(1);

/// How long a reader that was too slow may take to read what there is for it.
const FAREWELL: Duration = Duration::from_secs(10);

/// Events of about this many bytes are given to the connection at a time.
const PIECE: usize = 64 * 1024;

/// A message, as the page shows it.
#[derive(Serialize)]
struct Shown<'a> {
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<&'a str>,
    #[serde(skip_serializing_if = "Headers::is_empty")]
    headers: Headers,
    /// If it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a str>,
    /// If it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_base64: Option<String>,
    /// Of headers and payload, in bytes.
    size: usize,
}

/// Why there is no more.
#[derive(Serialize)]
struct End<'a> {
    reason: &'a str,
}

/// The events of a subscription: those it begins with, then what `append` makes of each message, and `end` if the server ends it,
/// as it does once the one who asked does not stay, which is looked at each second.
///
/// A task of its own feeds them, so that the subscription is gone once too much waits, whatever becomes of the one that
/// does not read.
pub(crate) fn events<F, S>(
    subscription: InProcessSubscription,
    begin: &[&str],
    append: F,
    stays: S,
    place: Place,
) -> impl Stream<Item = Result<Bytes, Infallible>> + use<F, S>
where
    F: FnMut(&NeutralMessage<'_>, &mut Vec<u8>) + 'static,
    S: Fn() -> bool + 'static,
{
    let (pieces, mut come) = mpsc::channel(1);
    let mut begun = Vec::new();
    for name in begin {
        append_event(&mut begun, name, &serde_json::json!({}));
    }
    rt::spawn(async move {
        let _place = place;
        feed(subscription, begun, append, stays, pieces).await;
    });
    stream::poll_fn(move |task| come.poll_recv(task).map(|piece| piece.map(Ok)))
}

/// What there is to do next.
enum Step {
    Take(Delivered),
    Beat,
    /// It may be time to see whether the one who asked stays.
    Look,
    /// Nobody listens any more.
    Leave,
}

/// Feeds until one of the two is gone.
async fn feed(
    mut subscription: InProcessSubscription,
    mut piece: Vec<u8>,
    mut append: impl FnMut(&NeutralMessage<'_>, &mut Vec<u8>),
    stays: impl Fn() -> bool,
    pieces: Sender<Bytes>,
) {
    let mut heartbeat = interval(HEARTBEAT);
    let mut look = interval(LOOK);
    let mut taken = Messages::default();
    let mut looked = Instant::now();
    let reason = loop {
        if looked.elapsed() >= LOOK {
            if !stays() {
                // Nothing that waits is for it any more.
                (taken, piece) = (Messages::default(), Vec::new());
                break CloseReason::AuthenticationExpired;
            }
            looked = Instant::now();
        }
        if !piece.is_empty()
            && let Some(reason) = hand_over(&pieces, &mut piece, &mut subscription).await
        {
            break reason;
        }
        if make_events(&mut taken, &mut append, &mut piece) {
            continue;
        }
        let mut gone = pin!(pieces.closed());
        let step = poll_fn(|task| {
            if gone.as_mut().poll(task).is_ready() {
                return Poll::Ready(Step::Leave);
            }
            if let Poll::Ready(delivered) = subscription.poll_next(task) {
                return Poll::Ready(Step::Take(delivered));
            }
            if look.poll_tick(task).is_ready() {
                return Poll::Ready(Step::Look);
            }
            heartbeat.poll_tick(task).map(|_| Step::Beat)
        });
        match step.await {
            // There is nothing left of what was taken before.
            Step::Take(Delivered::Messages(messages)) => taken = messages,
            Step::Take(Delivered::Ended(reason)) => break reason,
            Step::Beat => append_heartbeat(&mut piece),
            Step::Look => {}
            Step::Leave => return,
        }
    };
    // Nothing is delivered to it any more; what it has been given may still be read, for a while.
    drop(subscription);
    let farewell = async {
        loop {
            if !piece.is_empty() && pieces.send(std::mem::take(&mut piece).into()).await.is_err() {
                return;
            }
            if !make_events(&mut taken, &mut append, &mut piece) {
                break;
            }
        }
        let reason = reason.text();
        append_event(&mut piece, "end", &End { reason });
        // Nobody listens any more: there is nothing to do about it.
        let _ = pieces.send(piece.into()).await;
    };
    let _ = timeout(FAREWELL, farewell).await;
}

/// Waits until the piece is taken; the reason if the subscription ends meanwhile, and the piece stays.
async fn hand_over(
    pieces: &Sender<Bytes>,
    piece: &mut Vec<u8>,
    subscription: &mut InProcessSubscription,
) -> Option<CloseReason> {
    let mut room = pin!(pieces.reserve());
    poll_fn(|task| {
        if let Poll::Ready(room) = room.as_mut().poll(task) {
            match room {
                Ok(room) => room.send(std::mem::take(piece).into()),
                // That nobody listens any more is seen to next.
                Err(_) => piece.clear(),
            }
            return Poll::Ready(None);
        }
        subscription.poll_ended(task).map(Some)
    })
    .await
}

/// Makes events of what has been delivered, up to a piece; false if there was nothing to make any of.
fn make_events(
    taken: &mut Messages,
    append: &mut impl FnMut(&NeutralMessage<'_>, &mut Vec<u8>),
    out: &mut Vec<u8>,
) -> bool {
    while out.len() < PIECE
        && let Some(message) = taken.next()
    {
        append(&message.parts(), out);
    }
    !out.is_empty()
}

/// Appends a message as an event, but not what the filter denies.
pub(crate) fn append_message(filter: Option<Filter>) -> impl FnMut(&NeutralMessage<'_>, &mut Vec<u8>) {
    move |message, out| {
        if !filter
            .as_ref()
            .is_some_and(|filter| filter.denies(message.subject))
        {
            append_event(out, "message", &shown(message));
        }
    }
}

fn shown<'a>(message: &NeutralMessage<'a>) -> Shown<'a> {
    let text = std::str::from_utf8(message.payload).ok();
    Shown {
        subject: std::str::from_utf8(message.subject).unwrap_or("?"),
        reply: message
            .reply
            .map(|reply| std::str::from_utf8(reply).unwrap_or("?")),
        headers: header::read(message.header),
        payload: text,
        payload_base64: text.is_none().then(|| STANDARD.encode(message.payload)),
        size: message.header.len() + message.payload.len(),
    }
}
