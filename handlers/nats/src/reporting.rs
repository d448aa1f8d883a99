//! What the log says of a client.

use crate::evidence::Said;
use crate::operation_lines;
use crate::repetition;
use crate::session::NatsSession;
use std::fmt::{self, Display, Formatter};
use std::time::{Duration, Instant};
use vagus_actors::connection::{Turn, write_number};
use vagus_actors::flood::{FAILED_LOGINS, VIOLATIONS};
use vagus_auth::credentials::Identity;
use vagus_configs::GLOBAL_ACCOUNT;
use vagus_delivery::outbox::ShownDeliveries;
use vagus_protocol::connect::ConnectOptions;
use vagus_protocol::error::Complaint;
use vagus_protocol::operation::{Operation, Publish};
use vagus_protocol::quote::{Quoted, shortened};

/// A client as the log calls it: `address - cid:number`, and once it is in ` - "vversion:language:name"` and
/// ` - "account/user"`, as far as there is such.
pub(crate) struct LogName<'a>(pub(crate) &'a NatsSession);

impl Display for LogName<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write_number(self.0, self.0.id, out)?;
        self.0.write_names(out)
    }
}

/// What a client calls itself: `vversion:language:name`, or those of them that it says.
fn own_name(options: &ConnectOptions) -> String {
    let version = match &*options.version {
        "" => String::new(),
        version => format!("v{version}"),
    };
    let parts = [&*version, &*options.lang, &*options.name];
    let said: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    said.join(":")
}

/// How a client says who it is, or who it is that has not said so; no secrets.
fn label(options: &ConnectOptions, user: Option<&str>) -> Option<String> {
    let key = |kind, text: &str| (!text.is_empty()).then(|| format!("{kind}:{text}"));
    key("nkey", &options.nkey)
        .or_else(|| key("user", &options.user))
        .or_else(|| key("user", user.unwrap_or_default()))
        .or_else(|| options.has_token.then(|| "token".to_owned()))
}

/// The same, for a login that fails.
fn claimed(options: &ConnectOptions) -> Option<String> {
    let named = |kind, text: &str| (!text.is_empty()).then(|| format!("{kind} {}", Quoted(text.as_bytes())));
    named("Nkey", &options.nkey)
        .or_else(|| named("User", &options.user))
        .or_else(|| options.has_token.then(|| "Token \"[REDACTED]\"".to_owned()))
}

/// How many lines of the log one client may cause in a second by what it is told off for.
const COMPLAINTS_LOGGED: u32 = 10;

/// What was logged of a client's mistakes.
#[derive(Debug)]
pub(crate) struct Complaints {
    /// When the second began.
    since: Instant,
    logged: u32,
    kept_back: u64,
}

impl Complaints {
    /// Begins another second if it is time; gives how many lines were kept back in the last.
    fn next_second(&mut self, now: Instant) -> u64 {
        if now.saturating_duration_since(self.since) < Duration::from_secs(1) {
            return 0;
        }
        self.since = now;
        self.logged = 0;
        std::mem::take(&mut self.kept_back)
    }

    fn admit(&mut self) -> bool {
        let may = self.logged < COMPLAINTS_LOGGED;
        if may {
            self.logged += 1;
        } else {
            self.kept_back += 1;
        }
        may
    }
}

