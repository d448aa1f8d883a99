//! The links that a server has to leaf nodes and hubs, as sessions on all arbiters decide by them: a short lock for each step
//! in the life of a link.

use super::remote::Remote;
use bytes::Bytes;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Instant;
use vagus_delivery::Moment;
use vagus_delivery::outbox::Outbox;
use vagus_protocol::error::CloseReason;
use vagus_protocol::leaf::LOOP_DETECTION_PREFIX;
use vagus_routing::ConnectionId;

/// Letters and digits of the subject that an account finds loops by.
const LOOP_DETECTION_LENGTH: usize = 22;

/// All links of a server.
#[derive(Debug, Default)]
pub struct Links {
    links: Mutex<HashMap<ConnectionId, Link, RandomState>>,
    /// The subjects that loops are found by, by account.
    loop_subjects: Mutex<HashMap<Box<str>, Arc<str>, RandomState>>,
}

/// Who is at the other end of a link that is about to be one.
#[derive(Debug, Clone)]
pub struct LinkCandidate {
    /// The connection.
    pub connection: ConnectionId,
    /// The name of the server.
    pub server: String,
    /// The name of its cluster; perhaps nothing.
    pub cluster: String,
    /// The account here.
    pub account: String,
    /// The account there, as far as it has said.
    pub remote_account: String,
    /// The hub that it is, if this server has dialled it.
    pub remote: Option<Arc<Remote>>,
}

#[derive(Debug)]
struct Link {
    candidate: LinkCandidate,
    voice: Arc<Outbox>,
}

impl Link {
    /// Whether it has been replaced by a newer one: the leaf node has connected anew before its end was noticed here, or is
    /// misconfigured so that it connects twice.
    fn is_replaced_by(&self, other: &LinkCandidate) -> bool {
        let known = &self.candidate;
        known.remote.is_none()
            && other.remote.is_none()
            && !other.server.is_empty()
            && !other.remote_account.is_empty()
            && (
                &known.server,
                &known.cluster,
                &known.account,
                &known.remote_account,
            ) == (
                &other.server,
                &other.cluster,
                &other.account,
                &other.remote_account,
            )
    }
}

/// A link that there is. Dropped, it has ended.
#[derive(Debug)]
pub struct JoinedLink {
    links: Arc<Links>,
    connection: ConnectionId,
    /// Whether another was replaced by it.
    pub has_replaced: bool,
}

impl Drop for JoinedLink {
    fn drop(&mut self) {
        self.links.links.lock().remove(&self.connection);
    }
}

impl Links {
    /// There is a link from now on. One that it replaces has to go, and is told so.
    pub fn join(self: &Arc<Self>, candidate: LinkCandidate, voice: Arc<Outbox>) -> JoinedLink {
        let connection = candidate.connection;
        let mut links = self.links.lock();
        let replaced = links.values().find(|link| link.is_replaced_by(&candidate));
        let has_replaced = replaced.is_some();
        if let Some(replaced) = replaced {
            let reason = CloseReason::DuplicateLeafNode;
            let line = format!("-ERR '{}'\r\n", reason.text());
            replaced.voice.say(Bytes::from(line), Moment::of(Instant::now()));
            replaced.voice.dismiss(reason);
        }
        links.insert(connection, Link { candidate, voice });
        drop(links);
        JoinedLink {
            links: self.clone(),
            connection,
            has_replaced,
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.links.lock().len()
    }

    /// Ends the link to a hub.
    pub(super) fn dismiss_remote(&self, remote: &Arc<Remote>, reason: CloseReason) {
        for link in self.links.lock().values() {
            if link
                .candidate
                .remote
                .as_ref()
                .is_some_and(|it| Arc::ptr_eq(it, remote))
            {
                link.voice.dismiss(reason);
            }
        }
    }

    /// The subject that is asked for on each link of an account: who is asked for it is in a loop.
    pub fn loop_subject(&self, account: &str) -> Arc<str> {
        let mut subjects = self.loop_subjects.lock();
        if let Some(subject) = subjects.get(account) {
            return subject.clone();
        }
        let letters = (0..LOOP_DETECTION_LENGTH).map(|_| fastrand::alphanumeric());
        let subject: String = LOOP_DETECTION_PREFIX.chars().chain(letters).collect();
        let subject = Arc::from(subject);
        subjects.insert(account.into(), Arc::clone(&subject));
        subject
    }
}
