//! Which of the requests that wait gets the next message, and what those are told that get none.

use super::config::PriorityPolicy;
use super::waiting::Waiting;
use super::{Consumer, ConsumerEvent, Delivery, Moment, Outgoing, Pin, Waits};
use crate::header;
use bytes::Bytes;

/// How long the name is by which a server knows the only client that it serves.
const PIN: usize = 22;

const PIN_ID: &str = "Nats-Pin-Id";

/// What becomes of the request that would be next.
enum Turn {
    /// It is served.
    Served,
    /// Those behind it come first.
    Behind,
    /// It is told that, and goes.
    Over(String),
    /// Nobody is there any more.
    Gone,
}

impl Consumer {
    /// Sends a message of so many bytes to the request whose turn it is. `rest`: how many more are then to come.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn serve(
        &mut self,
        mut delivery: Delivery,
        size: usize,
        rest: u64,
        moment: Moment<'_>,
        out: &mut Outgoing<'_>,
    ) -> Result<(), Waits> {
        let mut passed_over = 0;
        loop {
            let Some(mut waiting) = self.waiting.pop() else {
                return Err(Waits::NoRequest);
            };
            match self.turn_of(&mut waiting, size, rest, moment, out) {
                Turn::Served => {
                    if self.config.priority_policy == PriorityPolicy::PinnedClient
                        && let Some(pin) = &self.pin
                    {
                        delivery.headers = header::with(&delivery.headers, &[(PIN_ID, &pin.id)]);
                    }
                    self.send_to(waiting, delivery, moment, out);
                    return Ok(());
                }
                Turn::Behind => {
                    self.waiting.push(waiting);
                    passed_over += 1;
                    if passed_over >= self.waiting.len() {
                        return Err(match self.config.priority_policy {
                            PriorityPolicy::PinnedClient => Waits::Pinned,
                            _ => Waits::Overflow,
                        });
                    }
                }
                Turn::Over(status) => self.tell_beside(&waiting, &status, out),
                Turn::Gone => {}
            }
        }
    }

    fn turn_of(
        &mut self,
        waiting: &mut Waiting,
        size: usize,
        rest: u64,
        moment: Moment<'_>,
        out: &mut Outgoing<'_>,
    ) -> Turn {
        if waiting.expires.is_some_and(|expires| expires <= moment.now) {
            return Turn::Over(left("408 Request Timeout", waiting));
        }
        let mut is_pinned_now = false;
        if self.config.priority_policy == PriorityPolicy::PinnedClient {
            match (&self.pin, waiting.pin.is_empty()) {
                (None, true) => {
                    self.pin_to(waiting, moment, out);
                    is_pinned_now = true;
                }
                (Some(pin), false) if pin.id == waiting.pin => {}
                (Some(_), true) => return Turn::Behind,
                (_, false) => return Turn::Over(left("423 Nats-Wrong-Pin-Id", waiting)),
            }
        }
        if self.config.priority_policy == PriorityPolicy::Overflow {
            let unacknowledged = self.progress.unacknowledged.len() as u64;
            let is_reached = |least: i64, there_are: u64| least > 0 && least.unsigned_abs() <= there_are;
            let has_limits = waiting.min_pending > 0 || waiting.min_ack_pending > 0;
            if has_limits
                && !is_reached(waiting.min_pending, rest + 1)
                && !is_reached(waiting.min_ack_pending, unacknowledged)
            {
                return Turn::Behind;
            }
        }
        if waiting.bytes > 0 {
            let size = i64::try_from(size).unwrap_or(i64::MAX);
            if size > waiting.bytes {
                if is_pinned_now {
                    self.pin = None;
                }
                return Turn::Over(left("409 Message Size Exceeds MaxBytes", waiting));
            }
            waiting.bytes -= size;
            if waiting.bytes == 0 {
                waiting.batch = 1;
            }
        }
        // Who was there in this turn still is.
        match waiting.run.0 == out.turn || (moment.has_interest)(&waiting.reply) {
            true => Turn::Served,
            false => Turn::Gone,
        }
    }

    /// The client of a request is the only one from now on that is served.
    fn pin_to(&mut self, waiting: &mut Waiting, moment: Moment<'_>, out: &mut Outgoing<'_>) {
        let id = out.random.bytes(PIN);
        waiting.pin = id.clone();
        let event = ConsumerEvent::Pinned {
            group: String::from_utf8_lossy(&waiting.group).into_owned(),
            id: String::from_utf8_lossy(&id).into_owned(),
        };
        self.pin = Some(Pin {
            id,
            group: waiting.group.clone(),
            since: moment.now,
            until: moment.now.after(self.config.priority_timeout),
        });
        self.tell(out, event);
    }

    /// Sends a message to who has asked for it, and has him wait again if he wants more.
    fn send_to(
        &mut self,
        mut waiting: Waiting,
        delivery: Delivery,
        moment: Moment<'_>,
        out: &mut Outgoing<'_>,
    ) {
        waiting.delivered += 1;
        waiting.batch = waiting.batch.saturating_sub(1);
        let place = self.place_of(&waiting, out);
        let place = out.send_beside(place, &waiting.reply, delivery);
        waiting.run = (out.turn, place);
        if waiting.batch > 0 {
            if waiting.heartbeat > 0 {
                waiting.heartbeat_due = Some(moment.now.after(waiting.heartbeat));
            }
            match self.config.priority_policy {
                PriorityPolicy::Prioritized => self.waiting.insert(waiting),
                _ => self.waiting.push(waiting),
            }
        } else if waiting.bytes > 0 {
            self.tell_beside(&waiting, &left("409 Batch Completed", &waiting), out);
        }
    }

    /// Where among the effects of this turn somebody gets his messages: all that goes to one subject stays in order.
    fn place_of(&self, waiting: &Waiting, out: &Outgoing<'_>) -> Option<usize> {
        match waiting.run {
            (turn, place) if turn == out.turn => Some(place),
            _ => self.waiting.place_of(&waiting.reply, out.turn),
        }
    }

    fn tell_beside(&self, waiting: &Waiting, status: &str, out: &mut Outgoing<'_>) {
        let place = self.place_of(waiting, out);
        out.send_beside(place, &waiting.reply, Delivery::status(&waiting.reply, status));
    }

    /// Tells those that something is due for: that they have waited long enough, that nothing is there if `is_end`, that
    /// the server lives.
    pub(super) fn serve_those_due(&mut self, moment: Moment<'_>, out: &mut Outgoing<'_>, is_end: bool) {
        let is_due = self.waiting.due().is_some_and(|due| due <= moment.now);
        if self.waiting.is_empty() || !(is_due || is_end && self.waiting.has_impatient()) {
            return;
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain(|request| {
            if request.expires.is_some_and(|expires| expires <= moment.now) {
                out.status(
                    &request.reply,
                    Bytes::new(),
                    &left("408 Request Timeout", request),
                );
                return false;
            }
            if is_end && request.no_wait && (request.expires.is_none() || request.delivered > 0) {
                out.status(&request.reply, Bytes::new(), "404 No Messages");
                return false;
            }
            if !(moment.has_interest)(&request.reply) {
                return false;
            }
            if request.heartbeat_due.is_some_and(|due| due <= moment.now) {
                let heartbeat = self.heartbeat();
                out.status(&request.reply, Bytes::new(), &heartbeat);
                request.run = (0, 0);
                request.heartbeat_due = Some(moment.now.after(request.heartbeat));
            }
            true
        });
        self.waiting = waiting;
    }

    /// Has those go that nobody waits for any more, and tells those whose time has come. How many messages the others
    /// want.
    pub(super) fn still_wanted(&mut self, moment: Moment<'_>, out: &mut Outgoing<'_>) -> i64 {
        self.serve_those_due(moment, out, false);
        self.waiting
            .retain(|request| (moment.has_interest)(&request.reply));
        self.waiting.wanted()
    }

    /// A sign of life: how far the consumer is.
    pub(super) fn heartbeat(&self) -> String {
        let consumer = self.progress.delivered.consumer;
        let stream = self.progress.next.saturating_sub(1);
        let mut status =
            format!("100 Idle Heartbeat\r\nNats-Last-Consumer: {consumer}\r\nNats-Last-Stream: {stream}");
        if let Some(stalled) = self.flow.as_ref().and_then(|flow| flow.asked()) {
            status += "\r\nNats-Consumer-Stalled: ";
            status += &String::from_utf8_lossy(stalled);
        }
        status
    }

    /// Tells all that wait that it has gone.
    pub(crate) fn send_away(&mut self, out: &mut Outgoing<'_>, why: &str) {
        for request in self.waiting.take() {
            out.status(&request.reply, Bytes::new(), why);
        }
    }
}

/// A status line, with what a request still waits for.
fn left(status: &str, request: &Waiting) -> String {
    let (messages, bytes) = (request.batch, request.bytes);
    format!("{status}\r\nNats-Pending-Messages: {messages}\r\nNats-Pending-Bytes: {bytes}")
}
