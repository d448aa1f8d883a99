//! Who tells the one thread that shows everything what happens: the keyboard, the server, the resolver of names,
//! signals.

use super::sample::{Sample, Wanted};
use super::servers::Servers;
use dns_lookup::lookup_addr;
use ratatui::crossterm::event::{self, KeyEvent};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::net::IpAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How many events may wait to be shown.
const WAITING: usize = 64;

/// How many addresses may wait for their names.
const NAMELESS: usize = 1024;

/// Something happened.
#[derive(Debug)]
pub(super) enum Event {
    Key(KeyEvent),
    /// Nothing can be typed any more.
    NoKeyboard(io::Error),
    /// The terminal has another size.
    Resized,
    /// A look at the server of this number.
    Seen(usize, Box<Sample>),
    /// There was none, and why.
    Failed(usize, String),
    /// An address, and its name; none if it has none.
    Named(String, String),
    /// A signal says so, or one of those who tell has ended.
    End,
}

/// Tells of the end also when its thread panics.
struct Teller(SyncSender<Event>);

impl Teller {
    /// False when nobody listens any more.
    fn tell(&self, event: Event) -> bool {
        self.0.send(event).is_ok()
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        // Nobody listens: it is over anyway.
        let _ = self.0.send(Event::End);
    }
}

/// The way to those who tell.
pub(super) struct Sources {
    events: Receiver<Event>,
    wanted: Arc<Mutex<Wanted>>,
    look_now: SyncSender<()>,
    addresses: SyncSender<String>,
}

impl Sources {
    /// Starts them all.
    pub(super) fn start(servers: Servers, wanted: Wanted, delay: Duration) -> io::Result<Self> {
        let (send, events) = sync_channel(WAITING);
        let (look_now, now) = sync_channel(1);
        let (addresses, nameless) = sync_channel(NAMELESS);
        let wanted = Arc::new(Mutex::new(wanted));
        let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGQUIT])?;
        let teller = || Teller(send.clone());
        let (signalled, typed, seen, named) = (teller(), teller(), teller(), teller());
        spawn("signals", move || {
            if signals.forever().next().is_some() {
                signalled.tell(Event::End);
            }
        })?;
        spawn("keyboard", move || read_keyboard(&typed))?;
        let current = wanted.clone();
        spawn("looks", move || watch(&servers, &current, delay, &now, &seen))?;
        spawn("names", move || resolve(&nameless, &named))?;
        Ok(Self {
            events,
            wanted,
            look_now,
            addresses,
        })
    }

    /// Waits for what happens next; None when nobody is left to tell.
    pub(super) fn next(&self) -> Option<Event> {
        self.events.recv().ok()
    }

    /// Looks anew, at this.
    pub(super) fn look(&self, wanted: Wanted) {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = wanted;
        // If one is asked for already, it will see what is wanted now.
        let _ = self.look_now.try_send(());
    }

    /// Asks for the name of an address; false if too many wait.
    pub(super) fn name(&self, address: String) -> bool {
        !matches!(self.addresses.try_send(address), Err(TrySendError::Full(_)))
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

fn read_keyboard(typed: &Teller) {
    loop {
        let event = match event::read() {
            Ok(event::Event::Key(key)) => Event::Key(key),
            Ok(event::Event::Resize(..)) => Event::Resized,
            Ok(_) => continue,
            Err(error) => {
                typed.tell(Event::NoKeyboard(error));
                return;
            }
        };
        if !typed.tell(event) {
            return;
        }
    }
}

fn watch(servers: &Servers, wanted: &Mutex<Wanted>, delay: Duration, now: &Receiver<()>, seen: &Teller) {
    loop {
        let wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let event = match servers.look(&wanted) {
            Ok(sample) => Event::Seen(wanted.server, Box::new(sample)),
            Err(error) => Event::Failed(wanted.server, error.to_string()),
        };
        if !seen.tell(event) || now.recv_timeout(delay) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

fn resolve(nameless: &Receiver<String>, named: &Teller) {
    for address in nameless {
        let name = name_of(&address);
        if !named.tell(Event::Named(address, name)) {
            return;
        }
    }
}

/// The name of an address; nothing if it has none.
pub(super) fn name_of(address: &str) -> String {
    let name = address
        .parse::<IpAddr>()
        .ok()
        .and_then(|ip| lookup_addr(&ip).ok());
    name.unwrap_or_default()
}
