//! What is done between turns: counts are taken, and what is not used is freed.

use super::Delivery;
use crate::arbiter::counters::Traffic;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use vagus_routing::AccountId;

/// What one arbiter saw on a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusySubject {
    /// Whose subject it is.
    pub account: AccountId,
    /// What was published on.
    pub subject: Box<[u8]>,
    /// How many messages there were.
    pub messages: u64,
    /// Their headers and payloads, in bytes.
    pub payload: u64,
}

impl Delivery {
    /// The counts since the last call. `messages_out` counts what was handed over.
    pub(crate) fn take_traffic(&mut self) -> Traffic {
        self.peers.settle();
        let (messages, payload) = self.staging.take_handed_over();
        self.traffic.messages_out = messages;
        self.traffic.payload_out = payload;
        std::mem::take(&mut self.traffic)
    }

    /// The subjects with most messages since the last call, in no order.
    pub fn busiest_subjects(&mut self, at_most: usize) -> Vec<BusySubject> {
        let mut busiest: BinaryHeap<Reverse<(u64, u64, AccountId, Box<_>)>> = BinaryHeap::new();
        self.fanouts.drain_traffic(|account, subject, messages, payload| {
            if busiest.len() == at_most {
                if busiest
                    .peek()
                    .is_none_or(|Reverse((least, ..))| *least >= messages)
                {
                    return;
                }
                busiest.pop();
            }
            busiest.push(Reverse((messages, payload, account, Box::from(subject))));
        });
        busiest
            .into_iter()
            .map(|Reverse((messages, payload, account, subject))| BusySubject {
                account,
                subject,
                messages,
                payload,
            })
            .collect()
    }

    /// Between turns, now and then: frees what turns of late have not used.
    pub fn tidy(&mut self) {
        self.encoded = Vec::new();
        self.composed = Vec::new();
        self.peers.clear();
        self.staging.tidy();
        self.under_way.tidy();
    }
}
