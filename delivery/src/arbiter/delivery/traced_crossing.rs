//! Traced messages that go on into other accounts: they are traced there, too, where the export allows it.
//!
//! Where a message goes is found out before it is delivered, so that all of it becomes one trace. What is not traced there
//! goes on as any other, behind it, and says that nobody else is to trace it.

use super::crossing::{PASSED_AT_MOST, WORK_OF_A_CROSSING};
use super::{Delivery, Parts};
use crate::account::{Account, Asker, Crossing, RequestWay};
use crate::arbiter::posted::{Posted, Sizes};
use crate::arbiter::served::Served;
use crate::arbiter::tracing::{Imported, Place, Trace};
use crate::arbiter::with_care::Content;
use crate::outbox::ConnectionSubscription;
use std::sync::Arc;
use vagus_protocol::message_trace::with_tracing_disabled;
use vagus_protocol::operation::Publish;
use vagus_routing::{Destination, Origin};

/// What becomes of a traced message in other accounts.
#[derive(Default)]
pub(super) struct Crossed {
    /// What the trace is told of.
    pub(super) places: Vec<Place>,
    /// What goes on without being traced, with the ways that it has come by.
    pub(super) untraced: Vec<(Arc<Crossing>, Box<Posted>)>,
}

/// A message on its way, which nobody else is to trace.
struct Message<'a> {
    account: &'a Arc<Account>,
    publish: &'a Publish<'a>,
    origin: Origin,
    passed: &'a [Arc<Crossing>],
    is_delivered: bool,
    /// Where, in its account, other servers have their events go.
    destination: &'a [u8],
}

impl Delivery {
    /// Finds out where a traced message goes by these ways, which were found for it in its account.
    pub(super) fn find_crossings(
        &mut self,
        account: &Arc<Account>,
        ways: &[Arc<ConnectionSubscription>],
        message: &Publish<'_>,
        origin: Origin,
        trace: &dyn Trace,
    ) -> Crossed {
        let mut crossed = Crossed::default();
        let mut body = with_tracing_disabled(message.header().unwrap_or_default());
        let header_size = Some(body.len());
        body.extend_from_slice(message.payload());
        let sizes = Sizes::of(header_size, &body);
        let publish = sizes.message(message.subject, message.reply, header_size, &body);
        let message = Message {
            account,
            publish: &publish,
            origin,
            passed: &[],
            is_delivered: !trace.is_without_delivery(),
            destination: trace.destination(),
        };
        self.find_more_crossings(ways, &message, &mut crossed);
        crossed
    }

    fn find_more_crossings(
        &mut self,
        ways: &[Arc<ConnectionSubscription>],
        message: &Message<'_>,
        crossed: &mut Crossed,
    ) {
        if message.passed.len() >= PASSED_AT_MOST {
            return;
        }
        for way in ways {
            self.staging.charge(WORK_OF_A_CROSSING);
            let Some(way) = message.account.crossing(way.destination().connection_id()) else {
                continue;
            };
            match &*way {
                Crossing::Requests(route) if route.service().terms().allow_trace => {
                    self.find_place(&way, route, message, crossed);
                    continue;
                }
                Crossing::Requests(route) => {
                    let mut to = Vec::with_capacity(message.publish.subject.len());
                    route
                        .service()
                        .append_exported_subject(message.publish.subject, &mut to);
                    crossed
                        .places
                        .push(Place::untraced(Imported::by(route, message.publish, &to)));
                }
                Crossing::Answers(_) => {}
            }
            if message.is_delivered {
                let publisher = self.publisher.clone();
                let posted = Posted::crossed(message.publish, message.origin, publisher, message.passed);
                crossed.untraced.push((way, posted));
            }
        }
    }

    /// A traced message goes on into an account where it is traced, too, and perhaps on from there.
    fn find_place(
        &mut self,
        way: &Arc<Crossing>,
        route: &RequestWay,
        message: &Message<'_>,
        crossed: &mut Crossed,
    ) {
        let Some(request) = self.request_by(route, message.publish, message.origin, message.passed) else {
            return;
        };
        let exporter = route.exporter();
        let origin = message.origin.crossing_into(exporter.id());
        let (sizes, imported) = (
            request.sizes(),
            Imported::by(route, message.publish, &request.subject),
        );
        let on = request.message(&sizes);
        self.close_run();
        self.open_run(exporter, &on, origin, Parts::All);
        let fanout = self
            .run
            .take()
            .and_then(|run| run.fanout.get(&self.fanouts).cloned());
        let Some(fanout) = fanout else {
            return;
        };
        // What other servers tell of it comes back as an answer does. Beyond, nobody else is to trace it unless that is said.
        let mut destination = Vec::new();
        let mut addressed = None;
        if !fanout.is_for_clients_alone() || !fanout.queues().is_empty() {
            self.await_events(route, message.destination, &mut destination);
            addressed = Some(request.with_events_sent_to(&destination));
        }
        if fanout.is_empty() && fanout.accounts().is_empty() {
            self.nobody_takes(route, &request);
        } else if !message.is_delivered {
            request.forget(route);
        }
        let delivered = addressed.as_ref().unwrap_or(&request);
        let sizes = delivered.sizes();
        let (delivered, mut composed) = (delivered.message(&sizes), Vec::new());
        let content = Content::of(&delivered, &mut composed);
        let ways: Vec<Arc<ConnectionSubscription>> = fanout.accounts().to_vec();
        let way_on = (fanout, Served::default());
        let place = Place::of(exporter.clone(), origin, way_on, &content);
        crossed.places.push(place.imported(imported));
        if !ways.is_empty() {
            let further = Message {
                account: exporter,
                publish: &on,
                origin,
                passed: &[message.passed, std::slice::from_ref(way)].concat(),
                is_delivered: message.is_delivered,
                destination: match &*destination {
                    [] => message.destination,
                    destination => destination,
                },
            };
            self.find_more_crossings(&ways, &further, crossed);
        }
    }

    /// Appends the subject in the exporting account on which other servers send their events, which go on to this one in the
    /// importing account.
    fn await_events(&self, route: &RequestWay, destination: &[u8], subject: &mut Vec<u8>) {
        if let Some(account) = route.importer() {
            let asker = Asker {
                account,
                terms: route.terms_of_events(),
                measured: None,
            };
            let answers = route.exporter().answers();
            answers.wait(destination, asker, self.staging.now(), subject);
        }
    }

    /// Has what is not traced in other accounts go on into them; true if somebody takes it there.
    pub(super) fn cross_untraced(&mut self, untraced: Vec<(Arc<Crossing>, Box<Posted>)>) -> bool {
        let mut taken = false;
        for (way, posted) in untraced {
            let sizes = posted.sizes();
            let (message, passed) = (posted.message(&sizes), &posted.passed);
            taken |= match &*way {
                Crossing::Requests(route) => self.pass_request(&way, route, &message, posted.origin, passed),
                Crossing::Answers(route) => self.pass_answer(&way, route, &message, posted.origin, passed),
            };
        }
        taken
    }
}
