//! Messages that are traced: somebody is told of each subscription that one comes to, and what is made of that is
//! delivered behind it.
//!
//! A traced message goes a way of its own, on which each subscription is asked, as on that of a [`Spread`]: as much as
//! the turn allows is done at once, and the rest in further turns, before anything else of the publisher. In the same
//! way the subscriptions that it is denied to are looked for, and the event is made.
//!
//! [`Spread`]: super::spread::Spread

use super::kept::KeptMessage;
use super::peers::Peers;
use super::resolving::Resolving;
use super::staging::Staging;
use super::with_care::{ConnectionFanout, Content, Start, claims_one, deliver_claimed, distance, has_room};
use crate::account::{Account, RequestWay};
use crate::outbox::{ConnectionSubscription, Outbox};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use vagus_protocol::message_trace::{Egress, ServiceImport, ShownKind, StreamExport, Undelivered};
use vagus_protocol::operation::Publish;
use vagus_routing::{ConnectionKind, Destination, Origin, Outlet, QueueTargets};

/// What telling of a subscription is, beside the copy.
pub(super) const WORK_OF_TELLING: usize = 32;

/// What a piece of making an event is.
const WORK_OF_A_PIECE: usize = 4_096;

/// Is told where a message goes, and makes an event of it.
pub trait Trace: fmt::Debug {
    /// Whether the message is delivered to nobody: it is only told what it would reach.
    fn is_without_delivery(&self) -> bool;

