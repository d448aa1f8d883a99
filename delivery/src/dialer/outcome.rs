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

/// Goes with the connection: when it is dropped, the connection has ended.
#[derive(Debug)]
pub struct OutcomeSender(watch::Sender<Outcome>);

impl OutcomeSender {
    /// There is a session.
    pub fn opened(&self) {
        self.0.send_replace(Outcome::Open);
    }

    /// The connection is about to end, and the peer is to be left alone for so long: what is wrong will not pass at once.
    pub fn hold_off(&self, time: Duration) {
        self.0.send_replace(Outcome::HeldOff(time));
    }

    /// It came to no session.
    pub fn failed(self, reason: impl Into<String>) {
        self.0.send_replace(Outcome::Failed(reason.into()));
    }
}

#[derive(Debug)]
pub(super) struct OutcomeReceiver(watch::Receiver<Outcome>);

impl OutcomeReceiver {
    /// Waits until it is decided whether there is a session; true if there is.
    pub(super) async fn opened(&mut self) -> bool {
        let decided = self.0.wait_for(|outcome| *outcome != Outcome::Opening).await;
        decided.is_ok_and(|outcome| *outcome == Outcome::Open)
    }

    /// Waits for the end of the connection, and says how it stood.
    pub(super) async fn ended(&mut self) -> Outcome {
        while self.0.changed().await.is_ok() {}
        self.0.borrow().clone()
    }
}

pub(super) fn channel() -> (OutcomeSender, OutcomeReceiver) {
    let (sender, receiver) = watch::channel(Outcome::Opening);
    (OutcomeSender(sender), OutcomeReceiver(receiver))
}
