//! From one account into another: requests for imported services, and their answers.
//!
//! The publisher does it in its own turn: it publishes the message again, in the other account, on the subject and with the
//! reply that it has there. What that takes counts as work of the turn; what is too much for it is kept and goes behind
//! what is kept already. From there it may go on into a third.

use super::{Delivery, Parts};
use crate::account::{Account, AnswerWay, AnsweredBy, Asker, Crossing, Measured, RequestWay};
use crate::arbiter::posted::{Posted, Sizes};
use crate::arbiter::resolving::Unfinished;
use crate::outbox::{Party, request_info};
use std::sync::Arc;
use std::time::Duration;
use vagus_accounts::ResponseType;
use vagus_protocol::message_trace::with_destination;
use vagus_protocol::operation::Publish;
use vagus_protocol::request_info::{RequestInfo, with_request_info};
use vagus_protocol::service_latency::Outcome;
use vagus_protocol::shown_subject::{self, is_acknowledged_on};
use vagus_routing::{ConnectionKind, Destination, Origin};

/// Into so many accounts one behind the other a message goes on.
pub(super) const PASSED_AT_MOST: usize = 16;

/// Who asks, as a service is told.
pub(super) struct Asks<'a> {
    /// The account in which the request was published first.
    account: &'a str,
    /// The one that it came through, if that is another.
    service: &'a str,
    /// Whether everything is told.
    pub(super) detailed: bool,
}

impl<'a> Asks<'a> {
    /// Of a request that goes on by `route` from this account.
    fn of(route: &RequestWay, passed: &'a [Arc<Crossing>], importer: &'a Account) -> Self {
        let first = passed.iter().find_map(|way| match &**way {
            Crossing::Requests(first) => Some(first),
            Crossing::Answers(_) => None,
        });
        match first {
            Some(first) => Self {
                account: first.importer_name(),
                service: importer.name(),
                detailed: first.service().shares(),
            },
            None => Self {
                account: importer.name(),
                service: "",
                detailed: route.service().shares(),
            },
        }
    }

    fn told(&self, party: Option<&'a Party>) -> RequestInfo<'a> {
        request_info(party, self.account, self.service, self.detailed)
    }
}

/// A request in the account that it goes on into.
pub(super) struct CrossingRequest {
    pub(super) subject: Vec<u8>,
    /// Empty if no answer is wanted.
    reply: Vec<u8>,
    header_size: usize,
    body: Vec<u8>,
    measured: Option<Arc<Measured>>,
}

impl CrossingRequest {
    /// Its answer is not waited for any more.
    pub(super) fn forget(&self, route: &RequestWay) {
        route.exporter().answers().forget(&self.reply);
    }

    /// The same, of which those who trace it send their events there.
    pub(super) fn with_events_sent_to(&self, destination: &[u8]) -> Self {
        let (header, payload) = self.body.split_at(self.header_size.min(self.body.len()));
        let mut body = with_destination(header, destination);
        let header_size = body.len();
        body.extend_from_slice(payload);
        Self {
            subject: self.subject.clone(),
            reply: self.reply.clone(),
            header_size,
            body,
            measured: self.measured.clone(),
        }
    }

    pub(super) fn sizes(&self) -> Sizes {
        Sizes::of(Some(self.header_size), &self.body)
    }

    /// The message.
    pub(super) fn message<'a>(&'a self, sizes: &'a Sizes) -> Publish<'a> {
        let reply = (!self.reply.is_empty()).then_some(&*self.reply);
        sizes.message(&self.subject, reply, Some(self.header_size), &self.body)
    }
}

/// What going on in another account is beside what it takes there.
pub(super) const WORK_OF_A_CROSSING: usize = 32;

impl Delivery {
    /// Takes a message into other accounts by the ways that were noted for it; true if somebody takes it there. `passed` are
    /// the ways by which it has come.
    #[cold]
    pub(super) fn cross(
        &mut self,
        account: &Account,
        message: &Publish<'_>,
        origin: Origin,
        passed: &[Arc<Crossing>],
    ) -> bool {
        let ways = std::mem::take(&mut self.crossings);
        if passed.len() >= PASSED_AT_MOST {
            return false;
        }
        let mut taken = false;
        for way in &ways {
            self.staging.charge(WORK_OF_A_CROSSING);
            let Some(way) = account.crossing(way.destination().connection_id()) else {
                continue;
            };
            taken |= match &*way {
                Crossing::Requests(route) => self.pass_request(&way, route, message, origin, passed),
                Crossing::Answers(route) => self.pass_answer(&way, route, message, origin, passed),
            };
        }
        taken
    }

    pub(super) fn pass_request(
        &mut self,
        way: &Arc<Crossing>,
        route: &RequestWay,
        message: &Publish<'_>,
        origin: Origin,
        passed: &[Arc<Crossing>],
    ) -> bool {
        let Some(request) = self.request_by(route, message, origin, passed) else {
            return false;
        };
        let sizes = request.sizes();
        let passed = [passed, std::slice::from_ref(way)].concat();
        let taken = self.post(route.exporter(), &request.message(&sizes), origin, &passed);
        if !taken {
            self.nobody_takes(route, &request);
        }
        taken
    }

    /// Nobody is going to answer a request.
    pub(super) fn nobody_takes(&mut self, route: &RequestWay, request: &CrossingRequest) {
        if !request.reply.is_empty() {
            request.forget(route);
            if let Some(measured) = &request.measured {
                let nothing = Duration::ZERO;
                self.tell_latency(measured, Outcome::NoResponders, nothing, AnsweredBy::Unknown);
            }
        }
    }

