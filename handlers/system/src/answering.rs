//! What requests come to.

use crate::count;
use crate::envelope::Outcome;
use crate::service::SystemService;
use crate::topic::{Topic, account_in};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv6Addr};
use vagus_actors::claimed_accounts::Lookup;
use vagus_actors::monitor::{CloseConnection, DismissGently};
use vagus_actors::observed::Extent;
use vagus_actors::reload::{Content, Keep, Propose, Reach};
use vagus_monitoring::{Document, Page, Query, Refusal, Status, account_store};
use vagus_protocol::error::CloseReason;

/// What is sent back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The outcome, wrapped in who answers.
    Wrapped(Outcome),
    /// The figures of the server, with who tells them.
    Statistics(Vec<u8>),
    /// This, as it is.
    Plain(Vec<u8>),
}

/// A request for a connection.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OfConnection {
    cid: u64,
}

/// A profile that somebody wants.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OfProfile {
    name: String,
}

#[derive(Serialize)]
struct Profile {
    profile: Option<String>,
    error: String,
}

#[derive(Serialize)]
struct Identity<'a> {
    name: &'a str,
    host: &'a str,
    id: &'a str,
}

impl SystemService {
    /// The answer to a request; None if it is not this server's to answer, or there is none.
    pub(crate) async fn answer(&self, topic: Topic, subject: &[u8], payload: &[u8]) -> Option<Answer> {
        let account = || account_in(subject).unwrap_or_default();
        let outcome = match topic {
            Topic::Identity => return Some(Answer::Plain(self.identity())),
            Topic::Statistics => match self.check(payload) {
                Ok(()) => return self.statistics().await.map(Answer::Statistics),
                Err(error) => Outcome::BadRequest(error),
            },
            Topic::Interest => return count::by_request(self, payload).await.map(plain),
            Topic::Subscribers => return count::by_text(self, payload).await.map(plain),
            Topic::Page(page) => self.page(page, None, payload).await?,
            Topic::PageOfAccount(page) => self.page(page, Some(account()), payload).await?,
            Topic::StoreOfAccount => match Query::of_message(Page::Jsz, payload) {
                Ok(query) => outcome(account_store(&self.broker, account(), &query).await)?,
                Err(error) => Outcome::BadRequest(error),
            },
            Topic::Account => match self.check(payload) {
                Ok(()) => {
                    self.look_up(account()).await;
                    outcome(vagus_monitoring::account_detail(&self.broker, account()))?
                }
                Err(error) => Outcome::BadRequest(error),
            },
            // That is asked of all accounts, too: each is answered once.
            Topic::TrafficOfAccount if account() == "PING" => return None,
            Topic::TrafficOfAccount => self.traffic(Some(account()), payload)?,
            Topic::Traffic => self.traffic(None, payload)?,
            Topic::ConnectionsOfAccount => {
                return self.connection_count(account()).map(Answer::Plain);
            }
            Topic::Profile => match self.check(payload) {
                Ok(()) => Outcome::Data(profile(payload)),
                Err(error) => Outcome::BadRequest(error),
            },
            // It is told, and nobody waits for an answer.
            Topic::MeasuredElsewhere => return None,
            Topic::Reload => self.reload().await,
            Topic::Kick => self.kick(connection(payload)?).await?,
            Topic::LameDuck => self.dismiss(connection(payload)?).await?,
        };
        Some(Answer::Wrapped(outcome))
    }

    /// Has an account known that an operator has signed and nobody has come to yet, if its token is found.
    async fn look_up(&self, account: &str) {
        let Some(claimed) = self.broker.claimed_accounts.get() else {
            return;
        };
        let asked_here = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        if let Lookup::Fetching(fetched) = claimed.look_up(account, asked_here) {
            // Whatever was found is known then.
            let _ = fetched.await;
        }
    }

    /// Whether a request without options can be read.
    fn check(&self, payload: &[u8]) -> Result<(), String> {
        Query::of_message(Page::Varz, payload).map(drop)
    }

    async fn page(&self, page: Page, account: Option<&str>, payload: &[u8]) -> Option<Outcome> {
        let mut query = match Query::of_message(page, payload) {
            Ok(query) => query,
            Err(error) => return Some(Outcome::BadRequest(error)),
        };
        if let Some(account) = account {
            query = query.with("acc", account);
            if page == Page::Subsz {
                query = query.with("subs", "1");
            }
        }
        outcome(vagus_monitoring::answer(&self.broker, page, &query).await)
    }

