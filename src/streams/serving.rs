//! Which accounts have streams, and are answered what they ask of them: those that there are, and those that come or may have
//! others while the server runs.

use super::limit_of_consumers;
use crate::bootstrap::runtime;
use actix::{Actor, Addr, Arbiter, Context, Handler};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, mpsc};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use vagus_actors::in_process::{AccountDoor, Door, InProcessAddress};
use vagus_actors::jetstream::{JetStream, OpenedStreams, Starter};
use vagus_actors::{AccountNews, Accounts, RoutedAccount};
use vagus_configs::{Config, StreamOwners};
use vagus_delivery::Account;
use vagus_jetstream::account::Tiers;
use vagus_jetstream_api::{Assignment, Desk, Intake, QueueLimits, Refusal, Role, SystemDesk};
use vagus_routing::AccountId;
use vagus_routing::subject::overlap;

/// So many accounts are told from the start on that they may have no streams, whether anybody uses them or not.
const REFUSED_AT_THE_START: usize = 64;

/// The streams of a server that runs, and who sees to which accounts have some.
pub(super) struct Serving {
    pub(super) jetstream: Arc<JetStream>,
    waiting: Arc<Waiting>,
}

/// What has changed of accounts, and is not looked at yet: at most each of them once.
struct Waiting {
    news: Mutex<News>,
    more: Notify,
}

#[derive(Default)]
struct News {
    /// Accounts may have other things than before.
    owners: Option<StreamOwners>,
    used: HashMap<AccountId, RoutedAccount>,
    gone: Vec<RoutedAccount>,
    /// No account is to have any more; dropped when that is so.
    end: Option<mpsc::Sender<()>>,
}

/// Hears of accounts.
struct Ear(Arc<Waiting>);

impl Actor for Ear {
    type Context = Context<Self>;
}

impl Handler<AccountNews> for Ear {
    type Result = ();

    fn handle(&mut self, news: AccountNews, _: &mut Context<Self>) {
        let mut waiting = self.0.news.lock();
        match news {
            AccountNews::Used(used) => drop(waiting.used.insert(used.account.id(), used)),
            AccountNews::Gone(gone) => waiting.gone.push(gone),
        }
        self.0.more.notify_one();
    }
}

/// Has the streams of all accounts that may have some run, and what is asked of them answered; what comes back is closed
/// when that is so. Accounts that come later, or that may have other things, are seen to as they do.
pub(super) fn serve(
    opened: OpenedStreams,
    starters: Vec<Addr<Starter>>,
    (config, accounts): (&Config, &Arc<Accounts>),
    door: &Addr<Door>,
) -> (Serving, oneshot::Receiver<()>) {
    let jetstream = Arc::new(opened.run(starters));
    let owners = StreamOwners::of(config);
    let enabled = enabled(owners, accounts).into_iter();
    let waiting = Arc::new(Waiting {
        news: Mutex::new(News {
            owners: Some(owners),
            used: enabled.map(|account| (account.account.id(), account)).collect(),
            ..News::default()
        }),
        more: Notify::new(),
    });
    let (ready, is_ready) = oneshot::channel();
    let keeper = Keeper {
        jetstream: jetstream.clone(),
        accounts: accounts.clone(),
        waiting: waiting.clone(),
        door: AccountDoor::new(door.clone().recipient()),
        intakes: HashMap::new(),
        limits: queue_limits(config),
        system: None,
        system_desk: None,
        owners,
    };
    Arbiter::with_tokio_rt(runtime).spawn_fn(move || {
        actix::spawn(keeper.keep(ready));
    });
    (Serving { jetstream, waiting }, is_ready)
}

/// Where what is asked in an account is taken, until it is aborted.
struct Taking {
    assignment: Assignment,
    answers: bool,
    task: JoinHandle<()>,
}

impl Taking {
    fn assign(&mut self, role: Role) {
        self.answers = matches!(role, Role::Answers(_));
        self.assignment.assign(role);
    }
}

/// Sees to which accounts have streams, and that what is asked there is answered.
struct Keeper {
    jetstream: Arc<JetStream>,
    accounts: Arc<Accounts>,
    waiting: Arc<Waiting>,
    door: AccountDoor,
    /// Where what is asked is taken, in accounts that may have streams, and in others that are in use.
    intakes: HashMap<Arc<str>, Taking>,
    limits: QueueLimits,
    /// Who publishes in the system account, if there is one; and the desk there.
    system: Option<InProcessAddress>,
    system_desk: Option<JoinHandle<()>>,
    owners: StreamOwners,
}

