//! What becomes of a connection, told to the one who dialled it, from whichever arbiter carries it.

use std::time::Duration;
use tokio::sync::watch;

/// How a dialled connection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is not known yet whether the peer is who was looked for.
    Opening,
    /// There is a session.
    Open,
    /// It came to no session, for this reason.
    Failed(String),
    /// It is not to be dialled again for so long.
    HeldOff(Duration),
}

/// What is told of a connection.
#[derive(Debug)]
struct Told {
    outcome: Outcome,
    /// Why it is about to end, if that is known.
    why: Option<String>,
}

/// Goes with the connection: when it is dropped, the connection has ended.
#[derive(Debug)]
pub struct OutcomeSender(watch::Sender<Told>);

impl OutcomeSender {
    /// There is a session.
    pub fn opened(&self) {
        self.0.send_modify(|told| told.outcome = Outcome::Open);
    }

    /// The connection is about to end, and the peer is to be left alone for so long: what is wrong will not pass at once.
    pub fn hold_off(&self, time: Duration) {
        self.0.send_modify(|told| told.outcome = Outcome::HeldOff(time));
    }

    /// The connection is about to end, for this reason, unless another was known before.
    pub fn explain(&self, why: &str) {
        self.0.send_modify(|told| {
            told.why.get_or_insert_with(|| why.to_owned());
        });
    }

    /// It came to no session.
    pub fn failed(self, reason: impl Into<String>) {
        self.0
            .send_modify(|told| told.outcome = Outcome::Failed(reason.into()));
    }
}

#[derive(Debug)]
pub(super) struct OutcomeReceiver(watch::Receiver<Told>);

impl OutcomeReceiver {
    /// Waits until it is decided whether there is a session; true if there is.
    pub(super) async fn opened(&mut self) -> bool {
        let decided = self.0.wait_for(|told| told.outcome != Outcome::Opening).await;
        decided.is_ok_and(|told| told.outcome == Outcome::Open)
    }

    /// Waits for the end of the connection, and says how it stood, and why it ended, as far as that is known.
    pub(super) async fn ended(&mut self) -> (Outcome, Option<String>) {
        while self.0.changed().await.is_ok() {}
        let told = self.0.borrow();
        (told.outcome.clone(), told.why.clone())
    }
}

pub(super) fn channel() -> (OutcomeSender, OutcomeReceiver) {
    let (sender, receiver) = watch::channel(Told {
        outcome: Outcome::Opening,
        why: None,
    });
    (OutcomeSender(sender), OutcomeReceiver(receiver))
}
