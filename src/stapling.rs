//! Keeps what peers are told of the state of our certificates (OCSP stapling) fresh.

use log::{error, info, warn};
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};
use vagus_ocsp::{AskError, ask, now};
use vagus_tls::ocsp::{CertificateStatus, MAX_ANSWER, Staple, StapleError};

use crate::certificates::Occasion;

/// How long a responder may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a server does not go on with its certificates.
#[derive(Debug, thiserror::Error)]
pub enum StaplingError {
    /// Nobody says what their state is.
    #[error("bad OCSP status update for the certificate of [{subject}]: {source}")]
    Unreachable {
        /// Whose certificate.
        subject: String,
        /// Why.
        source: AskError,
    },
    /// What is said cannot be used.
    #[error("bad OCSP status update for the certificate of [{subject}]: {source}")]
    Unusable {
        /// Whose certificate.
        subject: String,
        /// Why.
        source: StapleError,
    },
    /// One is not good, and the server is to end in that case.
    #[error("found existing OCSP status for the certificate of [{subject}]: {status}")]
    NotGood {
        /// Whose certificate.
        subject: String,
        /// What its authority says.
        status: CertificateStatus,
    },
}

/// The thread that asks. It ends with the last of these, but nobody waits for the answer that it may wait for itself.
#[derive(Clone)]
pub(crate) struct Stapler {
    orders: Sender<Order>,
}

enum Order {
    /// Look after these instead.
    Watch(Vec<Arc<Staple>>),
    /// Have this called, once, when the server is to end for a certificate that is not good.
    Tell(Box<dyn FnOnce() + Send>),
}

impl Stapler {
    /// Starts the thread, with nothing to look after.
    pub(crate) fn start() -> io::Result<Self> {
        let (orders, receiver) = channel();
        thread::Builder::new()
            .name("stapling".to_owned())
            .spawn(move || Watch::default().run(&receiver))?;
        Ok(Self { orders })
    }

    /// Looks after these from now on, in place of those of before. They have been [prepared](prepare).
    pub(crate) fn watch(&self, staples: Vec<Arc<Staple>>) {
        self.order(Order::Watch(staples));
    }

    /// Has this called once, when a certificate turns out not to be good with which the server is not to go on.
    pub(crate) fn once_not_good(&self, call: impl FnOnce() + Send + 'static) {
        self.order(Order::Tell(Box::new(call)));
    }

    fn order(&self, order: Order) {
        // The thread ends only after this does.
        let _ = self.orders.send(order);
    }
}

impl fmt::Debug for Stapler {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Stapler")
    }
}

/// Gets the first answers, for those that have none yet. Blocks until all responders have answered.
///
/// # Errors
/// When one does not, or says what a server is not to go on with.
pub(crate) fn prepare(staples: &[Arc<Staple>], occasion: Occasion) -> Result<(), StaplingError> {
    for staple in staples {
        let known = staple.answer().map(|answer| answer.status);
        let status = match known.or_else(|| recall(staple)) {
            Some(status) => status,
            None => match refresh(staple) {
                Ok(status) => status,
                Err(error) if occasion == Occasion::Reload && !staple.ends_server() => {
                    warn!("Can't restart OCSP features: {error}");
                    continue;
                }
                Err(error) => return Err(error),
            },
        };
        judge(staple, status)?;
    }
    Ok(())
}

/// Shows peers what was kept over a restart, if it still holds.
fn recall(staple: &Staple) -> Option<CertificateStatus> {
    let path = staple.kept_in()?;
    let kept = fs::File::open(path).ok()?;
    let mut answer = Vec::new();
    kept.take(MAX_ANSWER as u64 + 1).read_to_end(&mut answer).ok()?;
    staple.take(&answer, now()).ok()
}

/// Keeps an answer over a restart, where that is wanted. Nothing depends on it.
fn keep(staple: &Staple, answer: &[u8]) {
    let Some(path) = staple.kept_in() else { return };
    // Nobody finds half of it.
    let new = path.with_extension("new");
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    let kept = folder
        .and_then(|()| fs::write(&new, answer))
        .and_then(|()| fs::rename(&new, &path));
    if let Err(error) = kept {
        warn!("Failed to write ocsp status {}: {error}", path.display());
    }
}

/// Asks, and shows peers the answer from now on.
fn refresh(staple: &Staple) -> Result<CertificateStatus, StaplingError> {
    let question = staple.question();
    let subject = || question.subject();
    let unusable = |source| StaplingError::Unusable {
        subject: subject(),
        source,
    };
    let bytes = question.to_bytes().map_err(|error| unusable(error.into()))?;
    let answer = ask(staple.urls(), &bytes, TIMEOUT).map_err(|source| StaplingError::Unreachable {
        subject: subject(),
        source,
    })?;
    let status = staple.take(&answer, now()).map_err(unusable)?;
    keep(staple, &answer);
    Ok(status)
}

