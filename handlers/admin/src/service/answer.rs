//! Answers on their way to the socket.

use super::crowd::{Held, Seat};
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

/// How much of an answer is put before the socket at once: no more of it is ever there twice.
const PIECE: usize = 32 * 1024;

/// Answers up to this size are not counted: whatever is going on, the state of health can be told.
const SMALL: usize = 16 * 1024;

/// Too much is being written to others already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoRoom;

/// An answer, for as long as it is being written.
pub(crate) struct Answer {
    body: Body,
    _serving: Serving,
}

enum Body {
    /// All of it is there.
    Whole { rest: Bytes, _held: Option<Held> },
    /// It goes on.
    Other(BoxBody),
}

/// Somebody is being answered; over when dropped.
pub(crate) struct Serving(Option<Rc<Seat>>);

impl Serving {
    /// A request has come from here.
    pub(crate) fn begin(seat: Option<&Rc<Seat>>) -> Self {
        if let Some(seat) = seat {
            seat.begin(Instant::now());
        }
        Self(seat.cloned())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(seat) = &self.0 {
            seat.finish();
        }
    }
}

impl Answer {
    /// The answer whose body this is.
    ///
    /// # Errors
    /// When there is no room for it.
    pub(crate) fn new(body: BoxBody, serving: Serving) -> Result<Self, NoRoom> {
        let body = match body.try_into_bytes() {
            Ok(rest) => {
                let counted = serving.0.as_ref().filter(|_| rest.len() > SMALL);
                let held = counted.map(|seat| seat.hold(rest.len(), Instant::now()).ok_or(NoRoom));
                Body::Whole {
                    _held: held.transpose()?,
                    rest,
                }
            }
            Err(body) => {
                if let (BodySize::Stream, Some(seat)) = (body.size(), &serving.0) {
                    seat.stream();
                }
                Body::Other(body)
            }
        };
        Ok(Self {
            body,
            _serving: serving,
        })
    }
}

impl MessageBody for Answer {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        match &self.body {
            Body::Whole { rest, .. } => BodySize::Sized(rest.len() as u64),
            Body::Other(body) => body.size(),
        }
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        match &mut self.get_mut().body {
            Body::Whole { rest, .. } => {
                if rest.is_empty() {
                    return Poll::Ready(None);
                }
                let piece = rest.split_to(rest.len().min(PIECE));
                Poll::Ready(Some(Ok(piece)))
            }
            Body::Other(body) => body.as_pin_mut().poll_next(context),
        }
    }
}
