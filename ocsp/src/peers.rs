use super::kept::KeptAnswers;
use super::{AskError, ask, now};
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::thread;
use std::time::Instant;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout_at;
use vagus_actors::connection_events::{ConnectionEvents, RefusedCertificate};
use vagus_actors::flood::UNCHECKED_CERTIFICATES;
use vagus_delivery::wire::PeerCheck;
use vagus_tls::ocsp::{Answer, CacheStatistics, CertificateStatus, Known, PeerVerdict, Question, Silence};
use vagus_tls::{OcspCache, OcspPeer};

/// How many authorities are asked at one time, each on a thread for that long. Others wait for their turn.
const ASKING_AT_MOST: usize = 16;

/// Asks the authorities of peers whether their certificates are good.
#[derive(Debug)]
pub struct PeerChecks {
    settings: OcspPeer,
    /// What peers are called in the log.
    peers: &'static str,
    /// Who is asked instead of those that certificates name, if anybody is.
    urls: Vec<String>,
    cache: Arc<KeptAnswers>,
    turns: Arc<Semaphore>,
}

impl PeerChecks {
    /// Knowing what was kept, and what those `before` know if they remember in the same way.
    pub fn new(settings: OcspPeer, cache: &OcspCache, before: Option<&Self>) -> Self {
        let same = before.filter(|before| before.cache.is_as(cache));
        Self {
            settings,
            peers: "client",
            urls: Vec::new(),
            cache: same.map_or_else(|| KeptAnswers::new(cache.clone()), |before| before.cache.clone()),
            turns: Arc::new(Semaphore::new(ASKING_AT_MOST)),
        }
    }

    /// The peers are other servers.
    #[must_use]
    pub fn of_servers(mut self) -> Self {
        self.peers = "server";
        self
    }

    /// Asks these, in order, instead of those that certificates name, if there are any.
    #[must_use]
    pub fn asking(mut self, urls: &[String]) -> Self {
        self.urls = urls.to_vec();
        self
    }

    /// What is remembered of answers, if anything is to be.
    pub fn statistics(&self) -> Option<CacheStatistics> {
        self.cache.is_on().then(|| self.cache.lock().statistics())
    }

    /// Writes down what was said since that was done last, where it is kept over a restart.
    pub fn keep(&self) {
        self.cache.write();
    }

    /// To check one peer with, until then: a responder that has not answered by that time cannot be reached. Of a certificate
    /// that is refused it is told in `events`.
    pub fn until<'a>(&'a self, until: Instant, events: &'a ConnectionEvents) -> ChecksUntil<'a> {
        ChecksUntil {
            checks: self,
            until,
            events,
        }
    }

    /// Whether the peer is let in. What is tolerated is logged.
    async fn check(
        &self,
        links: Vec<Question>,
        until: Instant,
        events: &ConnectionEvents,
    ) -> Result<(), String> {
        for link in links {
            match self.check_link(&link, until).await {
                PeerVerdict::Good => {}
                PeerVerdict::Tolerated(reason) => {
                    UNCHECKED_CERTIFICATES.say(format_args!(
                        "OCSP: the certificate of [{}] is accepted unchecked: {reason}",
                        link.subject()
                    ));
                }
                PeerVerdict::Refused { reason, told } => {
                    events.refused_certificate(|| RefusedCertificate {
                        link: link.shown(),
                        peer: link.shown_peer(),
                        reason: told,
                    });
                    return Err(format!(
                        "{} not OCSP valid: the certificate of [{}]: {reason}",
                        self.peers,
                        link.subject()
                    ));
                }
            }
        }
        Ok(())
    }

    async fn check_link(&self, link: &Question, until: Instant) -> PeerVerdict {
        let Ok(fingerprint) = link.fingerprint() else {
            return PeerVerdict::Refused {
                reason: "it has no fingerprint".to_owned(),
                told: "Empty chainlink found".to_owned(),
            };
        };
        let known = {
            let mut cache = self.cache.lock();
            cache.read_kept(&fingerprint, link);
            cache.known(&fingerprint, &self.settings, now())
        };
        let was_revoked = match known {
            Known::Current(status) => return self.settings.judge(Ok(status), false),
            Known::Ask { was_revoked } => was_revoked,
        };
        let said = self.ask(link, until).await;
        if let Ok(answer) = &said {
            let mut cache = self.cache.lock();
            cache.remember(fingerprint, answer, &self.settings, now());
        }
        let status: Result<CertificateStatus, Silence> = said.map(|answer| answer.status);
        self.settings
            .judge(status.as_ref().map(|status| *status), was_revoked)
    }

    async fn ask(&self, link: &Question, until: Instant) -> Result<Answer, Silence> {
        let question = link.to_bytes().map_err(|error| unreachable(&error))?;
        let turn = in_time(until, self.turns.clone().acquire_owned()).await?;
        let responders = match self.urls.as_slice() {
            [] => link.responders(),
            urls => urls.to_vec(),
        };
        let timeout = self.settings.ca_timeout;
        let (answer, answered) = oneshot::channel::<Result<Vec<u8>, AskError>>();
        let errand = move || {
            // Who wanted to know may be gone.
            let _ = answer.send(ask(&responders, &question, timeout));
            drop(turn);
        };
        let thread = thread::Builder::new().name("ocsp".to_owned());
        thread.spawn(errand).map_err(|error| unreachable(&error))?;
        let bytes = in_time(until, answered)
            .await?
            .map_err(|error| unreachable(&error))?;
        let answer = link.read(&bytes)?;
        if !self.settings.is_current(&answer, now()) {
            return Err(Silence::NotCurrent);
        }
        Ok(answer)
    }
}

/// The checks of one peer.
#[derive(Debug)]
pub struct ChecksUntil<'a> {
    checks: &'a PeerChecks,
    until: Instant,
    events: &'a ConnectionEvents,
}

impl PeerCheck for ChecksUntil<'_> {
    fn check<'a>(&'a self, links: Vec<Question>) -> Pin<Box<dyn Future<Output = Result<(), String>> + 'a>> {
        Box::pin(self.checks.check(links, self.until, self.events))
    }
}

fn unreachable(reason: &dyn Display) -> Silence {
    Silence::Unreachable(reason.to_string())
}

async fn in_time<T, E: Display>(
    until: Instant,
    wanted: impl Future<Output = Result<T, E>>,
) -> Result<T, Silence> {
    match timeout_at(until.into(), wanted).await {
        Ok(outcome) => outcome.map_err(|error| unreachable(&error)),
        Err(_) => Err(unreachable(&"it takes too long")),
    }
}
