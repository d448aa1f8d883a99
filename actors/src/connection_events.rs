//! What becomes of connections, for the one who tells the system account.
//!
//! A connection asks first whether anybody there wants to know. If not, that it comes and goes costs a few looks at the
//! index of that account, and nothing is written down.

use crate::observed::{ClosedConnection, ConnectionState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;
use vagus_configs::GLOBAL_ACCOUNT;
use vagus_delivery::{Account, AccountDirectory};
use vagus_protocol::error::CloseReason;
use vagus_protocol::system_subject;
use vagus_tls::ocsp::ShownCertificate;

/// How many wait to be told of; what comes beyond that is counted, and not told.
const WAITING_AT_MOST: usize = 4_096;

/// What has become of a connection.
#[derive(Debug, Clone)]
pub enum ConnectionEvent {
    /// It has said who it is, and is in.
    Admitted(Box<ConnectionState>),
    /// It is over.
    Ended {
        /// As it was at its end.
        connection: Arc<ClosedConnection>,
        /// Why.
        reason: CloseReason,
    },
    /// The certificate of somebody who connected was refused, for what its authority says.
    CertificateRefused(Box<RefusedCertificate>),
}

/// A certificate of which an authority says, or does not say, what speaks against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedCertificate {
    /// The certificate.
    pub link: ShownCertificate,
    /// That of the peer, in whose chain it is.
    pub peer: ShownCertificate,
    /// Why, as nats-server tells it.
    pub reason: String,
}

/// Where connections tell what becomes of them.
#[derive(Debug, Clone, Default)]
pub struct ConnectionEvents(Option<Arc<Wanted>>);

#[derive(Debug)]
struct Wanted {
    system: Arc<Account>,
    accounts: Arc<AccountDirectory>,
    server_id: Box<str>,
    told: mpsc::Sender<ConnectionEvent>,
    missed: AtomicU64,
}

/// Where it is heard what becomes of connections.
#[derive(Debug)]
pub struct ConnectionEventReceiver {
    told: mpsc::Receiver<ConnectionEvent>,
    wanted: Arc<Wanted>,
}

impl ConnectionEvents {
    /// For those who want to know in the system account, of the server with this id, and for those in these accounts who
    /// want to know what concerns their own.
    pub fn new(
        system: Arc<Account>,
        accounts: Arc<AccountDirectory>,
        server_id: &str,
    ) -> (Self, ConnectionEventReceiver) {
        let (told, receiver) = mpsc::channel(WAITING_AT_MOST);
        let wanted = Arc::new(Wanted {
            system,
            accounts,
            server_id: server_id.into(),
            told,
            missed: AtomicU64::new(0),
        });
        let receiver = ConnectionEventReceiver {
            told: receiver,
            wanted: wanted.clone(),
        };
        (Self(Some(wanted)), receiver)
    }

    /// A connection is in, in this account.
    pub(crate) fn admitted(&self, account: &str, state: impl FnOnce() -> ConnectionState) {
        let Some(wanted) = &self.0 else { return };
        if wanted.is(&system_subject::connect(account)) || wanted.is_count(account) {
            wanted.tell(ConnectionEvent::Admitted(Box::new(state())));
        }
    }

    /// The certificate of a peer was refused, for what its authority says.
    pub fn refused_certificate(&self, refused: impl FnOnce() -> RefusedCertificate) {
        let Some(wanted) = &self.0 else { return };
        let subjects = system_subject::refused_certificate(&wanted.server_id);
        if subjects.iter().any(|subject| wanted.is(subject)) {
            wanted.tell(ConnectionEvent::CertificateRefused(Box::new(refused())));
        }
    }

    /// A connection is over, of this account if it was in. As in nats-server, a client that was not counts as one of the
    /// global account, and a leaf node as one of none.
    pub(crate) fn ended(&self, connection: &Arc<ClosedConnection>, reason: CloseReason) {
        let Some(wanted) = &self.0 else { return };
        let is_of_nobody = connection.state.account.is_none() && connection.state.client.is_leaf_link;
        let account = connection.state.account.as_deref().unwrap_or(GLOBAL_ACCOUNT);
        let is_wanted = !is_of_nobody
            && (wanted.is(&system_subject::disconnect(account)) || wanted.is_count(account))
            || is_refusal(reason)
                && (wanted.is(&system_subject::authentication_error(&wanted.server_id))
                    || wanted.is_refusal_for(connection.state.client.refused_in()));
        if is_wanted {
            wanted.tell(ConnectionEvent::Ended {
                connection: connection.clone(),
                reason,
            });
        }
    }
}

/// Whether a connection that ended so was not let in for what it said it is.
pub fn is_refusal(reason: CloseReason) -> bool {
    matches!(
        reason,
        CloseReason::AuthenticationFailure | CloseReason::UntrustedProxy | CloseReason::ProxyRequired
    )
}

impl Wanted {
    /// Whether somebody in this account wants to know of logins that failed.
    fn is_refusal_for(&self, account: &str) -> bool {
        self.accounts.find(account).is_some_and(|account| {
            let subject = system_subject::ACCOUNT_AUTHENTICATION_ERROR;
            account.interest().reaches_anybody(subject.as_bytes())
        })
    }

    fn is(&self, subject: &str) -> bool {
        self.system.interest().reaches_anybody(subject.as_bytes())
    }

    /// Whether somebody wants to know how many connections the account has. Of the global one that is not told.
    fn is_count(&self, account: &str) -> bool {
        account != GLOBAL_ACCOUNT
            && system_subject::connection_counts(account)
                .iter()
                .any(|subject| self.is(subject))
    }