impl Keeper {
    /// Sees to accounts until none is to have streams any more; `ready` is dropped when those that there are have theirs.
    async fn keep(mut self, ready: oneshot::Sender<()>) {
        let mut ready = Some(ready);
        let ear = Ear(self.waiting.clone()).start();
        self.accounts.observe(ear.recipient());
        self.enter_system_account().await;
        loop {
            let News {
                owners,
                used,
                gone,
                end,
            } = std::mem::take(&mut *self.waiting.news.lock());
            if let Some(end) = end {
                self.end().await;
                drop(end);
                Arbiter::current().stop();
                return;
            }
            let mut accounts: Vec<RoutedAccount> = used.into_values().collect();
            if let Some(owners) = owners {
                self.owners = owners;
                self.leave_to_importers();
                // Who may have none any more has some now.
                let having = self.jetstream.accounts().into_iter();
                accounts.extend(having.map(|account| account.routed().clone()));
                accounts.extend(enabled(self.owners, &self.accounts));
            }
            for account in accounts {
                self.see_to(account).await;
            }
            for gone in gone {
                self.forget(gone.account.name()).await;
            }
            if ready.is_some() {
                self.refuse_at_the_start().await;
            }
            drop(ready.take());
            self.waiting.more.notified().await;
        }
    }

    /// Has what is asked in the system account be answered: it has no streams.
    async fn enter_system_account(&mut self) {
        let Some(system) = self.accounts.directory().system() else {
            return;
        };
        let Some(in_process) = self.door.enter(system.name()).await else {
            return;
        };
        self.system = Some(in_process.clone());
        let desk = SystemDesk {
            jetstream: self.jetstream.clone(),
            in_process,
        };
        self.system_desk = Some(actix::spawn(desk.serve()));
    }

    /// Nothing is answered any more, and then there are no streams.
    async fn end(&mut self) {
        let intakes = self.intakes.drain().map(|(_, intake)| intake.task);
        intakes
            .chain(self.system_desk.take())
            .for_each(|task| task.abort());
        log::info!("Initiating JetStream Shutdown...");
        self.jetstream.leave().await;
        log::info!("JetStream Shutdown");
    }

    async fn see_to(&mut self, account: RoutedAccount) {
        let name = account.account.name();
        let definition = account.account.definition();
        let tiers = self.owners.tiers(name, definition.as_deref());
        match (tiers, self.jetstream.account(name)) {
            (Some(tiers), Some(there)) if there.routed().account.id() == account.account.id() => {
                there.set_tiers(tiers);
            }
            (Some(tiers), there) => {
                if there.is_some() {
                    // Another of that name has gone.
                    self.forget(name).await;
                }
                self.enable(account.clone(), tiers).await;
            }
            (None, there) => {
                // Who is told so finds that there are none any more.
                if there.is_some() {
                    self.jetstream.disable(name).await;
                }
                self.refuse(&account.account).await;
            }
        }
    }

    /// Who asks in an account that may have no streams is told so, unless it asks another account.
    async fn refuse(&mut self, account: &Arc<Account>) {
        let name = account.name();
        if self.imports_api(account) || self.accounts.directory().is_system(account) {
            if let Some(intake) = self.intakes.remove(name) {
                intake.task.abort();
            }
            return;
        }
        match self.intakes.get_mut(name) {
            Some(intake) if intake.answers => intake.assign(Role::Refuses),
            Some(_) => {}
            None => {
                // Nobody need wait for it.
                let _ = self.begin_to_take(account, Role::Refuses).await;
            }
        }
    }

    /// What is asked in an account is taken from now on; what comes back is told when it is.
    async fn begin_to_take(&mut self, account: &Arc<Account>, role: Role) -> Option<oneshot::Receiver<()>> {
        let intake = Intake {
            refusal: Refusal {
                account: account.clone(),
                in_process: self.door.enter(account.name()).await?,
                prefixes: self.jetstream.api_prefixes().to_vec(),
            },
            assignment: Assignment::default(),
        };
        let assignment = intake.assignment.clone();
        let (ready, is_ready) = oneshot::channel();
        let mut taking = Taking {
            assignment,
            answers: false,
            task: actix::spawn(intake.serve(ready)),
        };
        taking.assign(role);
        self.intakes.insert(account.name().into(), taking);
        Some(is_ready)
    }