    /// The message comes to a subscription of an account that imports it: what is told next is its egress, if the importing
    /// account is traced.
    fn add_stream_export(&mut self, export: &StreamExport<'_>);

    /// The message goes on into an account that exports a service.
    fn add_service_import(&mut self, import: &ServiceImport<'_>);

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
    /// One in which a message goes by this fan-out. It is delivered to nobody without its content.
    pub(super) fn of(
        account: Arc<Account>,
        origin: Origin,
        imported: Option<Imported>,
        fanout: Arc<ConnectionFanout>,
        content: Option<&Content<'_>>,
    ) -> Self {
        let message = content.map(|content| {
            let mut text = Vec::new();
            let kept = KeptMessage::append(&mut text, content);
            (text, kept)
        });
        let mut peers = Peers::default();
        peers.begin(&account);
        let delivering = Delivering {
            fanout,
            message,
            peers,
            single: 0,
            class: 0,
            subscription: 0,
            queue: 0,
            peer: 0,
        };
        Self {
            imported,
            delivering: Some((account, origin, delivering)),
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
    Delivering(Delivering),
    /// The subscriptions that its subject is denied to are looked for, as no fan-out names them.
    FindingDenied(Finding),
    /// It is told of these, from the last to the first.
    TellingOfDenied(Finding),
    MakingEvent,
}

#[derive(Debug)]
struct Delivering {
    fanout: Arc<ConnectionFanout>,
    /// None if it is delivered to nobody.
    message: Option<(Vec<u8>, KeptMessage)>,
    peers: Peers,
    /// Where it goes on.
    single: usize,
    class: usize,
    subscription: usize,
    queue: usize,
    peer: usize,
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
            self.stage = Stage::Delivering(delivering);
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
                        let subject = delivering.fanout.subject();
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

impl Delivering {
    /// As far as the turn allows; true when everybody had it.
    fn proceed(
        &mut self,
        telling: &mut Telling<'_>,
        taken: &mut bool,
        mut random: impl FnMut() -> u64,
    ) -> bool {
        let fanout = self.fanout.clone();
        let content = self.message.as_ref().map(|(text, kept)| kept.content(text));
        let delivery = |start| content.as_ref().map(|content| (start, content));
        while let Some(target) = fanout.singles().get(self.single) {
            if telling.staging.is_spent() {
                return false;
            }
            self.single += 1;
            let start = Start::of(&fanout, target.prefix());
            *taken |= telling.come_to(fanout.subject(), &target.subscription, delivery(start));
        }
        while let Some(class) = fanout.shared().get(self.class) {
            let start = Start::of(&fanout, class.prefix());
            while let Some(subscription) = class.subscriptions.get(self.subscription) {
                if telling.staging.is_spent() {
                    return false;
                }
                self.subscription += 1;
                *taken |= telling.come_to(fanout.subject(), subscription, delivery(start));
            }
            self.class += 1;
            self.subscription = 0;
        }
        while let Some(queue) = fanout.queues().get(self.queue) {
            if telling.staging.is_spent() {
                return false;
            }
            self.queue += 1;
            let member = telling.come_to_one(&fanout, queue, random(), content.as_ref());
            let Some(member) = member else {
                continue;
            };
            *taken = true;
            if content.is_some() && member.destination().outlet() == Outlet::Peer {
                self.peers.pick(member);
            }
        }
        while let Some(peer) = fanout.peers().get(self.peer) {
            if telling.staging.is_spent() {
                return false;
            }
            self.peer += 1;
            *taken |= telling.come_to_peer(peer.destination());
        }
        content.is_none_or(|content| {
            let staging = &mut *telling.staging;
            let done = self.peers.proceed(staging, &fanout, &content, telling.origin);
            done.is_some()
        })
    }
}

/// What a message comes to subscriptions with.
struct Telling<'a> {
    trace: &'a mut dyn Trace,
    origin: Origin,
    /// The account that it is delivered in, if that is another than it was published in.
    account: &'a str,
    staging: &'a mut Staging,
}

impl Telling<'_> {
    /// Tells of a subscription, to which the message is delivered if it is delivered at all; false if that one does not
    /// take it.
    fn come_to(
        &mut self,
        subject: &[u8],
        subscription: &Arc<ConnectionSubscription>,
        delivery: Option<(Start<'_>, &Content<'_>)>,
    ) -> bool {
        let destination = subscription.destination();
        let is_publisher = self.origin.left_out() == Some(destination.connection_id());
        if !is_publisher && !self.origin.reaches(destination) {
            // It is another server that has the message without us.
            return false;
        }
        if let Some(account) = subscription.importer() {
            let renamed = subscription.renamed(subject);
            let to = renamed.as_deref().unwrap_or(subject);
            self.trace.add_stream_export(&StreamExport { account, to });
            self.staging.charge(WORK_OF_TELLING);
        }
        let error = if is_publisher {
            Some(Undelivered::NoEcho)
        } else if subscription.denies(subject) {
            Some(Undelivered::SubjectDenied)
        } else if subscription.is_closed() {
            Some(Undelivered::SubscriptionEnded)
        } else if delivery.is_none() {
            None
        } else if destination.is_closed() {
            Some(Undelivered::ConnectionEnded)
        } else if !has_room(destination, 1) {
            Some(Undelivered::NoRoom)
        } else if !claims_one(subscription) {
            Some(Undelivered::MaximumReached)
        } else {
            None
        };
        if let Some((start, content)) = delivery.filter(|_| error.is_none()) {
            // A peer gets one copy, when all queue groups have picked.
            if destination.outlet() != Outlet::Peer {
                deliver_claimed(self.staging, start, subscription, content);
            }
            self.staging.charge(1);
        }
        if subscription.allows_trace() {
            let queue = subscription.queue().unwrap_or_default();
            let account = subscription.importer().unwrap_or(self.account);
            self.tell(destination, account, (subscription.subject(), queue), error);
        }
        error.is_none()
    }

    /// Tells of those members of a queue group who are asked; gives the one that takes the message.
    fn come_to_one<'a>(
        &mut self,
        fanout: &'a ConnectionFanout,
        queue: &'a QueueTargets<Arc<Outbox>>,
        random: u64,
        content: Option<&Content<'_>>,
    ) -> Option<&'a Arc<ConnectionSubscription>> {
        let mut comes_to = |member: &'a Arc<ConnectionSubscription>| {
            self.staging.charge(1);
            let mut renamed = Vec::new();
            let start = Start::of_any_member(fanout, queue.prefix(), member, &mut renamed);
            let delivery = content.map(|content| (start, content));
            // Those who have left may still be drawn.
            !member.is_closed() && self.come_to(fanout.subject(), member, delivery)
        };
        // Those further off are asked only if none that is nearer takes it.
        let mut further = Vec::new();
        for member in queue.candidates(random) {
            match distance(member.destination()) {
                0 if comes_to(member) => return Some(member),
                0 => {}
                distance => further.push((distance, member)),
            }
        }
        further.sort_by_key(|(distance, _)| *distance);
        let mut further = further.into_iter().map(|(_, member)| member);
        further.find(|member| comes_to(member))
    }

    /// Tells of a peer, which stands for those of its subscriptions that match; false if it does not take the message.
    fn come_to_peer(&mut self, destination: &Outbox) -> bool {
        if !self.origin.reaches(destination) {
            return false;
        }
        let error = destination.is_closed().then_some(Undelivered::ConnectionEnded);
        self.tell(destination, "", (b"", b""), error);
        error.is_none()
    }

    fn tell(
        &mut self,
        destination: &Outbox,
        account: &str,
        (subject, queue): (&[u8], &[u8]),
        error: Option<Undelivered>,
    ) {
        let name = destination.name();
        self.trace.add_egress(&Egress {
            kind: shown(destination.kind()),
            connection: destination.connection_id(),
            name: name.as_deref().unwrap_or_default(),
            account,
            subscription: subject,
            queue,
            error,
        });
        self.staging.charge(WORK_OF_TELLING);
    }
}

fn shown(kind: ConnectionKind) -> ShownKind {
    match kind {
        ConnectionKind::Client => ShownKind::Client,
        ConnectionKind::Service => ShownKind::System,
        ConnectionKind::Stream => ShownKind::JetStream,
        ConnectionKind::Route => ShownKind::Router,
        ConnectionKind::Gateway => ShownKind::Gateway,
        ConnectionKind::LeafNode | ConnectionKind::Hub => ShownKind::LeafNode,
    }
}
