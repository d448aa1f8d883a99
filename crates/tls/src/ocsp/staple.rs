use super::{Answer, AnswerError, CertificateStatus, Question};
use crate::structure::demands_staple;
use crate::{Stapling, StaplingMode};
use openssl::error::ErrorStack;
use openssl::x509::{X509, X509Ref, X509VerifyResult};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use thiserror::Error;

/// How far clocks may be apart, in seconds.
const SKEW: i64 = 30;

/// How long an answer is used that does not say for how long it holds, and how long until the next is got.
const DAY: i64 = 86_400;

/// How long until a question is asked again that nobody has answered, or whose answer no longer holds.
const PAUSE: Duration = Duration::from_secs(120);

/// The shortest time between two questions.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// What is told to peers of the state of one of our certificates.
pub struct Staple {
    question: Question,
    urls: Vec<String>,
    ends_server: bool,
    /// The folder where the answer is kept, if it is.
    store: Option<PathBuf>,
    /// What is shown in handshakes.
    answer: RwLock<Option<Arc<Answer>>>,
}

/// Why there is nothing to tell peers.
#[derive(Debug, Error)]
pub enum StapleError {
    /// Neither the file of the certificate nor that of the authorities has who signed it.
    #[error("the certificate of its issuer is neither behind it in cert_file nor in ca_file")]
    NoIssuer,
    /// Neither the certificate nor the settings say whom to ask.
    #[error("it does not say whom to ask, and ocsp has no url")]
    NoResponder,
    /// What came back is no answer.
    #[error("the answer cannot be used: {0}")]
    Answer(#[from] AnswerError),
    /// It no longer holds, or not yet.
    #[error("the answer does not hold at this time")]
    NotCurrent,
    /// Something that the library says.
    #[error(transparent)]
    Library(#[from] ErrorStack),
}

impl Staple {
    /// That of a certificate, if peers are to be told about it at all.
    ///
    /// # Errors
    /// When they are, but it is not known whom to ask.
    pub(crate) fn of(
        certificate: &X509Ref,
        candidates: &[X509],
        stapling: &Stapling,
        store: Option<&Path>,
    ) -> Result<Option<Self>, StapleError> {
        let demands = demands_staple(&certificate.to_der()?);
        let (wanted, ends_server) = match stapling.mode {
            StaplingMode::Never => (false, false),
            StaplingMode::Auto => (demands, false),
            StaplingMode::Must => (demands, true),
            StaplingMode::Always => (true, true),
        };
        if !wanted {
            return Ok(None);
        }
        let mut issuers = candidates.iter();
        let issuer = issuers.find(|issuer| issuer.issued(certificate) == X509VerifyResult::OK);
        let question = Question::new(certificate, issuer.ok_or(StapleError::NoIssuer)?);
        let urls = match stapling.urls.as_slice() {
            [] => question.responders(),
            urls => urls.to_vec(),
        };
        // Without consequences it is found out when somebody asks.
        if urls.is_empty() && ends_server {
            return Err(StapleError::NoResponder);
        }
        Ok(Some(Self {
            question,
            urls,
            ends_server,
            store: store.map(Path::to_path_buf),
            answer: RwLock::default(),
        }))
    }

    /// What is asked.
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// Who is asked, in order, until one answers.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// The file where the answer is kept over a restart, if it is: one for each certificate.
    pub fn kept_in(&self) -> Option<PathBuf> {
        let fingerprint = self.question.fingerprint().ok()?;
        let name: String = fingerprint.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(self.store.as_ref()?.join(name))
    }

    /// Whether the server does not go on with a certificate that is not good.
    pub fn ends_server(&self) -> bool {
        self.ends_server
    }

    /// Takes what came back, at a time in seconds from 1970, and shows it to peers from now on.
    ///
    /// # Errors
    /// When it is no answer, or does not hold.
    pub fn take(&self, bytes: &[u8], now: i64) -> Result<CertificateStatus, StapleError> {
        let answer = self.question.read(bytes)?;
        if !answer.is_current(now, SKEW, DAY) {
            return Err(StapleError::NotCurrent);
        }
        let status = answer.status;
        *self.answer.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(answer));
        Ok(status)
    }

    /// No longer shows what no longer holds: it would be worse than nothing.
    pub fn expire(&self, now: i64) {
        let mut answer = self.answer.write().unwrap_or_else(PoisonError::into_inner);
        if answer
            .as_ref()
            .is_some_and(|answer| !answer.is_current(now, SKEW, DAY))
        {
            *answer = None;
        }
    }

    /// What peers are shown.
    pub fn answer(&self) -> Option<Arc<Answer>> {
        self.answer.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long until the next answer is got: half of the time that this one still holds.
    pub fn next_question(&self, now: i64) -> Duration {
        let Some(answer) = self.answer() else {
            return PAUSE;
        };
        let left = answer.next_update.map_or(2 * DAY, |end| end.saturating_sub(now));
        match u64::try_from(left) {
            Ok(left) => (Duration::from_secs(left) / 2).max(SHORTEST_PAUSE),
            Err(_) => PAUSE,
        }
    }

    /// Shows what a staple of before has, if it is about the same certificate.
    pub fn inherit(&self, other: &Self) {
        let fingerprints = (self.question.fingerprint(), other.question.fingerprint());
        if matches!(fingerprints, (Ok(own), Ok(other)) if own == other) {
            *self.answer.write().unwrap_or_else(PoisonError::into_inner) = other.answer();
        }
    }
}

impl fmt::Debug for Staple {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Staple")
            .field("question", &self.question)
            .field("urls", &self.urls)
            .finish_non_exhaustive()
    }
}
