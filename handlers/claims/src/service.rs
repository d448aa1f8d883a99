//! The part of the server that is asked about the tokens of accounts.

use crate::requests::ClaimsDesk;
use bytes::Bytes;
use std::future::poll_fn;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use vagus_actors::in_process::{
    InProcessAddress, InProcessMessage, InProcessSubject, InProcessSubscription, SubscribeInProcess,
};
use vagus_delivery::mailbox::{Delivered, Message};
use vagus_delivery::outbox::WhenFull;

/// How many bytes of requests may wait. Beyond that there is nobody who answers.
const WAITING_AT_MOST: usize = 16 << 20;

/// When folders are compared for the first time: other servers are known by then.
const FIRST_COMPARISON: Duration = Duration::from_secs(5);

/// As good as never.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How often tokens go that are not to be kept any more.
const HOUSEKEEPING: Duration = Duration::from_secs(60);

/// Is asked in the system account.
pub struct ClaimsService {
    /// Answers.
    pub desk: ClaimsDesk,
    /// Publishes and subscribes in the system account.
    pub in_process: InProcessAddress,
    /// What the server says of itself in one more answer, in JSON.
    pub describe: Box<dyn Fn() -> String + Send>,
}

impl std::fmt::Debug for ClaimsService {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ClaimsService")
            .field("desk", &self.desk)
            .finish_non_exhaustive()
    }
}

/// Answers until the server ends. Some of what is asked for writes files, so it is to run on a thread of its own.
/// `ready` is dropped once what is asked is answered.
pub async fn run(service: ClaimsService, ready: impl Sized) {
    let desired = service.desk.desired();
    let subscribe = SubscribeInProcess {
        subjects: desired
            .iter()
            .map(|desired| InProcessSubject {
                subject: Bytes::copy_from_slice(desired.subject.as_bytes()),
                queue: desired.queue.map(|queue| Bytes::from_static(queue.as_bytes())),
            })
            .collect(),
        max_pending: WAITING_AT_MOST,
        when_full: WhenFull::Refuse,
    };
    let Some(mut subscription) = service.in_process.subscribe(subscribe).await else {
        return;
    };
    drop(ready);
    let mut housekeeping = Instant::now() + HOUSEKEEPING;
    let interval = service.desk.comparison().map_or(NEVER, |(_, interval)| interval);
    let mut comparing = Instant::now() + FIRST_COMPARISON.min(interval);
    loop {
        tokio::select! {
            delivered = poll_fn(|task| subscription.poll_next(task)) => match delivered {
                Delivered::Messages(messages) => for message in messages {
                    let place = usize::try_from(message.parts().subscription).unwrap_or(0);
                    if let Some(desired) = place.checked_sub(1).and_then(|place| desired.get(place)) {
                        service.respond(desired.topic, &message).await;
                    }
                },
                Delivered::Ended(_) => return,
            },
            () = sleep_until(housekeeping) => {
                housekeeping += HOUSEKEEPING;
                service.desk.keep_house();
            }
            () = sleep_until(comparing) => comparing = Instant::now() + service.compare(&subscription).await,
        }
    }
}

impl ClaimsService {
    /// Asks one of the other servers which tokens it has, if they are not the same as here; gives how long it is until the
    /// next time.
    async fn compare(&self, subscription: &InProcessSubscription) -> Duration {
        let Some((comparison, interval)) = self.desk.comparison() else {
            return NEVER;
        };
        let message = InProcessMessage {
            subject: Bytes::from_static(comparison.subject.as_bytes()),
            reply: Some(comparison.reply.into()),
            header: None,
            payload: Bytes::copy_from_slice(&comparison.payload),
            // It is to be another.
            except: Some(subscription.number()),
        };
        // Nobody takes it where there is no other.
        let _ = self.in_process.publish(message).await;
        interval
    }

    async fn respond(&self, topic: crate::Topic, message: &Message) {
        let request = message.parts();
        let replies = self.desk.answer(topic, request.subject, request.payload);
        let Some(reply) = request.reply else {
            return;
        };
        for answer in replies {
            let message = InProcessMessage {
                subject: message.share(reply),
                reply: None,
                header: None,
                payload: answer.payload(&(self.describe)()).into(),
                except: None,
            };
            // Where nobody takes it nobody wanted it any more.
            let _ = self.in_process.publish(message).await;
        }
    }
}
