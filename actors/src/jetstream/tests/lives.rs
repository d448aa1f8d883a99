//! Lives of a server on one disk, and what a client does in them.

use super::*;
use std::ops::Range;
use std::task::Poll;
use std::time::Duration;
use vagus_delivery::mailbox::Message;

/// So many seeds, or as many as `STORE_SEEDS` says, from `STORE_FIRST_SEED` on.
pub(super) fn seeds(count: u64) -> Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse().ok());
    let first = number("STORE_FIRST_SEED").unwrap_or(0);
    first..first + number("STORE_SEEDS").unwrap_or(count)
}

/// The disk after a life: it has lost its power, or the process alone has ended.
pub(super) fn end_of_life(disk: &SimulatedDisk, random: &mut fastrand::Rng) -> SimulatedDisk {
    // Who held the disk does no more to it, nor keeps it in memory.
    let disk = disk.take();
    // Half of those that still have power only lose the process.
    match !disk.has_power() || random.bool() {
        true => disk.restart(),
        false => disk.set_faults(Faults::default()),
    }
    disk
}

/// What comes to some subjects.
pub(super) struct Inbox {
    subscription: InProcessSubscription,
    came: Messages,
}

impl Inbox {
    pub(super) async fn of(world: &World, subjects: &[&str]) -> Self {
        let subjects = subjects.iter().map(|subject| InProcessSubject {
            subject: Bytes::copy_from_slice(subject.as_bytes()),
            queue: None,
        });
        let subscribe = SubscribeInProcess {
            subjects: subjects.collect(),
            max_pending: usize::MAX,
            when_full: WhenFull::CutOff,
        };
        Self {
            subscription: world.client.subscribe(subscribe).await.unwrap(),
            came: Messages::default(),
        }
    }

    /// What has come already.
    pub(super) async fn next_now(&mut self) -> Option<Message> {
        if let Some(message) = self.came.next() {
            return Some(message);
        }
        let polled = poll_fn(|task| Poll::Ready(self.subscription.poll_next(task))).await;
        match polled {
            Poll::Pending => None,
            Poll::Ready(delivered) => {
                self.came = messages_of(delivered);
                self.came.next()
            }
        }
    }

    /// What comes next.
    async fn next(&mut self) -> Message {
        loop {
            if let Some(message) = self.came.next() {
                return message;
            }
            self.wait().await;
        }
    }

    /// Until more comes, all that came before being taken.
    pub(super) async fn wait(&mut self) {
        let delivered = poll_fn(|task| self.subscription.poll_next(task)).await;
        self.came = messages_of(delivered);
    }

    /// The same, if it does before long.
    pub(super) async fn next_within(&mut self, wait: Duration) -> Option<Message> {
        tokio::time::timeout(wait, self.next()).await.ok()
    }
}

fn messages_of(delivered: Delivered) -> Messages {
    match delivered {
        Delivered::Messages(messages) => messages,
        Delivered::Ended(reason) => panic!("{reason:?}"),
    }
}

impl World {
    /// Says something on a subject, to be answered on another.
    pub(super) async fn say(&self, subject: &str, reply: &str, payload: impl Into<Bytes>) {
        let message = InProcessMessage {
            subject: Bytes::copy_from_slice(subject.as_bytes()),
            reply: Some(Bytes::copy_from_slice(reply.as_bytes())),
            header: None,
            payload: payload.into(),
            except: None,
        };
        assert_eq!(self.client.publish(message).await, Some(true));
    }
}