fn judge(staple: &Staple, status: CertificateStatus) -> Result<(), StaplingError> {
    if status != CertificateStatus::Good && staple.ends_server() {
        return Err(StaplingError::NotGood {
            subject: staple.question().subject(),
            status,
        });
    }
    Ok(())
}

/// What the thread looks after.
#[derive(Default)]
struct Watch {
    /// Each with when it is asked about.
    staples: Vec<(Arc<Staple>, Instant)>,
    tell: Option<Box<dyn FnOnce() + Send>>,
    /// There was a certificate that is not good, and nobody to tell.
    is_over: bool,
}

impl Watch {
    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let order = match self.staples.iter().map(|(_, due)| *due).min() {
                Some(due) => orders.recv_timeout(due.saturating_duration_since(Instant::now())),
                None => orders.recv().map_err(RecvTimeoutError::from),
            };
            match order {
                Ok(Order::Watch(staples)) => {
                    let next = |staple: Arc<Staple>| {
                        let wait = tell_of(&staple);
                        (staple, Instant::now() + wait)
                    };
                    self.staples = staples.into_iter().map(next).collect();
                }
                Ok(Order::Tell(call)) => self.tell = Some(call),
                Err(RecvTimeoutError::Timeout) => self.ask_what_is_due(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.is_over
                && let Some(tell) = self.tell.take()
            {
                tell();
            }
        }
    }

    fn ask_what_is_due(&mut self) {
        for (staple, due) in &mut self.staples {
            if *due > Instant::now() {
                continue;
            }
            staple.expire(now());
            let outcome = refresh(staple).and_then(|status| judge(staple, status));
            let wait = match &outcome {
                Ok(()) => tell_of(staple),
                Err(error) => {
                    let wait = staple.next_question(now());
                    error!("{error}, trying again in {}s", wait.as_secs());
                    wait
                }
            };
            *due = Instant::now() + wait;
            self.is_over |= matches!(outcome, Err(StaplingError::NotGood { .. }));
        }
    }
}

