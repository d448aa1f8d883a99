use super::{AskError, ask, now};
use openssl::ssl::SslRef;
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use vagus_tls::ocsp::{
    Answer, AnswerCache, CertificateStatus, Known, PeerVerdict, Question, Silence, links_to_check,
};
use vagus_tls::{OcspCache, OcspPeer};

/// How many authorities are asked at one time.
const ASKING_AT_MOST: usize = 8;

/// How many questions may wait for that. Who does not get a place is one whose authority cannot be reached.
const WAITING_AT_MOST: usize = 1024;

/// Asks the authorities of peers whether their certificates are good. Its threads end with it.
#[derive(Debug)]
pub struct PeerChecks {
    settings: OcspPeer,
    cache: Mutex<AnswerCache>,
    waiting: SyncSender<Errand>,
}

/// A question on its way.
struct Errand {
    question: Vec<u8>,
    responders: Vec<String>,
    timeout: Duration,
    answer: oneshot::Sender<Result<Vec<u8>, AskError>>,
}

impl PeerChecks {
    /// Starts the threads that ask.
    ///
    /// # Errors
    /// When the system has no threads to give.
    pub fn start(settings: OcspPeer, cache: OcspCache) -> io::Result<Self> {
        let (waiting, errands) = sync_channel(WAITING_AT_MOST);
        let errands = Arc::new(Mutex::new(errands));
        for _ in 0..ASKING_AT_MOST {
            let errands = errands.clone();
            thread::Builder::new()
                .name("ocsp".to_owned())
                .spawn(move || run(&errands))?;
        }
        Ok(Self {
            settings,
            cache: Mutex::new(AnswerCache::new(cache)),
            waiting,
        })
    }

    /// Whether the peer is let in, with whom the handshake is over. What is tolerated is logged. Ends at `until`, when
    /// whoever has not been asked about is one whose authority cannot be reached.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn check(&self, ssl: &SslRef, until: Instant) -> Result<(), String> {
        // Taken out at once: no certificate is held on to while somebody is asked.
        let links = links_to_check(ssl).map_err(|error| error.to_string())?;
        for link in links {
            match self.check_link(&link, until).await {
                PeerVerdict::Good => {}
                PeerVerdict::Tolerated(reason) => {
                    log::warn!(
                        "OCSP: the certificate of [{}] is let pass: {reason}",
                        link.subject()
                    );
                }
                PeerVerdict::Refused(reason) => {
                    return Err(format!(
                        "client not OCSP valid: certificate of [{}]: {reason}",
                        link.subject()
                    ));
                }
            }
        }
        Ok(())
    }

    async fn check_link(&self, link: &Question, until: Instant) -> PeerVerdict {
        let Ok(fingerprint) = link.fingerprint() else {
            return PeerVerdict::Refused("it has no fingerprint".to_owned());
        };
        let known = self.cache.lock().known(&fingerprint, &self.settings, now());
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
        let unreachable = |reason: &dyn std::fmt::Display| Silence::Unreachable(reason.to_string());
        let (answer, answered) = oneshot::channel();
        let errand = Errand {
            question: link.to_bytes().map_err(|error| unreachable(&error))?,
            responders: link.responders(),
            timeout: self.settings.ca_timeout,
            answer,
        };
        if self.waiting.try_send(errand).is_err() {
            return Err(unreachable(&"too many questions wait already"));
        }
        let bytes = match tokio::time::timeout_at(until.into(), answered).await {
            Ok(Ok(bytes)) => bytes.map_err(|error| unreachable(&error))?,
            Ok(Err(_)) => return Err(unreachable(&"nobody asks any more")),
            Err(_) => return Err(unreachable(&"it takes too long")),
        };
        let answer = link.read(&bytes)?;
        if !self.settings.is_current(&answer, now()) {
            return Err(Silence::NotCurrent);
        }
        Ok(answer)
    }
}

fn run(errands: &Mutex<Receiver<Errand>>) {
    loop {
        // One waits for the next errand, the others for that one.
        let Ok(errand) = errands.lock().recv() else {
            return;
        };
        // Whoever wanted to know is gone.
        if errand.answer.is_closed() {
            continue;
        }
        let answer = ask(&errand.responders, &errand.question, errand.timeout);
        // Nobody may want to know any more.
        let _ = errand.answer.send(answer);
    }
}
