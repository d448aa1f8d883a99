//! The one place messages between actors are sent from.
//!
//! actix's `do_send` has no bound and says nothing when the receiver is gone. Every message sent here is one
//! of a kind whose number and size are bounded by what sends it; `docs/runtime-semantics.md` lists them.

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

/// Leaves a message with whoever receives this kind; false if they are gone.
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
