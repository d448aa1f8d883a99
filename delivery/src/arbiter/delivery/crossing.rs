//! From one account into another: requests for imported services, and their answers.
//!
//! The publisher does it in its own turn: it publishes the message again, in the other account, on the subject and with the
//! reply that it has there. What that takes counts as work of the turn; what is too much for it is kept and goes behind
//! what is kept already. From there it may go on into a third.

use super::{Delivery, Parts};
use crate::account::{Account, AnswerWay, Asker, Crossing, RequestWay};
use crate::arbiter::posted::{Posted, Sizes};
use crate::arbiter::resolving::Unfinished;
use std::sync::Arc;
use vagus_protocol::operation::Publish;
use vagus_protocol::request_info;
use vagus_routing::{ConnectionKind, Destination, Origin};

/// Into so many accounts one behind the other a message goes on.
const PASSED_AT_MOST: usize = 16;

/// What going on in another account is beside what it takes there.
const WORK_OF_A_CROSSING: usize = 32;

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

    fn pass_request(
        &mut self,
        way: &Arc<Crossing>,
        route: &RequestWay,
        message: &Publish<'_>,
        origin: Origin,
        passed: &[Arc<Crossing>],
    ) -> bool {
        // Where it came into the cluster it has crossed already.
        let is_known = matches!(origin.kind(), ConnectionKind::Route | ConnectionKind::Gateway);
        let leads_back = passed.iter().any(|passed| match &**passed {
            Crossing::Requests(before) => before.leads_where(route),
            Crossing::Answers(_) => false,
        });
        let Some(importer) = route.importer().filter(|_| !is_known && !leads_back) else {
            return false;
        };
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
                    return false;
                }
                subject = mapped;
            }
        }
        let mut reply = Vec::new();
        if let Some(asked) = message.reply {
            let asker = Asker {
                account: importer.clone(),
                terms: route.terms(),
            };
            exporter
                .answers()
                .wait(asked, asker, self.staging.now(), &mut reply);
        }
        let info = request_info::of_account(importer.name());
        let mut body = request_info::with_request_info(message.header().unwrap_or_default(), &info);
        let header_size = Some(body.len());
        body.extend_from_slice(message.payload());
        let sizes = Sizes::of(header_size, &body);
        let on = sizes.message(&subject, message.reply.map(|_| &*reply), header_size, &body);
        let passed = [passed, std::slice::from_ref(way)].concat();
        let taken = self.post(exporter, &on, origin, &passed);
        if !taken && !reply.is_empty() {
            exporter.answers().forget(&reply);
        }
        taken
    }

    fn pass_answer(
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
        } = answer.request;
        let mut reply = Vec::new();
        if let Some(asked) = message.reply {
            // An answer may be a question.
            let asker = Asker {
                account: account.clone(),
                terms,
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
        let posted = Posted::crossed(message, origin, passed);
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
        let taken = self.deliver_here(message);
        self.traffic.messages_in = self.traffic.messages_in.saturating_sub(1);
        self.traffic.payload_in = self.traffic.payload_in.saturating_sub(message.body.len() as u64);
        if self.crossings.is_empty() {
            return taken;
        }
        self.cross(account, message, origin, passed) || taken
    }
}
