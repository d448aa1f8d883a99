//! Accounts: connections share subjects with others of the same account alone, and with those that it says.

mod answers;
mod crossing;
mod expected_replies;
mod halves;
mod measured;
mod membership;
mod questions;
mod servers;

pub(crate) use answers::Asker;
pub use answers::{AwaitedAnswers, Ended};
pub use crossing::{AnswerWay, Crossing, RequestWay};
pub(crate) use halves::OtherHalf;
pub use measured::LatencyEvent;
pub(crate) use measured::{AnsweredBy, Measured};
pub use membership::{AccountTraffic, Exchanged, Membership, Passed};
pub(crate) use servers::{SentToServers, ServerTraffic};

use crate::interest::Interest;
use crate::outbox::Outbox;
use crossing::Shared;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use membership::Members;
use parking_lot::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use vagus_accounts::{AccountDefinition, AccountLimits, TraceDefinition};
use vagus_routing::{
    AccountId, ConnectionId, ConnectionKind, MappedDestination, Mapping, MappingError, Mappings,
};

/// One account, as far as messages are concerned: who is bound to it publishes to others that are, and to nobody else.
///
/// One without subscriptions takes less than a kilobyte of memory.
#[derive(Debug)]
pub struct Account {
    id: AccountId,
    name: Box<str>,
    interest: Interest,
    defined: RwLock<Defined>,
    members: Members,
    panics: AtomicU64,
    /// Most share nothing.
    shared: OnceLock<Box<Shared>>,
    /// What other servers have passed on and were sent, if any has or was.
    servers: OnceLock<Arc<ServerTraffic>>,
}

/// What an account is defined to be, and what follows for messages.
#[derive(Debug, Clone, Default)]
struct Defined {
    /// None until something is said of it.
    definition: Option<Arc<AccountDefinition>>,
    /// The name of the cluster that the server is in, if it is in one.
    cluster: Option<Arc<str>>,
    /// The domain of the streams that it has here, if it has any here and they are in one.
    domain: Option<Box<str>>,
    publishing: Publishing,
}

impl Defined {
    /// What becomes of messages has to be said anew. Mappings that cannot be are left out: who defines an account has seen to
    /// it that there are none.
    fn resettle(&mut self) {
        let definition = self.definition.as_deref();
        let cluster = self.cluster.as_deref();
        // An account's own come last, as they count more.
        let of_buckets = self.domain.iter().flat_map(|domain| mappings_of_buckets(domain));
        let own = definition.into_iter().flat_map(|definition| &definition.mappings);
        let own = own.map(|mapping| mapping.mapping(cluster));
        let mappings = Mappings::new(of_buckets.chain(own).filter_map(Result::ok));
        self.publishing = Publishing {
            mappings: (!mappings.is_empty()).then(|| Arc::new(mappings)),
            context_tracing: definition.and_then(|it| it.trace.clone()).map(Arc::new),
        };
    }
}

/// Who asks for streams by the name of their domain writes to buckets by it, too: clients put the API's prefix before `$KV.` and
/// `$OBJ.`, though these are no part of the API.
fn mappings_of_buckets(domain: &str) -> [Result<Mapping, MappingError>; 2] {
    ["$KV.>", "$OBJ.>"].map(|subject| {
        let source = format!("$JS.{domain}.API.{subject}");
        Mapping::new(&source, &[MappedDestination::only(subject)], None)
    })
}

/// What becomes of messages that clients publish in an account.
#[derive(Debug, Clone, Default)]
pub struct Publishing {
    /// The subjects that they go on on; None where none is mapped.
    pub mappings: Option<Arc<Mappings>>,
    /// How they are traced if they belong to a sampled trace of somebody else's (`traceparent`); None if they are not.
    pub context_tracing: Option<Arc<TraceDefinition>>,
}

impl Account {
    /// An account without subscriptions, of which nothing is said. No other of the server, whenever it is, has this id.
    pub fn new(id: AccountId, name: &str) -> Self {
        Self {
            id,
            name: name.into(),
            interest: Interest::new(id),
            defined: RwLock::default(),
            members: Members::default(),
            panics: AtomicU64::new(0),
            shared: OnceLock::new(),
            servers: OnceLock::new(),
        }
    }

