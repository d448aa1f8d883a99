//! What consumers send, and where.

use super::random::Random;
use super::reply::ReplyWriter;
use crate::stream::Effect;
use bytes::Bytes;

/// What is sent to who gets a consumer's messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The subject that it shows; it may be another than where it goes.
    pub subject: Bytes,
    /// Where it is to be acknowledged; empty: nowhere.
    pub reply: Bytes,
    /// Its headers; empty: none.
    pub headers: Bytes,
    /// What it says.
    pub payload: Bytes,
}

impl Delivery {
    /// A status line, with further lines.
    pub(super) fn status(to: &Bytes, status: &str) -> Self {
        Self {
            subject: to.clone(),
            reply: Bytes::new(),
            headers: format!("NATS/1.0 {status}\r\n\r\n").into(),
            payload: Bytes::new(),
        }
    }
}

/// What consumers say.
pub(crate) struct Outgoing<'a> {
    pub(crate) effects: &'a mut Vec<Effect>,
    /// Counts how often effects were taken: places among them hold until then.
    pub(crate) turn: u64,
    pub(crate) replies: &'a mut ReplyWriter,
    pub(crate) random: &'a mut Random,
}

impl Outgoing<'_> {
    /// Sends something; says where among the effects that is.
    pub(crate) fn send(&mut self, to: &Bytes, group: &Bytes, delivery: Delivery) -> usize {
        if let Some(Effect::Deliver {
            to: last, deliveries, ..
        }) = self.effects.last_mut()
            && last == to
        {
            deliveries.push(delivery);
        } else {
            self.effects.push(Effect::Deliver {
                to: to.clone(),
                group: group.clone(),
                deliveries: vec![delivery],
            });
        }
        self.effects.len() - 1
    }

    /// Sends something beside what was sent there in the same turn, if that is at `place` among the effects: the order
    /// matters only to who gets it.
    pub(super) fn send_beside(&mut self, place: Option<usize>, to: &Bytes, delivery: Delivery) -> usize {
        if let Some(place) = place
            && let Some(Effect::Deliver { deliveries, .. }) = self.effects.get_mut(place)
        {
            deliveries.push(delivery);
            return place;
        }
        self.send(to, &Bytes::new(), delivery)
    }

    /// Sends a status line, with further lines, to where a subject says.
    pub(crate) fn status(&mut self, to: &Bytes, reply: Bytes, status: &str) {
        let delivery = Delivery {
            reply,
            ..Delivery::status(to, status)
        };
        self.send(to, &Bytes::new(), delivery);
    }
}