/// Logs what peers are told; says how long until the next question.
fn tell_of(staple: &Staple) -> Duration {
    let wait = staple.next_question(now());
    if let Some(answer) = staple.answer() {
        let (subject, status) = (staple.question().subject(), answer.status);
        let seconds = wait.as_secs();
        match status {
            CertificateStatus::Good => {
                info!("OCSP status of the certificate of [{subject}]: good, checking again in {seconds}s");
            }
            _ => {
                warn!("OCSP status of the certificate of [{subject}]: {status}, checking again in {seconds}s")
            }
        }
    }
    wait
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use vagus_nats::ClientTls;
    use vagus_test_support::Responder;
    use vagus_tls::testing::{Authority, Issued, request};
    use vagus_tls::{Settings, Stapling, StaplingMode};

    /// A certificate that is approved of, and the settings of a server that has it.
    fn approved(responder: &Responder, mode: StaplingMode) -> (Issued, Settings) {
        let authority = Authority::new("ca");
        responder.speak_for(&authority);
        let issued = authority.issue(&request("server").must_staple().responder(responder.url()));
        responder.approve(&issued);
        let settings = Settings {
            certificates: vec![issued.pair()],
            ca: Some(authority.ca()),
            stapling: Some(Stapling {
                mode,
                urls: Vec::new(),
            }),
            ..Settings::default()
        };
        (issued, settings)
    }

    fn ready(settings: &Settings) -> ClientTls {
        let clients = ClientTls::new(settings).unwrap();
        prepare(clients.staples(), Occasion::Start).unwrap();
        clients
    }

    /// What is due at once.
    fn due(clients: &ClientTls) -> Watch {
        Watch {
            staples: clients
                .staples()
                .iter()
                .map(|staple| (staple.clone(), Instant::now()))
                .collect(),
            ..Watch::default()
        }
    }

    #[test]
    fn a_certificate_is_revoked_while_the_server_runs() {
        for (mode, ends) in [
            (StaplingMode::Auto, false),
            (StaplingMode::Must, true),
            (StaplingMode::Always, true),
        ] {
            let responder = Responder::start();
            let (issued, settings) = approved(&responder, mode);
            let clients = ready(&settings);
            let staple = &clients.staples()[0];
            assert_eq!(staple.answer().unwrap().status, CertificateStatus::Good);

            let mut watch = due(&clients);
            watch.ask_what_is_due();
            assert!(!watch.is_over);
            responder.revoke(&issued);
            let mut watch = due(&clients);
            watch.ask_what_is_due();
            assert_eq!(watch.is_over, ends, "{mode:?}");
            assert_eq!(staple.answer().unwrap().status, CertificateStatus::Revoked);
            assert!(
                watch.staples[0].1 > Instant::now(),
                "it is asked about again, later"
            );
        }
    }

    /// A certificate that stays the same is not asked about again when all are read anew.
    #[test]
    fn what_is_known_is_passed_on() {
        let responder = Responder::start();
        let (_, settings) = approved(&responder, StaplingMode::Must);
        let before = ready(&settings);
        let other = Authority::new("somebody else");
        responder.speak_for(&other);
        let clients = ClientTls::after(&settings, Some(&before)).unwrap();
        prepare(clients.staples(), Occasion::Reload).unwrap();
        assert_eq!(clients.staples()[0].answer(), before.staples()[0].answer());

        let (_, renewed) = approved(&Responder::start(), StaplingMode::Must);
        let clients = ClientTls::after(&renewed, Some(&before)).unwrap();
        assert_eq!(clients.staples()[0].answer(), None);
    }

    /// A server that starts is not to tell clients nothing; one that runs goes on, unless told otherwise.
    #[test]
    fn nobody_answers() {
        for (mode, goes_on) in [
            (StaplingMode::Auto, true),
            (StaplingMode::Must, false),
            (StaplingMode::Always, false),
        ] {
            let responder = Responder::start();
            let (_, settings) = approved(&responder, mode);
            responder.speak_for(&Authority::new("somebody else"));
            let clients = ClientTls::new(&settings).unwrap();
            assert!(prepare(clients.staples(), Occasion::Start).is_err());
            assert_eq!(
                prepare(clients.staples(), Occasion::Reload).is_ok(),
                goes_on,
                "{mode:?}"
            );
        }
    }

    /// What is kept in a folder is shown after a restart, for as long as it holds; what is none is got anew.
    #[test]
    fn an_answer_outlives_the_server() {
        let folder = std::env::temp_dir().join(format!("vagus-staples-{}", std::process::id()));
        let responder = Responder::start();
        let (_, mut settings) = approved(&responder, StaplingMode::Must);
        settings.staple_store = Some(folder.join("ocsp"));
        let path = ready(&settings).staples()[0].kept_in().unwrap();
        let asked = responder.asked();
        let clients = ready(&settings);
        assert_eq!(responder.asked(), asked);
        assert!(clients.staples()[0].answer().is_some());
        fs::write(&path, "nonsense").unwrap();
        assert!(ready(&settings).staples()[0].answer().is_some());
        assert_eq!(responder.asked(), asked + 1);
        fs::remove_dir_all(folder).unwrap();
    }

    /// What was said holds until it ends, whatever becomes of the responder.
    #[test]
    fn a_responder_falls_silent() {
        let responder = Responder::start();
        let (_, settings) = approved(&responder, StaplingMode::Must);
        let clients = ready(&settings);
        responder.speak_for(&Authority::new("somebody else"));
        let mut watch = due(&clients);
        watch.ask_what_is_due();
        assert!(!watch.is_over);
        let staple = &clients.staples()[0];
        assert_eq!(staple.answer().unwrap().status, CertificateStatus::Good);
        staple.expire(now());
        assert!(staple.answer().is_some());
        const MONTH: i64 = 30 * 86_400;
        staple.expire(now() + MONTH);
        assert_eq!(staple.answer(), None);
    }

    #[test]
    fn who_is_told() {
        let responder = Responder::start();
        let (issued, settings) = approved(&responder, StaplingMode::Must);
        let clients = ready(&settings);
        responder.revoke(&issued);
        let (orders, receiver) = channel();
        let (tell, told) = channel();
        let watch = due(&clients);
        let thread = thread::spawn(move || watch.run(&receiver));
        let call = move || tell.send(()).unwrap();
        orders.send(Order::Tell(Box::new(call))).unwrap();
        told.recv().unwrap();
        drop(orders);
        thread.join().unwrap();
    }

    #[test]
    fn half_of_the_time_is_waited() {
        let responder = Responder::start();
        let (_, settings) = approved(&responder, StaplingMode::Must);
        let clients = ready(&settings);
        let staple = &clients.staples()[0];
        let end = staple.answer().unwrap().next_update.unwrap();
        assert_eq!(staple.next_question(end - 7200), Duration::from_secs(3600));
        assert_eq!(staple.next_question(end - 10), Duration::from_secs(5));
        assert_eq!(staple.next_question(end - 1), Duration::from_secs(1));
        assert_eq!(staple.next_question(end), Duration::from_secs(1));
        assert_eq!(staple.next_question(end + 9999), Duration::from_secs(120));
    }
}
