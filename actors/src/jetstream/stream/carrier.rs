//! The one future of a stream: it takes what comes, and does what is due.

use super::Stream;
use actix::prelude::*;
use std::pin::{Pin, pin};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;
use tokio::task::yield_now;
use tokio::time::{Sleep, sleep};
use vagus_delivery::mailbox::Delivered;

/// What is due so soon again is waited for so long, so that a clock that stands still costs nothing.
const WAITS_AT_LEAST: Duration = Duration::from_millis(1);

/// Nothing is waited for longer: clocks are set.
const WAITS_AT_MOST: Duration = Duration::from_secs(3600);

/// Takes what comes to a stream, one hand-over of its mailbox after the other.
#[derive(Default)]
pub(super) struct Carrier {
    due: Option<Pin<Box<Sleep>>>,
}

impl ActorFuture<Stream> for Carrier {
    type Output = ();

    fn poll(
        mut self: Pin<&mut Self>,
        stream: &mut Stream,
        context: &mut Context<Stream>,
        task: &mut TaskContext<'_>,
    ) -> Poll<()> {
        if !stream
            .waker
            .as_ref()
            .is_some_and(|waker| waker.will_wake(task.waker()))
        {
            stream.waker = Some(task.waker().clone());
        }
        let next = stream.guarded(|stream| {
            if stream.is_applying() {
                stream.apply();
            }
            let next = stream.wake_machine();
            stream.finish_questions();
            stream.gather();
            next
        });
        stream.speak();
        let mut is_attended = false;
        let decided = |stream: &mut Stream| stream.guarded(Stream::decide) == Some(true);
        if stream.takes_more() && decided(stream) && stream.takes_more() {
            match stream.mailbox.poll_next(task) {
                Poll::Ready(Delivered::Messages(messages)) => {
                    stream.incoming = messages;
                    decided(stream);
                }
                Poll::Ready(Delivered::Ended(_)) => {
                    context.stop();
                    return Poll::Ready(());
                }
                Poll::Pending => is_attended = true,
            }
        }
        if stream.takes_more() {
            is_attended &= stream.guarded(|stream| stream.hear_more(task)) != Some(false);
        }
        // What is told to be delivered is on its way before that is told.
        stream.speak();
        if stream.in_turn.len() > 0 {
            stream.guarded(Stream::take_turns);
            stream.speak();
        }
        stream.guarded(Stream::keep);
        if !is_attended && stream.takes_more() {
            // Others get their turn before the next.
            task.waker().wake_by_ref();
        }
        if std::mem::take(&mut stream.has_more) {
            come_back(task);
        }
        self.due = match next.flatten() {
            None => None,
            Some(wait) => {
                let wait = wait.clamp(WAITS_AT_LEAST, WAITS_AT_MOST);
                Some(Box::pin(sleep(wait)))
            }
        };
        if let Some(due) = &mut self.due
            && due.as_mut().poll(task).is_ready()
        {
            task.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

/// Has the task be polled again behind everybody who is ready, and behind a look at the sockets: one that just wakes itself comes
/// back many times before.
fn come_back(task: &mut TaskContext<'_>) {
    let _ = pin!(yield_now()).poll(task);
}
