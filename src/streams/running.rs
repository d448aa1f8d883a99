//! The streams of a server that runs: it begins to keep some, and ends to, as its configuration says.

use super::serving::{Serving, serve};
use super::starter;
use crate::bootstrap::on_arbiter;
use crate::server::StartError;
use actix::{Addr, System};
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use tokio::sync::oneshot;
use vagus_actors::connection::Surroundings;
use vagus_actors::in_process::Door;
use vagus_actors::jetstream::{JetStream, OpenedStreams, Starter};
use vagus_configs::Config;
use vagus_delivery::arbiter::Arbiters;
use vagus_monitoring::Broker;

/// Where streams are to run, and who has to know them.
pub(crate) struct Place {
    /// What the server is called.
    pub(crate) name: String,
    /// The number of the arbiter that carries them, and nothing else. It has a thread from the first of them on.
    pub(crate) number: usize,
    pub(crate) arbiters: Arc<Arbiters>,
    pub(crate) surroundings: Arc<Surroundings>,
    pub(crate) door: Addr<Door>,
    pub(crate) broker: Arc<Broker>,
}

/// The streams of a server, if it keeps some now.
#[derive(Clone)]
pub(crate) struct Streams(Arc<Inner>);

struct Inner {
    place: Place,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    starter: Option<Addr<Starter>>,
    serving: Option<Serving>,
    /// Closed when those that the server kept have left their folder.
    ending: Option<mpsc::Receiver<()>>,
}

impl Streams {
    /// Those of a server that keeps none yet.
    pub(crate) fn of(place: Place) -> Self {
        let now = Mutex::default();
        Self(Arc::new(Inner { place, now }))
    }

    /// Has streams run that were opened as the configuration says; what comes back is closed when what is asked of them is
    /// answered.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub(crate) fn begin(&self, opened: OpenedStreams, config: &Config) -> io::Result<oneshot::Receiver<()>> {
        let starter = self.starter()?;
        let Inner { place, now } = &*self.0;
        let accounts = &place.surroundings.accounts;
        let (serving, is_ready) = serve(opened, vec![starter], (config, accounts), &place.door);
        place.broker.jetstream.set(Some(serving.jetstream.clone()));
        now.lock().serving = Some(serving);
        Ok(is_ready)
    }

    /// The same while the server runs: waits until what is asked is answered. Not to be called on the first arbiter.
    ///
    /// # Errors
    /// See there.
    pub(crate) fn begin_now(&self, opened: OpenedStreams, config: &Config) -> io::Result<()> {
        let is_ready = self.begin(opened, config)?;
        let (told, is_told) = mpsc::channel::<()>();
        System::current().arbiter().spawn(async move {
            // It is closed, and nothing comes.
            let _ = is_ready.await;
            drop(told);
        });
        let _ = is_told.recv();
        Ok(())
    }

    /// Opens the streams that a new configuration says, if the server keeps none and is to. Takes as long as there is
    /// something to read, or to write of those that it has just ended to keep.
    ///
    /// # Errors
    /// When they cannot be opened. Nothing has changed then.
    pub(crate) fn prepare(&self, new: &Config) -> Result<Option<OpenedStreams>, StartError> {
        if new.jetstream.is_none() || self.0.now.lock().serving.is_some() {
            return Ok(None);
        }
        self.wait_for_end();
        self.starter()?;
        super::open(new, &self.0.place.name)
    }

    /// Who starts streams, on their arbiter.
    fn starter(&self) -> io::Result<Addr<Starter>> {
        let Inner { place, now } = &*self.0;
        let mut now = now.lock();
        let starter = match now.starter.take() {
            Some(starter) => starter,
            None => on_arbiter(place.number, &place.arbiters, &place.surroundings, starter)?,
        };
        Ok(now.starter.insert(starter).clone())
    }

    /// Has streams be as a new configuration says; it ends to keep some where that says so.
    pub(crate) fn adopt(&self, config: &Config) {
        let mut now = self.0.now.lock();
        match &now.serving {
            Some(serving) if config.jetstream.is_some() => serving.adopt(config),
            Some(_) => {
                self.0.place.broker.jetstream.set(None);
                now.ending = now.serving.take().map(Serving::end);
            }
            None => {}
        }
    }

    /// The streams that there are now, for the end of the server: none are begun any more.
    pub(crate) fn take(&self) -> Option<Arc<JetStream>> {
        let serving = self.0.now.lock().serving.take();
        serving.map(|serving| serving.jetstream)
    }

    /// Waits until streams that the server has ended to keep have left their folder.
    pub(crate) fn wait_for_end(&self) {
        let ending = self.0.now.lock().ending.take();
        // It is closed, and nothing comes.
        let _ = ending.map(|ending| ending.recv());
    }
}