    /// A request as it goes on by `route`, and its answer is waited for; None if it does not.
    pub(super) fn request_by(
        &mut self,
        route: &RequestWay,
        message: &Publish<'_>,
        origin: Origin,
        passed: &[Arc<Crossing>],
    ) -> Option<CrossingRequest> {
        // Where it came into the cluster it has crossed already.
        let is_known = matches!(origin.kind(), ConnectionKind::Route | ConnectionKind::Gateway);
        let leads_back = passed.iter().any(|passed| match &**passed {
            Crossing::Requests(before) => before.leads_where(route),
            Crossing::Answers(_) => false,
        });
        let importer = route.importer().filter(|_| !is_known && !leads_back)?;
        let exporter = route.exporter();
        let mut subject = Vec::with_capacity(message.subject.len());
        route
            .service()
            .append_exported_subject(message.subject, &mut subject);
        if let Some(mappings) = &exporter.publishing().mappings {
            let mut mapped = Vec::new();
            if let Some(found) = mappings.map(&subject, self.random.u64(..), &mut mapped) {
                self.staging.charge(found.work);
                if mapped.is_empty() {
                    return None;
                }
                subject = mapped;
            }
        }
        let asks = Asks::of(route, passed, &importer);
        let measured = self.measure(route, &asks, message).map(Arc::new);
        if let (Some(measured), None) = (&measured, message.reply) {
            let nothing = Duration::ZERO;
            self.tell_latency(measured, Outcome::BadRequest, nothing, AnsweredBy::Unknown);
        }
        let mut reply = Vec::new();
        if let Some(asked) = message.reply {
            let asker = Asker {
                account: importer.clone(),
                terms: route.terms(),
                measured: measured.clone(),
            };
            exporter
                .answers()
                .wait(asked, asker, self.staging.now(), &mut reply);
        }
        let party = self.publisher.as_ref().and_then(|publisher| publisher.party());
        let info = asks.told(party.as_deref()).to_json();
        let mut body = with_request_info(message.header().unwrap_or_default(), &info);
        let header_size = body.len();
        body.extend_from_slice(message.payload());
        Some(CrossingRequest {
            subject,
            reply,
            header_size,
            body,
            measured,
        })
    }

    pub(super) fn pass_answer(
        &mut self,
        way: &Arc<Crossing>,
        route: &AnswerWay,
        message: &Publish<'_>,
        origin: Origin,
        passed: &[Arc<Crossing>],
    ) -> bool {
        let Some(account) = route.account() else {
            return false;
        };
        let now = self.staging.now();
        let is_end = message.body.is_empty();
        let Some(answer) = account.answers().answer(message.subject, is_end, now) else {
            return false;
        };
        let Asker {
            account: importer,
            terms,
            measured,
        } = answer.request;
        if let Some(measured) = measured.filter(|_| terms.response_type == ResponseType::Singleton) {
            self.tell_of_answer(&measured, message.subject, &account, origin.kind());
        }
        let mut reply = Vec::new();
        if let Some(asked) = message.reply.filter(|reply| is_acknowledged_on(reply)) {
            // By where it is acknowledged a message of a stream is told from others: it stays as it is.
            reply.extend_from_slice(asked);
        } else if let Some(asked) = message.reply {
            // An answer may be a question.
            let asker = Asker {
                account: account.clone(),
                terms,
                measured: None,
            };
            importer.answers().wait(asked, asker, now, &mut reply);
        }
        let sizes = Sizes::of(message.header_size, message.body);
        let on = sizes.message(
            &answer.reply,
            message.reply.map(|_| &*reply),
            message.header_size,
            message.body,
        );
        let passed = [passed, std::slice::from_ref(way)].concat();
        let taken = self.post(&importer, &on, origin, &passed);
        if !taken {
            account.answers().forget(message.subject);
            importer.answers().forget(&reply);
        }
        taken
    }

    /// Publishes a message in an account that it has come into, at once if the turn allows; true if somebody takes it, or
    /// may take it later.
    fn post(
        &mut self,
        account: &Arc<Account>,
        message: &Publish<'_>,
        origin: Origin,
        passed: &[Arc<Crossing>],
    ) -> bool {
        let origin = origin.crossing_into(account.id());
        self.close_run();
        let mut resolving = None;
        if !self.is_unfinished() && !self.is_spent() {
            if self.open_run(account, message, origin, Parts::One) && self.has_room() {
                return self.deliver_uncounted(account, message, passed);
            }
            resolving = self.take_resolving();
        }
        let posted = Posted::crossed(message, origin, self.publisher.clone(), passed);
        let later = Box::new(Unfinished::Publishing(posted, account.clone(), resolving));
        self.unfinished = match self.unfinished.take() {
            Some(first) => Some(Box::new(Unfinished::InOrder(first, later))),
            None => Some(later),
        };
        true
    }

    /// Delivers a message by the run that was opened for it. It is not counted as one that came in.
    pub(super) fn deliver_uncounted(
        &mut self,
        account: &Account,
        message: &Publish<'_>,
        passed: &[Arc<Crossing>],
    ) -> bool {
        let Some(origin) = self.run.as_ref().map(|run| run.origin) else {
            return false;
        };
        let taken = match message.reply.and_then(shown_subject::split) {
            Some((reply, shown)) => {
                let reply = Some(reply);
                self.deliver_shown(&Publish { reply, ..*message }, shown)
            }
            None => self.deliver_here(message),
        };
        self.traffic.messages_in = self.traffic.messages_in.saturating_sub(1);
        self.traffic.payload_in = self.traffic.payload_in.saturating_sub(message.body.len() as u64);
        if self.crossings.is_empty() {
            return taken;
        }
        self.cross(account, message, origin, passed) || taken
    }
}
