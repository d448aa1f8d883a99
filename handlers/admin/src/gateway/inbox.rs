//! One question, and its answer.

use super::entrance::Caller;
use crate::messages::{Headers, read_headers};
use crate::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::rt::time::timeout;
use actix_web::web::Bytes;
use std::future::poll_fn;
use std::time::Duration;
use vagus_actors::in_process::{InProcessAddress, InProcessMessage, InProcessSubject, SubscribeInProcess};
use vagus_auth::permission::Subscribe;
use vagus_delivery::mailbox::{Delivered, Message};
use vagus_delivery::outbox::WhenFull;

/// What may wait of answers, in bytes, of which the first is taken.
const ANSWERS_AT_MOST: usize = 64 << 20;

/// Where one answer comes.
pub(super) struct Inbox(String);

/// What became of a question.
pub(super) enum Asked {
    Answered(Answer),
    /// Nobody takes such questions.
    NoResponders,
    Timeout,
    /// The server ends.
    Ending,
}

/// An answer.
pub(super) struct Answer(Message);

impl Inbox {
    /// One of a caller's: who may not listen for answers may not ask.
    pub(super) fn of(caller: &Caller) -> Result<Self, Problem> {
        let subject = format!("_INBOX.{:032x}", fastrand::u128(..));
        match caller.rights.may_subscribe(subject.as_bytes(), None) {
            Subscribe::Allowed => Ok(Self(subject)),
            Subscribe::AllowedExcept(_) | Subscribe::Denied => {
                let told = "Permissions Violation for Subscription to \"_INBOX.>\"";
                Err(Problem::new(StatusCode::FORBIDDEN, told))
            }
        }
    }

    pub(super) fn subject(&self) -> &str {
        &self.0
    }

    pub(super) async fn ask(
        self,
        in_process: &InProcessAddress,
        message: InProcessMessage,
        patience: Duration,
    ) -> Asked {
        match timeout(patience, self.wait(in_process, message)).await {
            Ok(asked) => asked,
            Err(_) => Asked::Timeout,
        }
    }

    async fn wait(self, in_process: &InProcessAddress, mut message: InProcessMessage) -> Asked {
        let subscribe = SubscribeInProcess {
            subjects: vec![InProcessSubject {
                subject: self.0.clone().into(),
                queue: None,
            }],
            max_pending: ANSWERS_AT_MOST,
            when_full: WhenFull::Refuse,
        };
        let Some(mut answers) = in_process.subscribe(subscribe).await else {
            return Asked::Ending;
        };
        message.reply = Some(self.0.into());
        match in_process.publish(message).await {
            Some(true) => {}
            Some(false) => return Asked::NoResponders,
            None => return Asked::Ending,
        }
        loop {
            match poll_fn(|task| answers.poll_next(task)).await {
                Delivered::Messages(mut messages) => match messages.next() {
                    Some(message) if is_no_responders(&message) => return Asked::NoResponders,
                    Some(message) => return Asked::Answered(Answer(message)),
                    None => {}
                },
                Delivered::Ended(_) => return Asked::Ending,
            }
        }
    }
}

/// What another server says where nobody takes a question.
fn is_no_responders(message: &Message) -> bool {
    let parts = message.parts();
    parts.payload.is_empty() && parts.header.starts_with(b"NATS/1.0 503")
}

impl Answer {
    pub(super) fn payload(&self) -> &[u8] {
        self.0.parts().payload
    }

    pub(super) fn into_payload(self) -> Bytes {
        self.0.share(self.0.parts().payload)
    }

    pub(super) fn headers(&self) -> Headers {
        match self.0.parts().header {
            b"" => Headers::new(),
            header => read_headers(header),
        }
    }
}
