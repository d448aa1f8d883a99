//! Requests for messages, as they come.

use super::config::PriorityPolicy;
use super::request::PullRequest;
use super::view::View;
use super::waiting::Waiting;
use super::{Consumer, Moment, Outgoing};
use crate::held::Messages;
use bytes::Bytes;
use std::time::Duration;
use vagus_protocol::duration;

/// How many requests wait at most where the configuration allows any number.
const WAITING_AT_MOST: usize = 512;

impl Consumer {
    /// Somebody asks for messages; they are to go to `reply`.
    pub(crate) fn pull<M: Messages>(
        &mut self,
        reply: &Bytes,
        body: &[u8],
        view: &View<'_, M>,
        moment: Moment<'_>,
        out: &mut Outgoing<'_>,
    ) {
        if !self.is_pull() {
            out.status(reply, Bytes::new(), "409 Consumer is push based");
            return;
        }
        let request = match PullRequest::read(body).and_then(|request| self.check(request)) {
            Ok(request) => request,
            Err(why) => {
                out.status(reply, Bytes::new(), &why);
                return;
            }
        };
        let at_most = usize::try_from(self.config.max_waiting).unwrap_or(0);
        let at_most = if at_most == 0 { WAITING_AT_MOST } else { at_most };
        if self.waiting.len() >= at_most {
            self.still_wanted(moment, out);
        }
        if request.no_wait {
            // Where something has to be read to know, it waits for the answer as others do.
            let counted = self.count_pending(view).unwrap_or(u64::MAX / 2);
            let pending = counted + self.redeliver.len() as u64;
            if pending == 0 && request.expires == 0 {
                self.used(moment.now);
                out.status(reply, Bytes::new(), "404 No Messages");
                return;
            }
            let wanted = self.still_wanted(moment, out);
            if pending > 0 && i64::try_from(pending).unwrap_or(i64::MAX) < wanted {
                self.used(moment.now);
                out.status(reply, Bytes::new(), "408 Requests Pending");
                return;
            }
        }
        if self.waiting.len() >= at_most {
            // Who gets signs of life notices their absence, and need not ask again at once.
            if request.heartbeat == 0 {
                out.status(reply, Bytes::new(), "409 Exceeded MaxWaiting");
            }
            return;
        }
        self.used(moment.now);
        let waiting = Waiting::new(reply.clone(), &request, moment.now);
        match self.config.priority_policy {
            PriorityPolicy::Prioritized => self.waiting.insert(waiting),
            _ => self.waiting.push(waiting),
        }
        if let Some(pin) = &mut self.pin
            && pin.id == request.id.as_bytes()
        {
            pin.until = moment.now.after(self.config.priority_timeout);
        }
    }

    /// Whether a request does not wait, and there is less than it asks for.
    pub(crate) fn lacks_messages<M: Messages>(&mut self, body: &[u8], view: &View<'_, M>) -> bool {
        let Ok(request) = PullRequest::read(body) else {
            return false;
        };
        let wanted = request.batch.unsigned_abs();
        let again = self.redeliver.len() as u64;
        // Where something has to be read to know, it waits for the answer as others do.
        request.no_wait
            && self
                .count_pending(view)
                .is_ok_and(|pending| pending + again < wanted)
    }

    /// Whether a request may be made of this consumer; the status line if it may not.
    fn check(&self, request: PullRequest) -> Result<PullRequest, String> {
        let config = &self.config;
        let batch = i64::try_from(config.max_batch).unwrap_or(i64::MAX);
        if batch > 0 && request.batch > batch {
            return Err(format!("409 Exceeded MaxRequestBatch of {batch}"));
        }
        if config.max_expires > 0 && request.expires > config.max_expires {
            let most = duration::shown(Duration::from_nanos(config.max_expires.unsigned_abs()));
            return Err(format!("409 Exceeded MaxRequestExpires of {most}"));
        }
        let bytes = i64::try_from(config.max_bytes).unwrap_or(i64::MAX);
        if bytes > 0 && request.max_bytes > bytes {
            return Err(format!("409 Exceeded MaxRequestMaxBytes of {bytes}"));
        }
        if !request.is_formal {
            return Ok(request);
        }
        let bad = |why: &str| Err(format!("400 Bad Request - {why}"));
        let policy = config.priority_policy;
        if (request.min_pending != 0 || request.min_ack_pending != 0) && policy != PriorityPolicy::Overflow {
            return bad("Not a Overflow Priority consumer");
        }
        if !request.id.is_empty() && policy != PriorityPolicy::PinnedClient {
            return bad("Not a Pinned Client Priority consumer");
        }
        if !(0..=9).contains(&request.priority) {
            return bad("Priority must be between 0 and 9");
        }
        if policy == PriorityPolicy::None {
            return Ok(request);
        }
        if request.group.is_empty() {
            return bad("Priority Group missing");
        }
        if !config.priority_groups.contains(&request.group) {
            return bad("Invalid Priority Group");
        }
        match &self.pin {
            Some(pin) if !request.id.is_empty() && pin.id != request.id.as_bytes() => {
                Err("423 Nats-Pin-Id mismatch".to_owned())
            }
            _ => Ok(request),
        }
    }
}
