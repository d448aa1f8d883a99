//! How requests come to who answers in an account, and how answers leave.

use bytes::Bytes;
use vagus_actors::in_process::{
    InProcessAddress, InProcessMessage, InProcessSubject, InProcessSubscription, SubscribeInProcess,
};
use vagus_delivery::mailbox::Message;
use vagus_delivery::outbox::WhenFull;

/// Subscribes to each of these subjects behind each of the prefixes; None: the account is gone.
pub(crate) async fn subscribe(
    in_process: &InProcessAddress,
    (prefixes, subjects): (&[String], &[&str]),
    max_pending: usize,
    when_full: WhenFull,
) -> Option<InProcessSubscription> {
    let subjects = prefixes.iter().flat_map(|prefix| {
        subjects.iter().map(move |subject| InProcessSubject {
            subject: format!("{prefix}{subject}").into(),
            queue: None,
        })
    });
    let subscribe = SubscribeInProcess {
        subjects: subjects.collect(),
        max_pending,
        when_full,
    };
    in_process.subscribe(subscribe).await
}

/// The subject of a request, and what of it is behind the prefix.
pub(crate) fn asked<'a>(message: &'a Message, prefixes: &[String]) -> Option<(&'a str, &'a str)> {
    let subject = str::from_utf8(message.parts().subject).ok()?;
    let asked = prefixes
        .iter()
        .find_map(|prefix| subject.strip_prefix(&**prefix))?;
    Some((subject, asked))
}

/// Publishes what is told. Where nobody takes it nobody waits any more.
pub(crate) async fn tell(
    in_process: &InProcessAddress,
    subject: Bytes,
    header: Option<Bytes>,
    payload: impl Into<Bytes>,
) {
    let told = InProcessMessage {
        subject,
        reply: None,
        header,
        payload: payload.into(),
        except: None,
    };
    let _ = in_process.publish(told).await;
}
