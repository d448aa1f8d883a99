//! A server is brought what is published.

use super::language::{Breach, OutwardLanguage, Parcel};
use super::link::Link;
use super::rotation::Rotation;
use super::subjects::TagMaker;
use super::supply::Supply;
use super::wire::Secure;
use super::{Counters, Means, Work};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::time::{sleep, sleep_until};
use vagus_auth::permission::{Filter, Subscribe};
use vagus_configs::OutwardSettings;
use vagus_delivery::mailbox::Messages;

/// A server is brought what is published.
pub struct Outward<L> {
    language: Arc<L>,
    settings: Arc<OutwardSettings>,
    secure: Mutex<Option<Arc<dyn Secure>>>,
}

impl<L: OutwardLanguage> Outward<L> {
    /// In a language.
    pub fn new(language: L, settings: OutwardSettings, secure: Option<Arc<dyn Secure>>) -> Self {
        Self {
            language: Arc::new(language),
            settings: Arc::new(settings),
            secure: Mutex::new(secure),
        }
    }
}

impl<L: OutwardLanguage> Work for Outward<L> {
    fn run(self: Arc<Self>, means: Means) -> LocalBoxFuture<'static, String> {
        async move {
            match Bringing::begin(&self, means).await {
                Ok(bringing) => bringing.go_on().await,
                Err(error) => error,
            }
        }
        .boxed_local()
    }

    fn secure(&self, secure: Option<Arc<dyn Secure>>) {
        *self.secure.lock() = secure;
    }

    fn secured(&self) -> Option<Arc<dyn Secure>> {
        self.secure.lock().clone()
    }
}

/// What is under way.
struct Bringing<L: OutwardLanguage> {
    outward: Arc<Outward<L>>,
    means: Means,
    supply: Supply,
    /// What is not to be brought of it.
    filter: Option<Filter>,
    tags: TagMaker,
    /// The rest of what has come.
    come: Messages,
    link: Option<Link<L::Session>>,
    rotation: Rotation,
}

/// Messages that were gathered.
struct Gathered<P> {
    parcel: P,
    messages: u64,
    bytes: u64,
    since: Instant,
    /// Where a stream hears that they have been brought.
    acknowledged_on: Vec<Bytes>,
}

impl<L: OutwardLanguage> Bringing<L> {
    async fn begin(outward: &Arc<Outward<L>>, means: Means) -> Result<Self, String> {
        let settings = &outward.settings;
        let queue = settings.queue.as_deref().map(str::as_bytes);
        let filter = match means.rights.may_subscribe(settings.subject.as_bytes(), queue) {
            Subscribe::Allowed => None,
            Subscribe::AllowedExcept(filter) => Some(filter),
            Subscribe::Denied => {
                return Err(format!(
                    "Permissions Violation for Subscription to {:?}",
                    settings.subject
                ));
            }
        };
        let supply = Supply::begin(&means, settings).await?;
        let servers = settings.servers.len();
        Ok(Self {
            rotation: Rotation::new(servers, settings.retry_wait, settings.retry_longest_wait),
            tags: TagMaker::new(&settings.subject, settings.tag.as_deref()),
            outward: outward.clone(),
            means,
            supply,
            filter,
            come: Messages::default(),
            link: None,
        })
    }

    async fn go_on(mut self) -> String {
        loop {
            match self.gather().await {
                Ok(gathered) => self.bring(gathered).await,
                Err(reason) => return reason,
            }
        }
    }

    /// Gathers messages until there are enough, or the first of them has waited long enough. Meanwhile it is noticed if the
    /// server goes.
    async fn gather(&mut self) -> Result<Gathered<L::Parcel>, String> {
        let mut gathered = Gathered {
            parcel: self.outward.language.parcel(),
            messages: 0,
            bytes: 0,
            since: Instant::now(),
            acknowledged_on: Vec::new(),
        };
        loop {
            self.take(&mut gathered)?;
            self.observe();
            if gathered.parcel.size() >= self.outward.settings.chunk_limit {
                return Ok(gathered);
            }
            let due = gathered.since + self.outward.settings.flush_interval;
            let is_empty = gathered.messages == 0;
            tokio::select! {
                come = self.supply.next() => {
                    self.come = come?;
                    if is_empty {
                        gathered.since = Instant::now();
                    }
                }
                () = sleep_until(due.into()), if !is_empty => return Ok(gathered),
                heard = hear(&mut self.link) => {
                    if heard.is_err() {
                        self.unlink();
                    }
                }
            }
        }
    }

