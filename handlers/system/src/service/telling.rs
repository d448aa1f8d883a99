//! What is told in the system account, and what that is about in others.

use super::SystemService;
use crate::answering::Answer;
use crate::asked::Asked;
use crate::{envelope, event_id, events};
use futures_util::future::join_all;
use std::collections::BTreeSet;
use std::time::Instant;
use vagus_actors::connection_events::{ConnectionEvent, is_refusal};
use vagus_actors::observed::ClosedConnection;
use vagus_configs::GLOBAL_ACCOUNT;
use vagus_delivery::{LatencyEvent, Moment};
use vagus_monitoring::{AccountTraffic, traffic_of};
use vagus_protocol::server_shown::ServerShown;
use vagus_protocol::service_latency::MeasuredElsewhere;
use vagus_protocol::system_subject;

/// How long it may be what another server tells of an answer, in bytes: it may have a token in it.
const MEASURED_AT_MOST: usize = 16 << 10;

impl SystemService {
    /// Another server tells how long a service took there: if the answer has come, who exports the service is told.
    pub(super) fn tell_measured_elsewhere(&self, asked: &Asked) {
        if asked.payload.len() > MEASURED_AT_MOST {
            return;
        }
        let Some((account, subject, measured)) = MeasuredElsewhere::parse(&asked.payload) else {
            return;
        };
        let Some(account) = self.accounts.find(&account) else {
            return;
        };
        let (id, now) = (event_id::next(), Moment::of(Instant::now()));
        let event = account.answers().measured_elsewhere(&subject, measured, &id, now);
        if let Some(LatencyEvent { subject, payload }) = event {
            self.asking.tell(account.id(), String::from(subject), payload);
        }
    }

    /// Tells something in the system account, if anybody there wants to know.
    async fn tell(&self, subject: String, write: impl FnOnce(ServerShown<'_>) -> Vec<u8>) {
        if self.is_wanted(&subject) {
            let payload = self.as_server(write);
            self.publish(subject.into(), None, payload).await;
        }
    }

    /// Tells of a connection; gives the account of which there is one more or one less.
    pub(super) async fn tell_of(&self, event: &ConnectionEvent, server_id: &str) -> Option<Box<str>> {
        match event {
            ConnectionEvent::Admitted(state) => {
                let account = state.account.as_deref().unwrap_or(GLOBAL_ACCOUNT);
                let write = |server: ServerShown<'_>| events::connect(state, account, server);
                self.tell(system_subject::connect(account), write).await;
                Some(account.into())
            }
            ConnectionEvent::CertificateRefused(refused) => {
                let [of_link, of_peer] = system_subject::refused_certificate(server_id);
                self.tell(of_link, |server| events::invalid_certificate(refused, server))
                    .await;
                self.tell(of_peer, |server| events::refused_peer(refused, server))
                    .await;
                None
            }
            ConnectionEvent::Ended { connection, reason } => {
                let account = connection.state.account.as_deref().unwrap_or(GLOBAL_ACCOUNT);
                let write = |server: ServerShown<'_>| events::disconnect(connection, account, server);
                if is_refusal(*reason) {
                    self.tell_account_of_refusal(connection);
                    let subject = system_subject::authentication_error(server_id);
                    self.tell(subject, write).await;
                }
                if connection.state.account.is_none() && connection.state.client.is_leaf_link {
                    return None;
                }
                self.tell(system_subject::disconnect(account), write).await;
                Some(account.into())
            }
        }
    }

    /// Tells the account that somebody would have been in that it was refused.
    fn tell_account_of_refusal(&self, connection: &ClosedConnection) {
        let account = self.accounts.find(connection.state.client.refused_in());
        let subject = system_subject::ACCOUNT_AUTHENTICATION_ERROR;
        if let Some(account) = account
            && account.interest().reaches_anybody(subject.as_bytes())
        {
            let payload = self.as_server(|server| events::refusal(connection, account.name(), server));
            self.asking.tell(account.id(), subject, payload);
        }
    }

    /// How many connections an account has, as an event; None if it is asked for and has none, or there is no such.
    pub(crate) fn connection_count(&self, name: &str) -> Option<Vec<u8>> {
        let traffic = self.traffic_of(name)?;
        (traffic.conns + traffic.leafnodes > 0).then(|| self.counted(&traffic))
    }

    fn traffic_of(&self, name: &str) -> Option<AccountTraffic> {
        let account = self.accounts.find(name)?;
        Some(traffic_of(&self.broker, &account))
    }

    fn counted(&self, traffic: &AccountTraffic) -> Vec<u8> {
        self.as_server(|server| events::connection_count(traffic, server))
    }

    /// The accounts that have connections.
    pub(super) fn used_accounts(&self) -> BTreeSet<Box<str>> {
        let all = self.accounts.all();
        let used = all.iter().filter(|account| account.connections() > 0);
        used.map(|account| account.name().into()).collect()
    }

    /// Tells how many connections these accounts have, by both names. Of the global one that is not told.
    pub(super) async fn tell_connection_counts(&self, accounts: BTreeSet<Box<str>>) {
        for account in accounts.iter().filter(|account| ***account != *GLOBAL_ACCOUNT) {
            let subjects = system_subject::connection_counts(account);
            if !subjects.iter().any(|subject| self.is_wanted(subject)) {
                continue;
            }
            let Some(traffic) = self.traffic_of(account) else {
                continue;
            };
            // Handed in at once: who gets both gets them together.
            let wanted = subjects.into_iter().filter(|subject| self.is_wanted(subject));
            join_all(wanted.map(|subject| self.publish(subject.into(), None, self.counted(&traffic)))).await;
        }
    }

    pub(super) async fn tell_statistics(&self, server_id: &str) {
        let subject = system_subject::of_server(server_id, "STATSZ");
        if self.is_wanted(&subject)
            && let Some(figures) = self.statistics().await
        {
            let payload = self.written(Answer::Statistics(figures));
            self.publish(subject.into(), None, payload).await;
        }
    }

    pub(super) async fn take_leave(&self, server_id: &str, what: &str) {
        let write = |server: ServerShown<'_>| {
            let mut out = Vec::new();
            envelope::append(&mut out, &server);
            out
        };
        self.tell(system_subject::of_server(server_id, what), write).await;
    }
}