    /// The number by which it is told from others.
    #[inline]
    pub fn id(&self) -> AccountId {
        self.id
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it shares with others, which it does from now on.
    fn shared(&self) -> &Shared {
        self.shared.get_or_init(Box::default)
    }

    /// What it shares with others, if it has ever shared anything.
    fn shared_if_any(&self) -> Option<&Shared> {
        self.shared.get().map(|shared| &**shared)
    }

    /// What people call it: its name, unless its definition says otherwise.
    pub fn name_tag(&self) -> Box<str> {
        let defined = self.defined.read();
        let tag = defined
            .definition
            .as_ref()
            .and_then(|definition| definition.name_tag.clone());
        tag.unwrap_or_else(|| self.name.clone())
    }

    /// Who wants what of what is published in it.
    #[inline]
    pub fn interest(&self) -> &Interest {
        &self.interest
    }

    /// How many connections are in it.
    pub fn connections(&self) -> usize {
        self.members.count()
    }

    /// How many of them are links to leaf nodes and hubs.
    pub fn leaf_nodes(&self) -> usize {
        self.members.leaf_nodes()
    }

    /// The numbers of the connections that are in it, in their order.
    pub fn connection_ids(&self) -> Vec<ConnectionId> {
        self.members.ids()
    }

    /// What has passed through it. Its connections are asked one by one: takes as long as there are many.
    pub fn traffic(&self) -> AccountTraffic {
        let mut traffic = self.members.traffic();
        if let Some(servers) = self.servers.get() {
            servers.add_to(&mut traffic);
        }
        traffic
    }

    /// What passes between its connections and those of other servers.
    fn servers(&self) -> &Arc<ServerTraffic> {
        self.servers.get_or_init(Arc::default)
    }

    /// So much has another server passed on, on a connection of this kind. For once a turn: links are counted as members.
    pub fn count_received(&self, kind: ConnectionKind, passed: Passed) {
        if passed != Passed::default() {
            self.servers().count_received(kind, passed);
        }
    }

    /// The outboxes of those who are in it.
    pub fn outboxes(&self) -> Vec<Arc<Outbox>> {
        self.members.outboxes()
    }

    /// How often it has begun anew because of a panic.
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// It begins anew because of a panic.
    pub fn count_panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    /// How much of everything there may be in it.
    fn limits(&self) -> AccountLimits {
        let defined = self.defined.read();
        defined
            .definition
            .as_ref()
            .map_or_else(AccountLimits::default, |definition| definition.limits)
    }

    /// What it is defined to be; None if nothing is said of it.
    pub fn definition(&self) -> Option<Arc<AccountDefinition>> {
        self.defined.read().definition.clone()
    }

    /// What becomes of messages that are published in it. Takes a lock: not for every message.
    pub fn publishing(&self) -> Publishing {
        self.defined.read().publishing.clone()
    }

    /// Those who are in it have to look anew at what it is, and whether they may stay.
    pub fn tell_of_change(&self) {
        for outbox in self.outboxes() {
            outbox.tell_settings_changed();
        }
    }

    /// From now on it is defined so. Who goes by how it was before has to be told.
    pub fn define(&self, definition: &Arc<AccountDefinition>) {
        let mut defined = self.defined.write();
        if defined.definition.as_ref() == Some(definition) {
            return;
        }
        defined.definition = Some(definition.clone());
        defined.resettle();
        drop(defined);
        self.members.hold_to(&definition.limits);
    }

    /// From now on the server is in the cluster of this name. True if messages go elsewhere for it, of which those who are in
    /// the account have to be told.
    pub fn set_cluster(&self, cluster: Option<&Arc<str>>) -> bool {
        let mut defined = self.defined.write();
        defined.cluster = cluster.cloned();
        let maps = (defined.definition.as_ref()).is_some_and(|definition| definition.maps_by_cluster());
        if maps {
            defined.resettle();
        }
        maps
    }

    /// From now on it has streams in this domain on this server, or none that are in one. Those who are in the account are told
    /// if messages go elsewhere for it.
    pub fn set_domain_of_streams(&self, domain: Option<&str>) {
        let mut defined = self.defined.write();
        let domain = domain.filter(|domain| !domain.is_empty());
        if defined.domain.as_deref() != domain {
            defined.domain = domain.map(Box::from);
            defined.resettle();
            drop(defined);
            self.tell_of_change();
        }
    }

    /// Whether the server is in a cluster.
    pub fn is_in_cluster(&self) -> bool {
        self.defined.read().cluster.is_some()
    }

    /// Nothing is said of it any more. Who goes by how it was defined has to be told.
    pub fn forget_definition(&self) {
        let mut defined = self.defined.write();
        defined.definition = None;
        defined.resettle();
    }
}

/// The accounts of a server by their names: those to which clients can belong.
#[derive(Debug)]
pub struct AccountDirectory {
    global: Arc<Account>,
    others: RwLock<HashMap<Box<str>, Arc<Account>, RandomState>>,
    system: OnceLock<Arc<Account>>,
}

impl AccountDirectory {
    /// One account, that of everybody who belongs to no other.
    pub fn new(global: Arc<Account>) -> Self {
        Self {
            global,
            others: RwLock::default(),
            system: OnceLock::new(),
        }
    }

    /// The account of everybody who belongs to no other.
    #[inline]
    pub fn global(&self) -> &Arc<Account> {
        &self.global
    }

    /// The account in which servers tell of themselves and are asked, if there is one. It is the same for a server's life.
    pub fn system(&self) -> Option<&Arc<Account>> {
        self.system.get()
    }

    /// Whether this is the system account.
    pub fn is_system(&self, account: &Account) -> bool {
        self.system().is_some_and(|system| system.id() == account.id())
    }

    /// The account of this name.
    pub fn find(&self, name: &str) -> Option<Arc<Account>> {
        if name == self.global.name() {
            return Some(self.global.clone());
        }
        self.others.read().get(name).cloned()
    }

    /// All accounts, in no order.
    pub fn all(&self) -> Vec<Arc<Account>> {
        let others = self.others.read();
        let mut all = Vec::with_capacity(others.len() + 1);
        all.push(self.global.clone());
        all.extend(others.values().cloned());
        all
    }

    /// From now on the account is found by its name.
    pub fn add(&self, account: Arc<Account>) {
        self.others.write().insert(account.name().into(), account);
    }

    /// The account is not found any more.
    pub fn remove(&self, name: &str) -> Option<Arc<Account>> {
        self.others.write().remove(name)
    }

    /// This one is the system account, unless there is another already.
    pub fn set_system(&self, account: Arc<Account>) {
        // The first holds.
        let _ = self.system.set(account);
    }
}

#[cfg(test)]
mod tests {
    use super::Account;
    use vagus_routing::AccountId;

    /// What a table of accounts has to hold for each, allocations apart, of which an idle one has none but its name, and
    /// the first page of its index.
    #[test]
    fn an_idle_account_is_small() {
        let account = Account::new(AccountId(1), "A");
        assert!(size_of::<Account>() <= 512, "{}", size_of::<Account>());
        assert!(account.interest().stats().wildcard_memory <= 512);
    }
}