    fn tell(&self, event: ConnectionEvent) {
        if self.told.try_send(event).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl ConnectionEventReceiver {
    /// The next; None when nobody is left to tell anything.
    pub async fn next(&mut self) -> Option<ConnectionEvent> {
        self.told.recv().await
    }

    /// Whether there is another already.
    pub fn is_waiting(&self) -> bool {
        !self.told.is_empty()
    }

    /// How many were not told, as too many waited, since this was last asked.
    pub fn missed(&self) -> u64 {
        self.wanted.missed.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::{ConnectionEvent, ConnectionEventReceiver, ConnectionEvents, WAITING_AT_MOST};
    use crate::observed::{ClosedConnection, ConnectionState};
    use std::net::{Ipv4Addr, SocketAddr};
    use std::sync::Arc;
    use std::time::Instant;
    use vagus_delivery::arbiter::Arbiters;
    use vagus_delivery::outbox::{ConnectionSubscription, Outbox};
    use vagus_delivery::{Account, AccountDirectory};
    use vagus_protocol::error::CloseReason;
    use vagus_routing::AccountId;

    fn events(interest: &[&str], of_everybody: &[&str]) -> (ConnectionEvents, ConnectionEventReceiver) {
        let accounts = AccountDirectory::new(account("$G", of_everybody));
        ConnectionEvents::new(account("SYS", interest), Arc::new(accounts), "ID")
    }

    fn account(name: &str, interest: &[&str]) -> Arc<Account> {
        let arbiters = Arbiters::new(1);
        let outbox = Arc::new(Outbox::new(arbiters.slots.take(), 1, 0, 1000, None));
        let account = Account::new(AccountId(1), name);
        for subject in interest {
            let subscription = ConnectionSubscription::new(subject.as_bytes(), None, b"1", outbox.clone());
            assert!(account.interest().change().insert(Arc::new(subscription)));
        }
        Arc::new(account)
    }

    fn state(account: Option<&str>) -> ConnectionState {
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let mut state = ConnectionState::opening(7, peer, Instant::now());
        state.account = account.map(Into::into);
        state
    }

    fn ended(account: Option<&str>, reason: CloseReason) -> Arc<ClosedConnection> {
        Arc::new(ClosedConnection {
            subscriptions: Vec::new(),
            stopped: std::time::SystemTime::UNIX_EPOCH,
            reason: reason.text(),
            state: state(account),
        })
    }

    #[test]
    fn what_nobody_wants_to_know_is_not_even_looked_up() {
        let (events, mut receiver) = events(&["$SYS.ACCOUNT.B.CONNECT"], &[]);
        events.admitted("A", || panic!("nobody asked"));
        events.ended(
            &ended(Some("B"), CloseReason::ClientClosed),
            CloseReason::ClientClosed,
        );
        assert!(receiver.told.try_recv().is_err());
        ConnectionEvents::default().admitted("A", || panic!("nobody is there"));
    }

    #[test]
    fn each_interest_has_its_event() {
        let closed = CloseReason::ClientClosed;
        let refused = CloseReason::AuthenticationFailure;
        for (interest, account, reason, told) in [
            ("$SYS.ACCOUNT.*.DISCONNECT", Some("A"), closed, true),
            ("$SYS.ACCOUNT.$G.DISCONNECT", None, closed, true),
            ("$SYS.ACCOUNT.A.SERVER.CONNS", Some("A"), closed, true),
            ("$SYS.SERVER.ACCOUNT.A.CONNS", Some("A"), closed, true),
            ("$SYS.SERVER.ACCOUNT.*.CONNS", None, closed, false),
            ("$SYS.SERVER.ID.CLIENT.AUTH.ERR", None, refused, true),
            ("$SYS.SERVER.ID.CLIENT.AUTH.ERR", None, closed, false),
            ("$SYS.SERVER.OTHER.CLIENT.AUTH.ERR", None, refused, false),
            (
                "$SYS.SERVER.ID.CLIENT.AUTH.ERR",
                None,
                CloseReason::ProxyRequired,
                true,
            ),
        ] {
            let (events, mut receiver) = events(&[interest], &[]);
            events.ended(&ended(account, reason), reason);
            assert_eq!(receiver.told.try_recv().is_ok(), told, "{interest}");
        }
        let (events, mut receiver) = events(&[">"], &[]);
        events.admitted("A", || state(Some("A")));
        assert!(matches!(
            receiver.told.try_recv(),
            Ok(ConnectionEvent::Admitted(_))
        ));
    }

    #[test]
    fn who_is_refused_is_told_of_in_the_account_that_would_have_been_its_own() {
        let refused = CloseReason::AuthenticationFailure;
        for (interest, reason, told) in [
            ("$SYS.ACCOUNT.CLIENT.AUTH.ERR", refused, true),
            ("$SYS.ACCOUNT.CLIENT.AUTH.ERR", CloseReason::UntrustedProxy, true),
            ("$SYS.ACCOUNT.CLIENT.AUTH.ERR", CloseReason::ClientClosed, false),
            ("$SYS.ACCOUNT.CLIENT.AUTH", refused, false),
        ] {
            let (events, mut receiver) = events(&[], &[interest]);
            events.ended(&ended(None, reason), reason);
            assert_eq!(receiver.told.try_recv().is_ok(), told, "{interest}");
        }
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let (events, receiver) = events(&[">"], &[]);
        for _ in 0..WAITING_AT_MOST + 3 {
            events.admitted("A", || state(Some("A")));
        }
        assert_eq!((receiver.missed(), receiver.missed()), (3, 0));
    }
}
