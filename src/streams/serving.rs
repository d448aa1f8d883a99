//! Which accounts have streams, and are answered what they ask of them: those that there are, and those that come or may have
//! others while the server runs.

use super::limit_of_consumers;
use crate::bootstrap::runtime;
use actix::{Actor, Addr, Arbiter, Context, Handler};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use vagus_actors::in_process::{AccountDoor, Door};
use vagus_actors::jetstream::{JetStream, OpenedStreams, Starter};
use vagus_actors::{AccountNews, Accounts, RoutedAccount};
use vagus_configs::Config;
use vagus_jetstream::account::Tiers;
use vagus_jetstream_api::Desk;
use vagus_routing::AccountId;

/// The streams of a server that runs, and who sees to which accounts have some.
#[derive(Clone)]
pub(crate) struct Serving {
    pub(crate) jetstream: Arc<JetStream>,
    waiting: Arc<Waiting>,
}

/// What has changed of accounts, and is not looked at yet: at most each of them once.
struct Waiting {
    news: Mutex<News>,
    more: Notify,
}

#[derive(Default)]
struct News {
    config: Option<Box<Config>>,
    used: HashMap<AccountId, RoutedAccount>,
    gone: Vec<RoutedAccount>,
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

/// Has the streams of all accounts that may have some run, and what is asked of them answered; what comes back is ready
/// when that is so. Accounts that come later, or that may have other things, are seen to as they do. Call it on the thread
/// where accounts are.
pub(crate) fn serve(
    opened: OpenedStreams,
    starters: Vec<Addr<Starter>>,
    (config, accounts): (&Config, &Arc<Accounts>),
    door: &Addr<Door>,
) -> (Serving, oneshot::Receiver<()>) {
    let jetstream = Arc::new(opened.run(starters));
    let enabled = enabled(config, accounts).into_iter();
    let waiting = Arc::new(Waiting {
        news: Mutex::new(News {
            config: Some(Box::new(config.clone())),
            used: enabled.map(|account| (account.account.id(), account)).collect(),
            gone: Vec::new(),
        }),
        more: Notify::new(),
    });
    accounts.observe(Ear(waiting.clone()).start().recipient());
    let (ready, is_ready) = oneshot::channel();
    let keeper = Keeper {
        jetstream: jetstream.clone(),
        accounts: accounts.clone(),
        waiting: waiting.clone(),
        door: AccountDoor::new(door.clone().recipient()),
        desks: HashMap::new(),
        config: Box::new(config.clone()),
    };
    Arbiter::with_tokio_rt(runtime).spawn_fn(move || {
        actix::spawn(keeper.keep(ready));
    });
    (Serving { jetstream, waiting }, is_ready)
}

/// Sees to which accounts have streams, and that what is asked there is answered.
struct Keeper {
    jetstream: Arc<JetStream>,
    accounts: Arc<Accounts>,
    waiting: Arc<Waiting>,
    door: AccountDoor,
    /// The desks of accounts, which are gone when they are aborted.
    desks: HashMap<Arc<str>, JoinHandle<()>>,
    config: Box<Config>,
}

impl Keeper {
    async fn keep(mut self, ready: oneshot::Sender<()>) {
        let mut ready = Some(ready);
        loop {
            let News { config, used, gone } = std::mem::take(&mut *self.waiting.news.lock());
            let mut accounts: Vec<RoutedAccount> = used.into_values().collect();
            if let Some(config) = config {
                self.config = config;
                // Who may have none any more has some now.
                let having = self.jetstream.accounts().into_iter();
                accounts.extend(having.map(|account| account.routed().clone()));
                accounts.extend(enabled(&self.config, &self.accounts));
            }
            for account in accounts {
                self.see_to(account).await;
            }
            for gone in gone {
                self.disable(gone.account.name()).await;
            }
            // Nobody need wait for it.
            ready.take().map(|ready| ready.send(()));
            self.waiting.more.notified().await;
        }
    }

    async fn see_to(&mut self, account: RoutedAccount) {
        let name = account.account.name();
        let definition = account.account.definition();
        let tiers = self.config.streams_of(name, definition.as_deref());
        match (tiers, self.jetstream.account(name)) {
            (Some(tiers), Some(there)) if there.routed().account.id() == account.account.id() => {
                there.set_tiers(tiers);
            }
            (Some(tiers), there) => {
                if there.is_some() {
                    // Another of that name has gone.
                    self.disable(name).await;
                }
                self.enable(account.clone(), tiers).await;
            }
            (None, Some(_)) => self.disable(name).await,
            (None, None) => {}
        }
    }

    async fn enable(&mut self, account: RoutedAccount, tiers: Tiers) {
        let name: Arc<str> = account.account.name().into();
        let Some(in_process) = self.door.enter(&name).await else {
            return;
        };
        let account = self.jetstream.enable(account, tiers).await;
        let (answers, is_answered) = oneshot::channel();
        let desk = actix::spawn(Desk { account, in_process }.serve(answers));
        // One that does not is at the end of the server.
        let _ = is_answered.await;
        self.desks.insert(name, desk);
    }

    async fn disable(&mut self, name: &str) {
        self.jetstream.disable(name).await;
        // Who is not answered any more finds no streams, either.
        if let Some(desk) = self.desks.remove(name) {
            desk.abort();
        }
    }
}

/// The accounts that may have streams.
fn enabled(config: &Config, accounts: &Accounts) -> Vec<RoutedAccount> {
    let all = accounts.directory().all();
    let enabled = all.iter().filter_map(|account| {
        config.streams_of(account.name(), account.definition().as_deref())?;
        accounts.get(account.id())
    });
    enabled.collect()
}

impl Serving {
    /// Has streams be as a new configuration says: at once where they have room, and soon where accounts begin to have some,
    /// or have none any more.
    pub(crate) fn adopt(&self, config: &Config) {
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
            if let Some(tiers) = config.streams_of(there.name(), there.definition().as_deref()) {
                account.set_tiers(tiers);
            }
        }
        self.waiting.news.lock().config = Some(Box::new(config.clone()));
        self.waiting.more.notify_one();
    }
}
