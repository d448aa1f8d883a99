//! The part of the server that is asked about the tokens of accounts.

use crate::requests::ClaimsDesk;
use bytes::Bytes;
use std::future::poll_fn;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use vagus_actors::in_process::{InProcessAddress, InProcessMessage, InProcessSubject, SubscribeInProcess};
use vagus_delivery::mailbox::{Delivered, Message};
use vagus_delivery::outbox::WhenFull;

/// How many bytes of requests may wait. Beyond that there is nobody who answers.
const WAITING_AT_MOST: usize = 16 << 20;

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
                subject: Bytes::from_static(desired.subject.as_bytes()),
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
        }
    }
}

impl ClaimsService {
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
            };
            // Where nobody takes it nobody wanted it any more.
            let _ = self.in_process.publish(message).await;
        }
    }
}
