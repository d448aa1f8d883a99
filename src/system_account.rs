//! Who tells and answers in the system account.

use crate::bootstrap::runtime;
use actix::{Addr, Arbiter};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::oneshot;
use vagus_actors::asking::Asking;
use vagus_actors::connection_events::{ConnectionEventReceiver, ConnectionEvents};
use vagus_actors::in_process::InProcess;
use vagus_actors::monitor::Monitor;
use vagus_actors::{Accounts, RoutedAccount};
use vagus_delivery::arbiter::LocalArbiter;
use vagus_monitoring::Broker;
use vagus_system::{Farewells, SystemService, SystemServiceHandle, run};

/// The system account, before there is anybody to ask about the server.
pub(crate) struct SystemAccount {
    accounts: Arc<Accounts>,
    account: RoutedAccount,
    events: ConnectionEventReceiver,
    handle: SystemServiceHandle,
    farewells: Farewells,
}

impl SystemAccount {
    /// That of these accounts, if there is one, and where connections tell what becomes of them.
    pub(crate) fn find(accounts: &Arc<Accounts>, server_id: &str) -> (ConnectionEvents, Option<Self>) {
        let system = accounts.directory().system();
        let Some(account) = system.and_then(|system| accounts.get(system.id())) else {
            return (ConnectionEvents::default(), None);
        };
        let (told, events) =
            ConnectionEvents::new(account.account.clone(), accounts.directory().clone(), server_id);
        let (handle, farewells) = SystemServiceHandle::new();
        let found = Self {
            accounts: accounts.clone(),
            account,
            events,
            handle,
            farewells,
        };
        (told, Some(found))
    }

    /// Reaches who tells there.
    pub(crate) fn handle(&self) -> SystemServiceHandle {
        self.handle.clone()
    }

    /// Has it told and answered there, on a thread of its own; what comes back is ready once it is. Call it on the thread of
    /// this arbiter, which publishes.
    pub(crate) fn serve(
        self,
        arbiter: LocalArbiter,
        broker: Arc<Broker>,
        monitor: Addr<Monitor>,
        asking: Asking,
        answered: Arc<AtomicU64>,
    ) -> oneshot::Receiver<()> {
        let service = SystemService {
            broker,
            monitor,
            account: self.account.account.clone(),
            in_process: InProcess::start(arbiter, self.account),
            accounts: self.accounts.directory().clone(),
            asking,
            answered,
        };
        let (events, farewells) = (self.events, self.farewells);
        let (ready, is_ready) = oneshot::channel();
        Arbiter::with_tokio_rt(runtime).spawn_fn(move || {
            actix::spawn(run(service, events, farewells, ready));
        });
        is_ready
    }
}