    /// What passed in this account, or in all that are asked for. Where there is nothing to tell, nothing is told.
    fn traffic(&self, account: Option<&str>, payload: &[u8]) -> Option<Outcome> {
        let mut query = match Query::of_message(Page::Accstatz, payload) {
            Ok(query) => query,
            Err(error) => return Some(Outcome::BadRequest(error)),
        };
        if let Some(account) = account {
            query = query.with("acc", account);
        }
        match vagus_monitoring::account_traffic(&self.broker, &query) {
            Ok(None) => None,
            Ok(Some(document)) => outcome(Ok(document)),
            Err(refusal) => outcome(Err(refusal)),
        }
    }

    fn identity(&self) -> Vec<u8> {
        let (settings, _) = self.broker.settings.current();
        let info = &settings.info;
        let identity = Identity {
            name: &info.server_name,
            host: &info.host,
            id: &info.server_id,
        };
        json(&identity)
    }

    /// The figures of the server; None if it is at its end.
    pub(crate) async fn statistics(&self) -> Option<Vec<u8>> {
        let document = vagus_monitoring::statsz(&self.broker).await;
        document.ok().map(|document| document.body)
    }

    async fn reload(&self) -> Outcome {
        let Some(configurator) = self.broker.configurator.get() else {
            return Outcome::NotDone("the server is about to start".to_owned());
        };
        let proposed = configurator.propose(Propose {
            content: Content::File,
            by: "system account".to_owned(),
            expected: Vec::new(),
            dry_run: false,
            reach: Reach::Machine,
            keep: Keep::Memory,
        });
        match proposed.await {
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::NotDone(error.to_string()),
        }
    }

    async fn kick(&self, id: u64) -> Option<Outcome> {
        let reason = CloseReason::Kicked;
        let closed = self.monitor.send(CloseConnection { id, reason }).await;
        let closed = closed.ok()? || self.broker.observatory.close_link(id, reason).await;
        Some(match closed {
            true => Outcome::Done,
            false => Outcome::NotDone("no such client or leafnode id".to_owned()),
        })
    }

    async fn dismiss(&self, id: u64) -> Option<Outcome> {
        let found = self.broker.observatory.connection(id, Extent::State).await;
        let hears_news = found.map(|found| found.state.client.hears_news);
        Some(match hears_news {
            None => Outcome::NotDone("no such client id".to_owned()),
            Some(false) => Outcome::NotDone(
                "client does not support Lame Duck Mode or is not ready to receive the notification"
                    .to_owned(),
            ),
            Some(true) => match self.monitor.send(DismissGently(id)).await.ok()? {
                true => Outcome::Done,
                false => Outcome::NotDone("no such client id".to_owned()),
            },
        })
    }
}

/// Which connection a request is about. Without one that can be read there is no answer, as in nats-server.
fn connection(payload: &[u8]) -> Option<u64> {
    let request: Result<OfConnection, _> = serde_json::from_slice(payload);
    match request {
        Ok(request) => Some(request.cid),
        Err(error) => {
            log::error!("Error unmarshalling kick client request: {error}");
            None
        }
    }
}

/// There are none: what takes time here is seen by tools of the system.
fn profile(payload: &[u8]) -> Vec<u8> {
    let wanted: OfProfile = serde_json::from_slice(payload).unwrap_or_default();
    json(&Profile {
        profile: None,
        error: match &*wanted.name {
            "" => "Profile name not specified".to_owned(),
            name => format!("Profile {name:?} not found"),
        },
    })
}

/// A page as a part of an answer; None if somebody else is to give it.
fn outcome(answer: Result<Document, Refusal>) -> Option<Outcome> {
    match answer {
        Ok(document) => Some(Outcome::Data(document.body)),
        Err(refusal) if refusal.is_filtered() => None,
        Err(Refusal { text, status }) => {
            debug_assert_ne!(status, Status::Ok);
            Some(Outcome::Failed(text))
        }
    }
}

fn plain(number: usize) -> Answer {
    Answer::Plain(number.to_string().into_bytes())
}

fn json(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::new();
    crate::envelope::append(&mut out, value);
    out
}

#[cfg(test)]
mod tests {
    use super::{connection, profile};

    #[test]
    fn requests_name_connections() {
        assert_eq!(connection(br#"{"cid":7}"#), Some(7));
        assert_eq!(connection(b"{}"), Some(0));
        assert_eq!(connection(b""), None);
        assert_eq!(connection(br#"{"cid":"7"}"#), None);
    }

    #[test]
    fn there_are_no_profiles() {
        assert_eq!(
            profile(b""),
            br#"{"profile":null,"error":"Profile name not specified"}"#
        );
        assert_eq!(
            profile(br#"{"name":"heap"}"#),
            br#"{"profile":null,"error":"Profile \"heap\" not found"}"#
        );
    }
}
