//! The life of the part of the server that is asked.

mod telling;

use crate::answering::Answer;
use crate::asked::{Answered, Asked};
use crate::envelope;
use crate::filter::Filter;
use crate::statistics::Schedule;
use crate::topic::{self, Topic};
use crate::turns::Turns;
use actix::Addr;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;
use vagus_actors::asking::Asking;
use vagus_actors::connection_events::ConnectionEventReceiver;
use vagus_actors::in_process::{
    InProcessAddress, InProcessMessage, InProcessSubject, InProcessSubscription, SubscribeInProcess,
};
use vagus_actors::monitor::Monitor;
use vagus_delivery::mailbox::{Delivered, Messages};
use vagus_delivery::outbox::WhenFull;
use vagus_delivery::{Account, AccountDirectory};
use vagus_monitoring::Broker;
use vagus_protocol::content_encoding::{ContentEncoding, Encoder};
use vagus_protocol::server_shown::ServerShown;
use vagus_protocol::system_subject;

/// How many requests are answered at one time: one that takes long keeps few others waiting, and many who ask keep
/// nobody but each other.
const ANSWERED_AT_ONCE: usize = 4;

/// How many of these may be of accounts that ask about themselves.
const FOR_ACCOUNTS_AT_ONCE: usize = 2;

/// How many bytes of requests may wait. Beyond that there is nobody who answers.
const WAITING_AT_MOST: usize = 4 << 20;

/// How often it is told how many connections accounts have, though nothing has changed.
const COUNTS_AGAIN: Duration = Duration::from_secs(30);

/// How often it is said that more became of connections than could be told.
const MISSED_IS_SAID: Duration = Duration::from_secs(10);

/// A server, as its system account knows it.
#[derive(Debug)]
pub struct SystemService {
    /// Whom to ask about the server.
    pub broker: Arc<Broker>,
    /// Who knows the connections.
    pub monitor: Addr<Monitor>,
    /// Who publishes and subscribes in the system account.
    pub in_process: InProcessAddress,
    /// The system account.
    pub account: Arc<Account>,
    /// All accounts.
    pub accounts: Arc<AccountDirectory>,
    /// Who publishes in any of them.
    pub asking: Asking,
    /// How many answers and events the server has given of itself.
    pub answered: Arc<AtomicU64>,
}

/// Reaches a service that runs.
#[derive(Debug, Clone)]
pub struct SystemServiceHandle(mpsc::Sender<Farewell>);

/// What is told of the server's end.
#[derive(Debug)]
struct Farewell {
    what: &'static str,
    told: oneshot::Sender<()>,
}

/// What a service is told by way of its handle.
#[derive(Debug)]
pub struct Farewells(mpsc::Receiver<Farewell>);

impl SystemServiceHandle {
    /// Reaches the service that is [`run`] with the other one.
    pub fn new() -> (Self, Farewells) {
        let (tell, farewells) = mpsc::channel(1);
        (Self(tell), Farewells(farewells))
    }

    /// Tells who wants to know that the server is about to take leave of its clients. It is over when that is told.
    pub async fn tell_of_lame_duck(&self) {
        self.tell("LAMEDUCK").await;
    }

    /// Tells who wants to know that the server ends. It is over when that is told.
    pub async fn tell_of_shutdown(&self) {
        self.tell("SHUTDOWN").await;
    }

    async fn tell(&self, what: &'static str) {
        let (told, is_told) = oneshot::channel();
        // One that is gone has nobody to tell.
        if self.0.send(Farewell { what, told }).await.is_ok() {
            let _ = is_told.await;
        }
    }
}

/// Answers and tells, until the server ends: `ready` is told when that has begun. It is to run on a thread that carries no
/// messages.
pub async fn run(
    service: SystemService,
    mut events: ConnectionEventReceiver,
    Farewells(mut farewells): Farewells,
    ready: oneshot::Sender<()>,
) {
    let server_id = service.broker.settings.current().0.info.server_id.clone();
    let all = topic::subjects(&server_id);
    service
        .broker
        .own_subscriptions
        .store(all.len(), Ordering::Relaxed);
    let (of_everybody, of_system): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(_, topic)| topic.is_of_everybody());
    let Some((mut requests, topics)) = service.subscribe(of_system).await else {
        return;
    };
    let Some((mut accounts_requests, accounts_topics)) = service.subscribe(of_everybody).await else {
        return;
    };
    // Nobody need wait for it.
    let _ = ready.send(());
    let mut waiting = Messages::default();
    let mut turns = Turns::default();
    let mut for_accounts = 0;
    let mut answering = FuturesUnordered::new();
    let mut schedule = Schedule::new(Instant::now());
    let mut changed = BTreeSet::new();
    let mut counts_due = Instant::now() + COUNTS_AGAIN;
    let mut missed_said = Instant::now();
    loop {
        while answering.len() < ANSWERED_AT_ONCE {
            let of_account = (for_accounts < FOR_ACCOUNTS_AT_ONCE)
                .then(|| turns.next())
                .flatten();
            for_accounts += usize::from(of_account.is_some());
            let of_system = || waiting.by_ref().find_map(|message| Asked::of(&topics, &message));
            match of_account.or_else(of_system) {
                Some(asked) => answering.push(service.respond(asked)),
                None => break,
            }
        }
        let has_room = answering.len() < ANSWERED_AT_ONCE;
        tokio::select! {
            delivered = poll_fn(|task| requests.poll_next(task)), if has_room => match delivered {
                Delivered::Messages(messages) => waiting = messages,
                Delivered::Ended(_) => return,
            },
            // They are always taken, so that none of an account stands before those of others.
            delivered = poll_fn(|task| accounts_requests.poll_next(task)) => match delivered {
                Delivered::Messages(messages) => {
                    for asked in messages.filter_map(|message| Asked::of(&accounts_topics, &message)) {
                        if let (Some(account), true) = (topic::account_in(&asked.subject), asked.is_short()) {
                            turns.add(account, asked.copied());
                        }
                    }
                }
                Delivered::Ended(_) => return,
            },
            Some(answered) = answering.next() => {
                for_accounts -= usize::from(answered.topic.is_of_everybody());
                if answered.to_all {
                    schedule.asked(Instant::now());
                }
            },
            Some(event) = events.next() => {
                changed.extend(service.tell_of(&event, &server_id).await);
                // Of many who come at once it is told how many there are in the end.
                if !events.is_waiting() {
                    service.tell_connection_counts(std::mem::take(&mut changed)).await;
                }
            },
            () = sleep_until(counts_due.into()) => {
                counts_due = Instant::now() + COUNTS_AGAIN;
                service.tell_connection_counts(service.used_accounts()).await;
            },
            () = sleep_until(schedule.next().into()) => {
                if schedule.is_due(Instant::now()) {
                    service.tell_statistics(&server_id).await;
                }
                if missed_said.elapsed() >= MISSED_IS_SAID {
                    missed_said = Instant::now();
                    let missed = events.missed();
                    if missed > 0 {
                        log::warn!("{missed} connections came or went without their events: too many at once");
                    }
                }
            },
            Some(farewell) = farewells.recv() => {
                service.take_leave(&server_id, farewell.what).await;
                // Who asked may have gone.
                let _ = farewell.told.send(());
            },
        }
    }
}