    /// Where there are few accounts each of them is told from the start on; else those that are used, when they are.
    async fn refuse_at_the_start(&mut self) {
        let all = self.accounts.directory().all();
        if all.len() > REFUSED_AT_THE_START {
            return;
        }
        for account in all {
            if self.jetstream.account(account.name()).is_none() {
                self.refuse(&account).await;
            }
        }
    }

    /// Whether what is asked of streams in an account goes to another one.
    fn imports_api(&self, account: &Account) -> bool {
        let Some(definition) = account.definition() else {
            return false;
        };
        let prefixes = self.jetstream.api_prefixes().iter();
        let patterns: Vec<String> = prefixes.map(|prefix| format!("{prefix}>")).collect();
        definition.service_imports.iter().any(|import| {
            let local = import.local.as_deref().unwrap_or(&import.subject).as_bytes();
            patterns.iter().any(|pattern| overlap(local, pattern.as_bytes()))
        })
    }

    /// Accounts that ask another one from now on are no longer refused here.
    fn leave_to_importers(&mut self) {
        let refused = self.intakes.iter().filter(|(_, intake)| !intake.answers);
        let names: Vec<Arc<str>> = refused.map(|(name, _)| name.clone()).collect();
        for name in names {
            let account = self.accounts.directory().find(&name);
            if account.is_none_or(|account| self.imports_api(&account))
                && let Some(intake) = self.intakes.remove(&name)
            {
                intake.task.abort();
            }
        }
    }

    async fn enable(&mut self, routed: RoutedAccount, tiers: Tiers) {
        let account = routed.account.clone();
        let Some(in_process) = self.door.enter(account.name()).await else {
            return;
        };
        let role = Role::Answers(Box::new(Desk {
            account: self.jetstream.enable(routed, tiers).await,
            in_process,
            limits: self.limits,
            system: self.system.clone(),
        }));
        match self.intakes.get_mut(account.name()) {
            Some(intake) => intake.assign(role),
            None => {
                if let Some(is_ready) = self.begin_to_take(&account, role).await {
                    // One that never is is at the end of the server.
                    let _ = is_ready.await;
                }
            }
        }
    }

    /// An account is no more.
    async fn forget(&mut self, name: &str) {
        self.jetstream.disable(name).await;
        // Who is not answered any more finds no streams, either.
        if let Some(intake) = self.intakes.remove(name) {
            intake.task.abort();
        }
    }
}

/// How many requests may wait.
fn queue_limits(config: &Config) -> QueueLimits {
    let usual = vagus_configs::JetStream::default();
    let jetstream = config.jetstream.as_ref().unwrap_or(&usual);
    QueueLimits::new(jetstream.request_queue_limit, jetstream.info_queue_limit)
}

/// The accounts that may have streams.
fn enabled(owners: StreamOwners, accounts: &Accounts) -> Vec<RoutedAccount> {
    let all = accounts.directory().all();
    let enabled = all.iter().filter_map(|account| {
        owners.tiers(account.name(), account.definition().as_deref())?;
        accounts.get(account.id())
    });
    enabled.collect()
}

impl Serving {
    /// Has no account have streams any more; what comes back is closed when what they kept rests in its folder, which may be
    /// opened anew then.
    pub(super) fn end(self) -> mpsc::Receiver<()> {
        let (end, has_ended) = mpsc::channel();
        self.waiting.news.lock().end = Some(end);
        self.waiting.more.notify_one();
        has_ended
    }

    /// Has streams be as a new configuration says: at once where they have room, and soon where accounts begin to have some,
    /// or have none any more.
    pub(super) fn adopt(&self, config: &Config) {
        let owners = StreamOwners::of(config);
        if let Some(said) = &config.jetstream {
            let room = self.jetstream.room();
            self.jetstream.set_room(
                said.max_memory.unwrap_or(room.max_memory),
                said.max_file.unwrap_or(room.max_storage),
            );
            let consumers = limit_of_consumers(said.limits.default_max_consumers);
            self.jetstream.set_default_max_consumers(consumers);
        }
        for account in self.jetstream.accounts() {
            let there = &account.routed().account;
            if let Some(tiers) = owners.tiers(there.name(), there.definition().as_deref()) {
                account.set_tiers(tiers);
            }
        }
        self.waiting.news.lock().owners = Some(owners);
        self.waiting.more.notify_one();
    }
}
