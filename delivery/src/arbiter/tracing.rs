//! Messages that are traced: somebody is told of each subscription that one comes to, and what is made of that is
//! delivered behind it.
//!
//! A traced message goes a way of its own, on which each subscription is asked, as on that of a [`Spread`]: as much as
//! the turn allows is done at once, and the rest in further turns, before anything else of the publisher. In the same
//! way the subscriptions that it is denied to are looked for, and the event is made.
//!
//! [`Spread`]: super::spread::Spread

mod delivering;
mod event;
mod telling;

pub use event::{DescribesServer, EventTrace, TraceTerms};

use super::resolving::Resolving;
use super::served::Served;
use super::staging::Staging;
use super::with_care::{ConnectionFanout, Content};
use crate::account::{Account, RequestWay};
use delivering::Delivering;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use telling::{Telling, WORK_OF_TELLING};
use vagus_protocol::message_trace::{Egress, ServiceImport, StreamExport};
use vagus_protocol::operation::Publish;
use vagus_routing::Origin;

/// What a piece of making an event is.
const WORK_OF_A_PIECE: usize = 4_096;

/// Is told where a message goes, and makes an event of it.
pub trait Trace: fmt::Debug {
    /// Whether the message is delivered to nobody: it is only told what it would reach. It goes on to other servers all the
    /// same, which do as this one.
    fn is_without_delivery(&self) -> bool;

    /// Where its event goes.
    fn destination(&self) -> &[u8];