impl SystemService {
    /// Subscribes to these, with a mailbox for all of them.
    async fn subscribe(&self, subjects: Vec<(String, Topic)>) -> Option<(InProcessSubscription, Vec<Topic>)> {
        let (subjects, topics): (Vec<String>, Vec<Topic>) = subjects.into_iter().unzip();
        let subjects = subjects.into_iter().map(|subject| InProcessSubject {
            subject: subject.into(),
            queue: None,
        });
        let subscribe = SubscribeInProcess {
            subjects: subjects.collect(),
            max_pending: WAITING_AT_MOST,
            when_full: WhenFull::Refuse,
        };
        Some((self.in_process.subscribe(subscribe).await?, topics))
    }

    /// Answers one request.
    async fn respond(&self, asked: Asked) -> Answered {
        let topic = asked.topic;
        let to_all = asked.reply.is_none() && topic == Topic::Statistics;
        let answered = Answered { topic, to_all };
        if topic == Topic::MeasuredElsewhere {
            self.tell_measured_elsewhere(&asked);
            return answered;
        }
        let (settings, _) = self.broker.settings.current();
        if topic != Topic::Identity && !Filter::of(&asked.payload).takes(&settings) {
            return Answered {
                to_all: false,
                ..answered
            };
        }
        let reply = match asked.reply {
            Some(reply) => reply,
            None if to_all => system_subject::of_server(&settings.info.server_id, "STATSZ").into(),
            None => return answered,
        };
        if let Some(answer) = self.answer(topic, &asked.subject, &asked.payload).await {
            // Figures are not compressed, and neither is what is no page.
            let encoding = match answer {
                Answer::Wrapped(_) => ContentEncoding::for_sender_of(&asked.header),
                Answer::Statistics(_) | Answer::Plain(_) => None,
            };
            self.publish(reply, encoding, self.written(answer)).await;
        }
        answered
    }

    fn written(&self, answer: Answer) -> Vec<u8> {
        match answer {
            Answer::Plain(text) => text,
            Answer::Wrapped(outcome) => self.as_server(|server| outcome.into_json(&server)),
            Answer::Statistics(figures) => self.as_server(|server| {
                let mut out = br#"{"server":"#.to_vec();
                envelope::append(&mut out, &server);
                out.extend_from_slice(br#","statsz":"#);
                out.extend_from_slice(&figures);
                out.push(b'}');
                out
            }),
        }
    }

    /// What is written as this server, which counts it.
    pub(crate) fn as_server<R>(&self, write: impl FnOnce(ServerShown<'_>) -> R) -> R {
        let (settings, _) = self.broker.settings.current();
        let time = Timestamp::now().to_string();
        let sequence = self.answered.fetch_add(1, Ordering::Relaxed) + 1;
        let called = (&*settings.config.tags, &settings.config.metadata);
        write(ServerShown::of(&settings.info, called, sequence, &time))
    }

    async fn publish(&self, subject: Bytes, encoding: Option<ContentEncoding>, payload: Vec<u8>) {
        let payload = match encoding {
            None | Some(ContentEncoding::Identity) => payload,
            Some(_) => {
                let mut encoder = Encoder::new(encoding);
                encoder.add(&payload);
                encoder.finish()
            }
        };
        let message = InProcessMessage {
            subject,
            reply: None,
            header: encoding.map(|encoding| Bytes::from_static(encoding.header())),
            payload: payload.into(),
            except: None,
        };
        // Where nobody takes it nobody wanted it any more.
        let _ = self.in_process.publish(message).await;
    }

    fn is_wanted(&self, subject: &str) -> bool {
        self.account.interest().reaches_anybody(subject.as_bytes())
    }
}
