//! What a stream keeps, by a consumer of it: a message is acknowledged once it has been brought.
//!
//! The stream is asked as a client asks it, so that it may be on any server of a cluster.

use super::Means;
use crate::in_process::{
    InProcessAddress, InProcessMessage, InProcessSubject, InProcessSubscription, SubscribeInProcess,
};
use bytes::Bytes;
use std::future::poll_fn;
use std::time::{Duration, Instant};
use tokio::time::{timeout, timeout_at};
use vagus_configs::{ConsumerName, OutwardSettings};
use vagus_delivery::mailbox::{Delivered, Messages};
use vagus_delivery::outbox::WhenFull;
use vagus_protocol::neutral::NeutralMessage;
use vagus_protocol::pulling::consumer::{Answer, creation};
use vagus_protocol::pulling::{Pulled, Pulling};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is not acknowledged after so long comes again: a server that cannot be reached has that long. It comes sooner where
/// the connector begins anew.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(300);

/// How much may come besides what was asked for.
const SLACK: usize = 1 << 20;

/// Gets messages of a consumer.
pub(super) struct Consuming {
    in_process: InProcessAddress,
    subscription: InProcessSubscription,
    inbox: Bytes,
    name: ConsumerName,
    pulling: Pulling,
    began: Instant,
    /// How many messages the stream had for it beyond the last that came.
    lag: u64,
}

impl Consuming {
    /// Begins where all that was acknowledged ends. A consumer that is not there is made.
    pub(super) async fn begin(
        means: &Means,
        settings: &OutwardSettings,
        name: &ConsumerName,
    ) -> Result<Self, String> {
        let inbox = Bytes::from(format!("_INBOX.{:032x}", fastrand::u128(..)));
        // Any message has room in that, with its subjects.
        let at_once = settings.chunk_limit.max(2 * means.max_payload()) + SLACK;
        let subscribe = SubscribeInProcess {
            subjects: vec![InProcessSubject {
                subject: inbox.clone(),
                queue: None,
            }],
            max_pending: 2 * at_once,
            when_full: WhenFull::CutOff,
        };
        let subscription = means.in_process.subscribe(subscribe).await;
        let mut consuming = Self {
            in_process: means.in_process.clone(),
            subscription: subscription.ok_or("the server is at its end")?,
            inbox,
            name: name.clone(),
            pulling: Pulling::new(at_once),
            began: Instant::now(),
            lag: 0,
        };
        consuming.find(&settings.subject).await?;
        Ok(consuming)
    }

    async fn find(&mut self, subject: &str) -> Result<(), String> {
        match self.ask("CONSUMER.INFO", Vec::new()).await? {
            Answer::NotFound => {
                let ConsumerName { stream, durable } = &self.name;
                let wanted = creation(stream, durable, subject, ACKNOWLEDGED_WITHIN);
                match self.ask("CONSUMER.DURABLE.CREATE", wanted).await? {
                    Answer::Consumer { .. } => Ok(()),
                    Answer::NotFound => Err("the consumer is not there once it is made".to_owned()),
                    Answer::Refused(reason) => Err(reason),
                }
            }
            Answer::Refused(reason) => Err(reason),
            Answer::Consumer { unacknowledged: 0 } => Ok(()),
            Answer::Consumer { .. } => {
                // What was on its way comes again at once, in its order. A server that cannot do that has it come later.
                let reset = self.ask("CONSUMER.RESET", Vec::new()).await?;
                if let Answer::Refused(reason) = reset {
                    log::debug!("What is not acknowledged comes later: {reason}");
                }
                Ok(())
            }
        }
    }

