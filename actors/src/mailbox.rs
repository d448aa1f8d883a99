//! The one place messages between actors are sent from.
//!
//! actix's `do_send` has no bound and says nothing when the receiver is gone. Every message sent here is one
//! of a kind whose number and size are bounded by what sends it; `docs/runtime-semantics.md` lists them. And what it
//! means when an actor is gone because it has panicked.

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Message, Recipient};
use std::marker::PhantomData;

/// Leaves a message with an actor; false if the actor is gone.
#[allow(clippy::disallowed_methods)]
pub(crate) fn tell<A, M>(receiver: &Addr<A>, message: M) -> bool
where
    A: Actor + Handler<M>,
    A::Context: ToEnvelope<A, M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    if !receiver.connected() {
        return false;
    }
    receiver.do_send(message);
    true
}

/// Leaves a message with a recipient of its kind; false if it is gone.
#[allow(clippy::disallowed_methods)]
pub(crate) fn tell_recipient<M>(receiver: &Recipient<M>, message: M) -> bool
where
    M: Message + Send,
    M::Result: Send,
{
    if !receiver.connected() {
        return false;
    }
    receiver.do_send(message);
    true
}

/// Call it when an actor of the control plane is dropped: if that is because of a panic, the process ends, loudly.
///
/// A panic where a peer's bytes are handled is contained and costs that peer its connection. The control plane sees no
/// such bytes: a panic there is a defect of ours, and a server without one of these actors would only seem to run.
pub(crate) fn end_if_panicking(who: &str) {
    if std::thread::panicking() {
        log::error!("{who} has panicked: there is nothing to go on with");
        log::logger().flush();
        std::process::abort();
    }
}

/// Asks an actor for its state: small, serialisable, made on demand.
///
/// It is what monitoring shows and what tests assert.
#[derive(Debug)]
pub struct Observe<S>(PhantomData<fn() -> S>);

impl<S> Observe<S> {
    /// The question.
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<S> Default for Observe<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Send + 'static> Message for Observe<S> {
    type Result = S;
}