    /// Takes of what has come as much as there is room for. Gives why nothing more will come, if that is so.
    fn take(&mut self, gathered: &mut Gathered<L::Parcel>) -> Result<(), String> {
        while gathered.parcel.size() < self.outward.settings.chunk_limit
            && let Some(message) = self.come.next()
        {
            let parts = message.parts();
            if !self.supply.is_message(&parts, &mut gathered.acknowledged_on)? {
                continue;
            }
            if self
                .filter
                .as_ref()
                .is_some_and(|filter| filter.denies(parts.subject))
            {
                continue;
            }
            gathered.parcel.add(&parts, self.tags.tag(parts.subject));
            gathered.messages += 1;
            gathered.bytes += parts.payload.len() as u64;
        }
        Ok(())
    }

    /// Brings it to one of the servers, however long that takes.
    async fn bring(&mut self, gathered: Gathered<L::Parcel>) {
        loop {
            let error = match self.try_to_bring(&gathered).await {
                Ok(()) => break,
                Err(error) => error,
            };
            self.failed(&error);
            let wait = self.rotation.failed();
            sleep(wait).await;
            Counters::count(&self.means.counters.retries);
            self.observe();
        }
        self.rotation.succeeded();
        let counters = &self.means.counters;
        Counters::add(&counters.messages_out, gathered.messages);
        Counters::add(&counters.bytes_out, gathered.bytes);
        counters.took(gathered.since.elapsed());
        self.supply.acknowledge(gathered.acknowledged_on).await;
    }

    async fn try_to_bring(&mut self, gathered: &Gathered<L::Parcel>) -> Result<(), Breach> {
        let settings = self.outward.settings.clone();
        let mut link = match self.link.take() {
            Some(link) => link,
            None => self.connect(&settings).await?,
        };
        match link.bring(&gathered.parcel, settings.ack_timeout).await {
            Ok(()) => {
                self.link = Some(link);
                Ok(())
            }
            Err(error) => {
                Counters::count(&self.means.counters.disconnects);
                Err(error)
            }
        }
    }

    async fn connect(&mut self, settings: &OutwardSettings) -> Result<Link<L::Session>, Breach> {
        let Some(server) = settings.servers.get(self.rotation.current()) else {
            return Err(Breach::of("there is no server"));
        };
        let session = self.outward.language.begin();
        let secure = self.outward.secured();
        let link = Link::connect(server, session, secure, settings.connect_timeout).await?;
        let counters = &self.means.counters;
        Counters::count(&counters.connects);
        counters.is_failing.store(false, Ordering::Relaxed);
        log::info!("Connector {:?}: connected to {server}", &*self.means.id);
        Ok(link)
    }

    /// What went wrong is counted, and told of where it is something else than before.
    fn failed(&self, error: &Breach) {
        let Means { id, counters, .. } = &self.means;
        let server = self.outward.settings.servers.get(self.rotation.current());
        let server = server.map(ToString::to_string).unwrap_or_default();
        let is_first = !counters.is_failing.swap(true, Ordering::Relaxed);
        if counters.fail(&format!("{server}: {error}")) || is_first {
            log::error!("Connector {:?}: {server} - {error}", &**id);
        }
    }

    /// The server has gone while there was nothing for it.
    fn unlink(&mut self) {
        self.link = None;
        Counters::count(&self.means.counters.disconnects);
        let server = self.outward.settings.servers.get(self.rotation.current());
        let server = server.map(ToString::to_string).unwrap_or_default();
        let id = &*self.means.id;
        log::info!("Connector {id:?}: {server} has closed the connection");
    }

    /// What waits, and what had to make room.
    fn observe(&mut self) {
        let Means { id, counters, .. } = &self.means;
        let pending = self.supply.pending() as u64;
        counters.pending.store(pending, Ordering::Relaxed);
        counters.lag.store(self.supply.lag(), Ordering::Relaxed);
        let new = self.supply.newly_lost();
        if new > 0 {
            Counters::add(&counters.dropped, new);
            log::warn!("Connector {:?}: {new} messages dropped, as too much waits", &**id);
        }
    }
}

/// Waits for what the server says; for ever where there is none.
async fn hear<S: super::language::OutwardSession>(link: &mut Option<Link<S>>) -> Result<(), Breach> {
    match link {
        Some(link) => link.hear().await,
        None => std::future::pending().await,
    }
}
