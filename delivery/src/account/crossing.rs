//! Ways from one account into another: what is published in one goes on in the other.
//!
//! A way stands in the index as a subscription does, so it costs nobody anything whose subjects do not match it. Where it
//! leads the account knows, by the number that the subscription has for its connection.

use super::Account;
use super::answers::AwaitedAnswers;
use super::expected_replies::ExpectedReplies;
use super::questions::Questions;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use vagus_accounts::{ImportedService, ResponseType, Terms};
use vagus_routing::ConnectionId;

/// A way into another account.
#[derive(Debug)]
pub enum Crossing {
    /// Of requests, from the account that imports a service into the one that exports it.
    Requests(RequestWay),
    /// Of answers, from the account that owes them into those that asked.
    Answers(AnswerWay),
}

/// Where requests go on.
#[derive(Debug)]
pub struct RequestWay {
    service: ImportedService,
    importer: Weak<Account>,
    importer_name: Box<str>,
    exporter: Arc<Account>,
    terms: Terms,
}

/// Where answers go on.
#[derive(Debug)]
pub struct AnswerWay {
    account: Weak<Account>,
}

impl RequestWay {
    /// From `importer` to `exporter`. Answers are waited for in a list of this number, which no other way has.
    pub fn new(service: ImportedService, importer: &Arc<Account>, exporter: Arc<Account>, list: u32) -> Self {
        let terms = service.terms();
        Self {
            terms: Terms {
                list,
                response_type: terms.response_type,
                threshold: terms.response_threshold,
            },
            importer: Arc::downgrade(importer),
            importer_name: importer.name().into(),
            exporter,
            service,
        }
    }

    /// What is imported.
    pub fn service(&self) -> &ImportedService {
        &self.service
    }

    /// The account that asks; None if there is none any more.
    pub(crate) fn importer(&self) -> Option<Arc<Account>> {
        self.importer.upgrade()
    }

    /// What the account is called that asks.
    pub(crate) fn importer_name(&self) -> &str {
        &self.importer_name
    }

    /// The account that is asked.
    pub fn exporter(&self) -> &Arc<Account> {
        &self.exporter
    }

    pub(crate) fn terms(&self) -> Terms {
        self.terms
    }

    /// How events of other servers are waited for: any number of them, beside the answers.
    pub(crate) fn terms_of_events(&self) -> Terms {
        /// Routers do not count as far.
        const OF_EVENTS: u32 = 1 << 31;
        Terms {
            list: self.terms.list | OF_EVENTS,
            response_type: ResponseType::Stream,
            ..self.terms
        }
    }

    /// Whether both lead to the same service, by whatever name it was imported.
    pub(crate) fn leads_where(&self, other: &Self) -> bool {
        self.exporter.id() == other.exporter.id()
            && self.service.terms().exported == other.service.terms().exported
    }
}

impl AnswerWay {
    /// From this account into those that ask it.
    pub fn new(account: &Arc<Account>) -> Self {
        Self {
            account: Arc::downgrade(account),
        }
    }

    /// The account that owes the answers; None if there is none any more.
    pub(crate) fn account(&self) -> Option<Arc<Account>> {
        self.account.upgrade()
    }
}

/// What an account shares with others, as far as messages have to know.
#[derive(Debug, Default)]
pub(super) struct Shared {
    ways: RwLock<HashMap<ConnectionId, Arc<Crossing>, RandomState>>,
    /// What it owes.
    answers: AwaitedAnswers,
    /// What is measured of what it has asked for.
    expected: ExpectedReplies,
    /// What is measured of what other servers ask here.
    questions: OnceLock<Box<Questions>>,
    /// The accounts that it imports streams from: its subscriptions stand in their indexes, too.
    stream_exporters: Mutex<Vec<Arc<Account>>>,
    imports: AtomicBool,
    expects_answers: AtomicBool,
    tells_of_clients: AtomicBool,
}

impl Account {
    /// What it owes to others.
    pub fn answers(&self) -> &AwaitedAnswers {
        &self.shared().answers
    }

    /// Which of the answers that it waits for are measured.
    pub(super) fn expected_replies(&self) -> &ExpectedReplies {
        &self.shared().expected
    }

    /// The same, if it has ever asked for anything.
    pub(super) fn expected_replies_if_any(&self) -> Option<&ExpectedReplies> {
        Some(&self.shared_if_any()?.expected)
    }

    /// From now on it is measured how long its services take to answer those who ask at other servers of the cluster; they are
    /// told in the system account.
    pub fn measure_for_others(&self, system: &Arc<Account>) {
        self.tell_of_clients();
        let begin = || Box::new(Questions::told_in(system.clone()));
        self.shared().questions.get_or_init(begin);
    }

    /// What is measured for other servers, if anything is.
    #[inline]
    pub(crate) fn questions(&self) -> Option<&Questions> {
        self.shared_if_any()?
            .questions
            .get()
            .map(|questions| &**questions)
    }

    /// A way of this number leads somewhere.
    pub fn add_crossing(&self, number: ConnectionId, crossing: Crossing) {
        self.shared().ways.write().insert(number, Arc::new(crossing));
    }

    /// The way of this number leads nowhere any more.
    pub fn remove_crossing(&self, number: ConnectionId) {
        self.shared().ways.write().remove(&number);
    }

    /// How many ways there are, each of which has a subscription of its own.
    pub fn crossings(&self) -> usize {
        self.shared_if_any().map_or(0, |shared| shared.ways.read().len())
    }

    /// Where the way of this number leads.
    pub(crate) fn crossing(&self, number: ConnectionId) -> Option<Arc<Crossing>> {
        self.shared_if_any()?.ways.read().get(&number).cloned()
    }

    /// From now on it imports streams from these, and from no others.
    pub fn set_stream_exporters(&self, exporters: Vec<Arc<Account>>) {
        let own = self.id();
        debug_assert!(exporters.iter().all(|exporter| exporter.id() != own));
        let before = std::mem::replace(&mut *self.shared().stream_exporters.lock(), exporters);
        drop(before);
    }

    /// Says whether it imports anything; gives whether it did before.
    pub fn set_imports(&self, imports: bool) -> bool {
        match self.shared_if_any() {
            None if !imports => false,
            _ => self.shared().imports.swap(imports, Ordering::Relaxed),
        }
    }

    /// From now on others are told of its clients, when they ask or answer.
    pub fn tell_of_clients(&self) {
        self.shared().tells_of_clients.store(true, Ordering::Relaxed);
    }

    /// Whether others are told of its clients.
    #[inline]
    pub fn tells_of_clients(&self) -> bool {
        self.shared_if_any()
            .is_some_and(|shared| shared.tells_of_clients.load(Ordering::Relaxed))
    }

    /// From now on answers are awaited in it; true if they were before.
    pub fn expects_answers(&self) -> bool {
        self.shared().expects_answers.swap(true, Ordering::Relaxed)
    }

    /// Says that whatever is delivered to its subscriptions may have changed, also of what comes from other accounts.
    pub fn all_may_have_changed(&self) {
        self.interest().versions().bump_all();
        if let Some(shared) = self.shared_if_any() {
            for exporter in &*shared.stream_exporters.lock() {
                exporter.interest().versions().bump_all();
            }
        }
    }
}
