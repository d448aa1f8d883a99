//! Who takes what is asked in one account: it refuses it where there may be no streams, and has it answered where there may. That
//! changes, and no request is lost by it, as it is taken in one place.

use crate::desk::Desk;
use crate::exchange::subscribe;
use crate::refusing::Refusal;
use crate::topic::SUBJECTS;
use parking_lot::Mutex;
use std::future::poll_fn;
use std::sync::Arc;
use tokio::sync::{Notify, oneshot};
use vagus_actors::in_process::InProcessSubscription;
use vagus_delivery::mailbox::Delivered;
use vagus_delivery::outbox::WhenFull;

/// What may come before it is looked at, in bytes.
const COMING_AT_MOST: usize = 8 << 20;

/// What is done with what is asked.
#[derive(Debug)]
pub enum Role {
    /// The account may have no streams.
    Refuses,
    /// It may.
    Answers(Box<Desk>),
}

/// What is to be done with what is asked from now on.
#[derive(Debug, Clone, Default)]
pub struct Assignment(Arc<Assigned>);

#[derive(Debug, Default)]
struct Assigned {
    role: Mutex<Option<Role>>,
    changed: Notify,
}

impl Assignment {
    /// Has it be this.
    pub fn assign(&self, role: Role) {
        *self.0.role.lock() = Some(role);
        self.0.changed.notify_one();
    }

    pub(crate) async fn changed(&self) -> Role {
        loop {
            let role = self.0.role.lock().take();
            match role {
                Some(role) => return role,
                None => self.0.changed.notified().await,
            }
        }
    }
}

/// Takes what is asked in one account.
#[derive(Debug)]
pub struct Intake {
    /// Refuses it.
    pub refusal: Refusal,
    /// What is to be done with it.
    pub assignment: Assignment,
}

impl Intake {
    /// Takes requests until the server ends; `ready` is told when it does. It is to run on a thread that carries no messages.
    pub async fn serve(self, ready: oneshot::Sender<()>) {
        let Self { refusal, assignment } = self;
        let subjects = (&*refusal.prefixes, &SUBJECTS[..]);
        let requests = subscribe(&refusal.in_process, subjects, COMING_AT_MOST, WhenFull::Refuse);
        let Some(mut requests) = requests.await else {
            return;
        };
        // Nobody need wait for it.
        let _ = ready.send(());
        let mut role = Some(assignment.changed().await);
        while let Some(now) = role {
            role = match now {
                Role::Refuses => refuse(&refusal, &mut requests, &assignment).await,
                // In a place of its own: accounts that are refused are many.
                Role::Answers(desk) => Box::pin(desk.serve(&mut requests, &assignment)).await,
            };
        }
    }
}

/// Refuses until it is to be otherwise; None: the server ends.
async fn refuse(
    refusal: &Refusal,
    requests: &mut InProcessSubscription,
    assignment: &Assignment,
) -> Option<Role> {
    loop {
        tokio::select! {
            role = assignment.changed() => return Some(role),
            delivered = poll_fn(|task| requests.poll_next(task)) => {
                let Delivered::Messages(messages) = delivered else {
                    return None;
                };
                for message in messages {
                    refusal.refuse(&message).await;
                }
            },
        }
    }
}
