//! How a connection shows itself.

use super::{Connection, Session};
use crate::observed::{ClientInfo, ClosedConnection, ConnectionState, Describe, Description, Extent};
use actix::prelude::*;
use std::time::{Duration, Instant};
use vagus_delivery::Moment;
use vagus_protocol::error::CloseReason;

/// How many bytes the subscriptions of a connection that has ended may take where it is remembered.
const REMEMBERED_BYTES: usize = 64 * 1024;

impl<S: Session> Connection<S> {
    pub(super) fn state(&self, now: Instant, extent: Extent) -> ConnectionState {
        let outbound = self.outbox.traffic();
        let now = Moment::of(now);
        let active = self.active.max(outbound.active);
        ConnectionState {
            id: self.id(),
            peer: self.session.peer(),
            client: match extent {
                Extent::Figures => ClientInfo::default(),
                Extent::State | Extent::Subscriptions => self.session.client_info(),
            },
            opened: self.opened.plus(Duration::ZERO),
            active: self.opened.plus(active.after(self.since)),
            uptime: now.after(self.since),
            idle: now.after(active),
            subscriptions: self.subscriptions.len()
                + self.several.as_ref().map_or(0, |several| several.subscriptions()),
            pending: outbound.pending,
            messages_in: self.inbound.messages,
            payload_in: self.inbound.payload,
            messages_out: outbound.messages,
            payload_out: outbound.payload,
            stalls: outbound.stalls,
            waits_for_interest: self.announcements > 0,
            round_trip: self.session.round_trip(),
            tls: match extent {
                Extent::Figures => None,
                Extent::State | Extent::Subscriptions => self.wire.tls_facts(),
            },
            account: match (extent, &self.account) {
                (Extent::Figures, _) | (_, None) => None,
                (_, Some(bound)) => Some(bound.account.name().into()),
            },
            account_tag: match (extent, &self.account) {
                (Extent::Figures, _) | (_, None) => None,
                (_, Some(bound)) => {
                    Some(bound.account.name_tag()).filter(|tag| **tag != *bound.account.name())
                }
            },
        }
    }

    /// What there is to remember of it.
    pub(super) fn closed(&self, reason: CloseReason) -> ClosedConnection {
        let state = self.state(Instant::now(), Extent::State);
        ClosedConnection {
            subscriptions: self.subscriptions.described_up_to(REMEMBERED_BYTES),
            stopped: state.opened + state.uptime,
            reason: reason.text(),
            state,
        }
    }
}

impl<S: Session> Handler<Describe> for Connection<S> {
    type Result = Description;

    fn handle(&mut self, Describe(extent): Describe, _: &mut Context<Self>) -> Description {
        Description {
            state: self.state(Instant::now(), extent),
            subscriptions: match extent {
                Extent::Figures | Extent::State => Vec::new(),
                Extent::Subscriptions => {
                    let name = self.account.as_ref().map_or("", |entered| entered.account.name());
                    let entered = (name.into(), self.subscriptions.all());
                    let others = self
                        .several
                        .iter()
                        .flat_map(|several| several.all_subscriptions());
                    [entered].into_iter().chain(others).collect()
                }
            },
        }
    }
}