impl NatsSession {
    pub(crate) fn log_name(&self) -> LogName<'_> {
        LogName(self)
    }

    /// What follows the client's address and number in the log.
    pub(crate) fn write_names(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Some(options) = self.options().filter(|_| !self.must_authenticate()) else {
            return Ok(());
        };
        let name = own_name(options);
        if !name.is_empty() {
            write!(out, " - {}", Quoted(name.as_bytes()))?;
        }
        let who = self.who();
        let token = who
            .and_then(Identity::claims)
            .filter(|claimed| claimed.name.is_none());
        let label = match token {
            Some(claimed) if options.nkey.is_empty() && options.user.is_empty() => {
                Some(format!("jwt:{}", claimed.user))
            }
            _ => label(options, who.and_then(Identity::user)),
        };
        if let Some(label) = label {
            let account = self.account().map_or(GLOBAL_ACCOUNT, |account| account.name());
            let user = format!("{account}/{label}");
            write!(out, " - {}", Quoted(user.as_bytes()))?;
        }
        Ok(())
    }

    /// Logs what a client is told off for. Mistakes of clients are errors, as in nats-server; the same one is not
    /// logged again at once, and of one client not more than so many a second, whatever it does.
    pub(crate) fn report(&mut self, complaint: &Complaint<'_>, now: Instant) {
        let mut sid: &[u8] = b"";
        let text = match complaint {
            Complaint::PublishPermission { subject } => {
                format!("Publish Violation - Subject {}", Said(subject))
            }
            Complaint::ReplyPermission { reply } => format!("Publish Violation - Reply {}", Said(reply)),
            Complaint::SubscriptionPermission {
                subject,
                queue,
                sid: of,
            } => {
                sid = of;
                let subject = Said(subject);
                match queue {
                    None => format!("Subscription Violation - Subject {subject}"),
                    Some(queue) => format!(
                        "Subscription Violation - Subject {subject}, Queue: {}",
                        Said(queue)
                    ),
                }
            }
            Complaint::TooManyTokens { subject, sid: of } => {
                sid = of;
                format!(
                    "Subscription Violation Too Many Tokens - Subject {}",
                    Said(subject)
                )
            }
            Complaint::MaximumSubscriptions => complaint.text(),
            _ => {
                log::debug!("{} - {complaint}", self.log_name());
                return;
            }
        };
        if sid.is_empty() {
            return self.report_error(&text, now);
        }
        if repetition::is_news(&text) && self.may_log(now) {
            // As the client wrote it, in what may stand in a line.
            let sid = Said(sid).to_string();
            log::error!("{} - {text}, SID {}", self.log_name(), sid.trim_matches('"'));
        }
    }

    /// Logs an error of a client, within the same bounds.
    pub(crate) fn report_error(&mut self, text: &str, now: Instant) {
        if repetition::is_news(text) && self.may_log(now) {
            log::error!("{} - {text}", self.log_name());
        }
    }

    /// Whether there may be one more line about mistakes of this client.
    fn may_log(&mut self, now: Instant) -> bool {
        let complaints = self.complaints.get_or_insert_with(|| {
            Box::new(Complaints {
                since: now,
                logged: 0,
                kept_back: 0,
            })
        });
        let kept_back = complaints.next_second(now);
        let may = complaints.admit();
        if kept_back > 0 {
            log::error!(
                "{} - {kept_back} more violations were not logged",
                self.log_name()
            );
        }
        may
    }

    /// Logs how a client broke the protocol, with what it said.
    pub(crate) fn report_violation(&self, evidence: &str) {
        VIOLATIONS.say(format_args!("{} - {evidence}", self.log_name()));
    }

    /// Logs a login that failed.
    pub(crate) fn report_refusal(&self) {
        match self.options().and_then(claimed) {
            Some(who) => {
                FAILED_LOGINS.say(format_args!("{} - authentication error - {who}", self.log_name()))
            }
            None => FAILED_LOGINS.say(format_args!("{} - authentication error", self.log_name())),
        }
    }

    /// Has deliveries to the client shown as its own operations are, if they are at all.
    pub(crate) fn show_deliveries(&self, turn: &mut impl Turn) {
        if self.client_options.logged {
            turn.show_deliveries(ShownDeliveries {
                name: self.log_name().to_string(),
                payload: self.settings.max_traced_payload,
                headers_only: self.settings.trace_headers,
            });
        }
    }

    /// Logs an operation of the client.
    pub(crate) fn log_operation(&self, operation: &Operation<'_>) {
        log::trace!(
            "{} - <<- [{}]",
            self.log_name(),
            operation_lines::describe(operation)
        );
    }

    /// The same for a message, which came on `mapped_from` if it is published on another subject.
    pub(crate) fn log_message(&self, message: &Publish<'_>, mapped_from: Option<&[u8]>) {
        let subject = mapped_from.unwrap_or(message.subject);
        self.log_operation(&Operation::Publish(Publish { subject, ..*message }));
        let name = self.log_name();
        if let Some(subject) = mapped_from {
            let [from, to] = [subject, message.subject].map(operation_lines::text);
            log::trace!("{name} - <<- [MAPPING {from} -> {to}]");
        }
        let shown = if self.settings.trace_headers {
            message.header().unwrap_or_default()
        } else {
            message.body
        };
        if !shown.is_empty() {
            let payload = shortened(shown, self.settings.max_traced_payload);
            log::trace!("{name} - <<- MSG_PAYLOAD: [{payload}]");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{COMPLAINTS_LOGGED, Complaints, claimed, label, own_name};
    use std::time::{Duration, Instant};
    use vagus_protocol::connect::ConnectOptions;

    #[test]
    fn one_client_does_not_flood_the_log() {
        let start = Instant::now();
        let mut complaints = Complaints {
            since: start,
            logged: 0,
            kept_back: 0,
        };
        let admitted = (0..1000).filter(|_| complaints.admit()).count();
        assert_eq!(admitted, COMPLAINTS_LOGGED as usize);
        assert_eq!(complaints.next_second(start + Duration::from_millis(999)), 0);
        assert_eq!(complaints.next_second(start + Duration::from_secs(1)), 990);
        assert!(complaints.admit());
        assert_eq!(complaints.next_second(start + Duration::from_secs(5)), 0);
    }

    #[test]
    fn what_clients_are_called() {
        for (json, name, user, who) in [
            ("{}", "", None, None),
            (
                r#"{"version":"1.2","lang":"rust","name":"a"}"#,
                "v1.2:rust:a",
                None,
                None,
            ),
            (r#"{"lang":"go"}"#, "go", None, None),
            (r#"{"version":"1","name":"a"}"#, "v1:a", None, None),
            (
                r#"{"user":"u","pass":"p"}"#,
                "",
                Some("user:u"),
                Some(r#"User "u""#),
            ),
            (
                r#"{"nkey":"U1","user":"u"}"#,
                "",
                Some("nkey:U1"),
                Some(r#"Nkey "U1""#),
            ),
            (
                r#"{"auth_token":"t"}"#,
                "",
                Some("token"),
                Some(r#"Token "[REDACTED]""#),
            ),
        ] {
            let mut options = ConnectOptions::default();
            options.update(json.as_bytes()).unwrap();
            assert_eq!(own_name(&options), name, "{json}");
            assert_eq!(label(&options, None).as_deref(), user, "{json}");
            assert_eq!(claimed(&options).as_deref(), who, "{json}");
        }
    }
}