    async fn ask(&mut self, about: &str, question: Vec<u8>) -> Result<Answer, String> {
        let ConsumerName { stream, durable } = &self.name;
        let subject = format!("$JS.API.{about}.{stream}.{durable}");
        self.publish(subject.into(), question.into()).await?;
        let answered = timeout(PATIENCE, poll_fn(|task| self.subscription.poll_next(task))).await;
        match answered {
            Ok(Delivered::Messages(mut messages)) => {
                let message = messages.next();
                let answer = message.and_then(|message| Answer::read(message.parts().payload));
                answer.ok_or_else(|| format!("what answers for stream {stream:?} is no JetStream"))
            }
            Ok(Delivered::Ended(reason)) => Err(reason.text().to_owned()),
            Err(_) => Err(format!("no stream {stream:?} has answered in {PATIENCE:?}")),
        }
    }

    async fn publish(&self, subject: Bytes, payload: Bytes) -> Result<(), String> {
        let message = InProcessMessage {
            subject,
            reply: Some(self.inbox.clone()),
            header: None,
            payload,
            except: None,
        };
        match self.in_process.publish(message).await {
            Some(true) => Ok(()),
            Some(false) => Err(format!("nobody answers for stream {:?}", self.name.stream)),
            None => Err("the server is at its end".to_owned()),
        }
    }

    /// What comes next. It may be broken off at any time.
    pub(super) async fn next(&mut self) -> Result<Messages, String> {
        loop {
            if let Some(request) = self.pulling.ask(self.began.elapsed()) {
                let ConsumerName { stream, durable } = &self.name;
                let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}");
                self.publish(subject.into(), request.into()).await?;
            }
            let come = poll_fn(|task| self.subscription.poll_next(task));
            let until = self.began + self.pulling.patience().unwrap_or_default();
            match timeout_at(until.into(), come).await {
                Ok(Delivered::Messages(messages)) => return Ok(messages),
                Ok(Delivered::Ended(reason)) => return Err(reason.text().to_owned()),
                Err(_) => self.pulling.give_up(),
            }
        }
    }

    /// Whether what has come is a message of the stream. On the subject of its reply it is acknowledged.
    ///
    /// # Errors
    /// Why nothing more will come.
    pub(super) fn is_message(&mut self, come: &NeutralMessage<'_>) -> Result<bool, String> {
        let pulled = self.pulling.hear(come, self.began.elapsed());
        let is_message = pulled? == Pulled::Message;
        if is_message && let Some(lag) = come.reply.and_then(lag_of) {
            self.lag = lag;
        }
        Ok(is_message)
    }

    /// Messages are where they belong.
    pub(super) async fn acknowledge(&self, on: Vec<Bytes>) {
        let acknowledgements = on.into_iter().map(|subject| InProcessMessage {
            subject,
            reply: None,
            header: None,
            payload: Bytes::from_static(b"+ACK"),
            except: None,
        });
        // What nobody hears comes again.
        self.in_process.publish_all(acknowledgements.collect()).await;
    }

    /// How many messages the stream has for it beyond those that have come, as it was said with the last of these.
    pub(super) fn lag(&self) -> u64 {
        self.lag
    }

    /// What waits to be taken, in bytes.
    pub(super) fn pending(&self) -> usize {
        self.subscription.pending()
    }
}

/// How many messages follow the one that is acknowledged on this subject, of either form (ADR-15 of
/// nats-architecture-and-design).
fn lag_of(reply: &[u8]) -> Option<u64> {
    let tokens = reply.split(|byte| *byte == b'.').count();
    let place = if tokens == 9 { 8 } else { 10 };
    let token = reply.split(|byte| *byte == b'.').nth(place)?;
    std::str::from_utf8(token).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::lag_of;

    #[test]
    fn what_follows_is_said_with_each_message() {
        assert_eq!(lag_of(b"$JS.ACK.S.c.1.7.7.1700000000000000000.42"), Some(42));
        assert_eq!(
            lag_of(b"$JS.ACK._.hash.S.c.1.7.7.1700000000000000000.42.x"),
            Some(42)
        );
        assert_eq!(lag_of(b"$JS.ACK.S"), None);
    }
}