    /// The message comes to a subscription of an account that imports it: what is told next is its egress, if the importing
    /// account is traced.
    fn add_stream_export(&mut self, export: &StreamExport<'_>);

    /// The message goes on into an account that exports a service.
    fn add_service_import(&mut self, import: &ServiceImport<'_>);

    /// The message is about to leave for one more server, by the hop of this name, which it says there.
    fn next_hop(&mut self) -> String;

    /// The message comes to one more subscription.
    fn add_egress(&mut self, egress: &Egress<'_>);

    /// Does a piece of what making the event takes, some 16 KiB of it; gives the event once it is made, and is not called
    /// again then.
    fn make_event(&mut self) -> Option<OwnMessage>;
}

/// A message of the server's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnMessage {
    /// What it is published on.
    pub subject: Box<[u8]>,
    /// The header block, from `NATS/1.0` to its empty line; empty where there is none.
    pub header: &'static [u8],
    /// The payload.
    pub payload: Vec<u8>,
}

/// A traced message on its way.
#[derive(Debug)]
pub struct Tracing {
    trace: Box<dyn Trace>,
    /// In which it was published.
    account: Arc<Account>,
    /// In which it is delivered now.
    here: Arc<Account>,
    origin: Origin,
    stage: Stage,
    /// Where it goes next.
    places: VecDeque<Place>,
    taken: bool,
}

/// A traced message in one account.
#[derive(Debug)]
pub(super) struct Place {
    /// How it has come there, if from another.
    imported: Option<Imported>,
    /// None if it is not told of there.
    delivering: Option<(Arc<Account>, Origin, Delivering)>,
}

/// That a message has come from another account.
#[derive(Debug)]
pub(super) struct Imported {
    account: Arc<Account>,
    from: Box<[u8]>,
    to: Box<[u8]>,
}

impl Imported {
    /// By this way, on which it becomes one on the subject `to`.
    pub(super) fn by(route: &RequestWay, message: &Publish<'_>, to: &[u8]) -> Self {
        Self {
            account: route.exporter().clone(),
            from: message.subject.into(),
            to: to.into(),
        }
    }
}

impl Place {
    /// One in which a message goes by this fan-out, to these of its queue groups.
    pub(super) fn of(
        account: Arc<Account>,
        origin: Origin,
        (fanout, served): (Arc<ConnectionFanout>, Served),
        content: &Content<'_>,
    ) -> Self {
        let delivering = Delivering::new(&account, fanout, served, content);
        Self {
            imported: None,
            delivering: Some((account, origin, delivering)),
        }
    }

    /// The same, of a message that has come there from another account.
    pub(super) fn imported(self, imported: Imported) -> Self {
        Self {
            imported: Some(imported),
            ..self
        }
    }

    /// One in which it is not traced.
    pub(super) fn untraced(imported: Imported) -> Self {
        Self {
            imported: Some(imported),
            delivering: None,
        }
    }
}

#[derive(Debug)]
enum Stage {
    /// It goes to what its fan-out names.
    Delivering(Box<Delivering>),
    /// The subscriptions that its subject is denied to are looked for, as no fan-out names them.
    FindingDenied(Finding),
    /// It is told of these, from the last to the first.
    TellingOfDenied(Finding),
    MakingEvent,
}

#[derive(Debug)]
struct Finding {
    subject: Box<[u8]>,
    resolving: Resolving,
}

impl Tracing {
    /// Of a message that is published here, and goes to others from there.
    pub(super) fn new(
        trace: Box<dyn Trace>,
        account: Arc<Account>,
        place: Place,
        others: Vec<Place>,
    ) -> Self {
        let mut tracing = Self::of_refused(trace, account);
        tracing.places = others.into();
        tracing.begin(place);
        tracing
    }

    /// Of a message that goes nowhere.
    pub(super) fn of_refused(trace: Box<dyn Trace>, account: Arc<Account>) -> Self {
        Self {
            trace,
            origin: Origin::server(account.id()),
            here: account.clone(),
            account,
            stage: Stage::MakingEvent,
            places: VecDeque::new(),
            taken: false,
        }
    }

    /// The message has come to one more account.
    fn begin(&mut self, place: Place) {
        if let Some(Imported { account, from, to }) = &place.imported {
            self.trace.add_service_import(&ServiceImport {
                account: account.name(),
                from,
                to,
            });
        }
        if let Some((account, origin, delivering)) = place.delivering {
            (self.here, self.origin) = (account, origin);
            self.stage = Stage::Delivering(Box::new(delivering));
        }
    }

    /// The account in which the message was published, and the event is.
    pub(super) fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Whether somebody takes the message; true while that is not known.
    pub(super) fn is_taken(&self) -> bool {
        self.taken || matches!(self.stage, Stage::Delivering(_)) || !self.places.is_empty()
    }

    /// Goes on as far as the turn allows; gives the event once it is made.
    pub(super) fn proceed(
        &mut self,
        staging: &mut Staging,
        mut random: impl FnMut() -> u64,
    ) -> Option<OwnMessage> {
        while !staging.is_spent() {
            let here = self.here.clone();
            let (account, interest) = (here.id(), here.interest());
            let mut telling = Telling {
                trace: &mut *self.trace,
                origin: self.origin,
                account: match account == self.account.id() {
                    true => "",
                    false => here.name(),
                },
                staging,
            };
            match &mut self.stage {
                Stage::Delivering(delivering) => {
                    if delivering.proceed(&mut telling, &mut self.taken, &mut random) {
                        let subject = delivering.subject();
                        self.stage = Stage::FindingDenied(Finding {
                            subject: subject.into(),
                            resolving: Resolving::new(account, interest.version(subject)),
                        });
                    }
                }
                Stage::FindingDenied(Finding { subject, resolving }) => {
                    if !resolving.list(interest, subject, telling.staging) {
                        // One part a turn.
                        return None;
                    }
                    let resolving =
                        std::mem::replace(resolving, Resolving::new(account, resolving.version()));
                    let subject = std::mem::take(subject);
                    self.stage = Stage::TellingOfDenied(Finding { subject, resolving });
                }
                Stage::TellingOfDenied(Finding { subject, resolving }) => match resolving.pop_plain() {
                    Some(subscription) => {
                        telling.staging.charge(1);
                        if subscription.denies(subject) && !subscription.is_closed() {
                            telling.come_to(subject, &subscription, None);
                        }
                    }
                    None => self.stage = Stage::MakingEvent,
                },
                Stage::MakingEvent => {
                    if let Some(place) = self.places.pop_front() {
                        staging.charge(WORK_OF_TELLING);
                        self.begin(place);
                        continue;
                    }
                    staging.charge(WORK_OF_A_PIECE);
                    let event = self.trace.make_event();
                    if event.is_some() {
                        return event;
                    }
                }
            }
        }
        None
    }
}
