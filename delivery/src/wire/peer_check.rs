//! A check of a peer in the middle of its handshake.

use super::HandshakeError;
use super::tls_layer::Stream;
use futures_util::future::{Either, select};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use tokio::sync::{mpsc, oneshot};
use vagus_tls::ocsp::Question;
use vagus_tls::{StreamError, Unfinished, Verifier};

/// Decides about peers by what is said of their certificates.
pub trait PeerCheck {
    /// Why the peer is not let in, if it is not. Ends in bounded time.
    fn check<'a>(
        &'a self,
        questions: Vec<Question>,
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;
}

/// What the library wants to know, and where it waits for the answer.
type Asked = (Vec<Question>, Sender<bool>);

/// Answers what the library asks about one peer.
pub(super) struct Checking<'a> {
    check: &'a dyn PeerCheck,
    asked: mpsc::UnboundedReceiver<Asked>,
}

impl<'a> Checking<'a> {
    pub(super) fn by(check: &'a dyn PeerCheck) -> (Self, Verifier) {
        // The library waits for each answer, so there is one question at most.
        let (ask, asked) = mpsc::unbounded_channel::<Asked>();
        let verifier = move |questions| {
            let (answer, answered) = channel();
            // Nobody listens any more if the handshake is not waited for.
            ask.send((questions, answer)).is_ok() && answered.recv().unwrap_or(false)
        };
        (Self { check, asked }, Box::new(verifier))
    }

    /// A step of the handshake. The library may ask in any, and waits for the answer, so each has a thread to itself. The stream comes
    /// back with what the step came to.
    pub(super) async fn step(
        &mut self,
        mut stream: Stream,
    ) -> Result<(Stream, Result<(), Unfinished>), HandshakeError> {
        let (done, is_done) = oneshot::channel();
        let step = move || {
            let outcome = stream.handshake();
            // Nobody waits for it if it took too long.
            let _ = done.send((stream, outcome));
        };
        let thread = thread::Builder::new().name("handshake".to_owned());
        thread.spawn(step).map_err(StreamError::Carrier)?;
        let mut is_done = pin!(is_done);
        let mut refusal = None;
        loop {
            let asked = pin!(self.asked.recv());
            match select(is_done.as_mut(), asked).await {
                Either::Left((Ok((stream, outcome)), _)) => {
                    return match (refusal, outcome) {
                        (Some(reason), Err(Unfinished::Failed(_))) => Err(HandshakeError::Refused(reason)),
                        (_, outcome) => Ok((stream, outcome)),
                    };
                }
                Either::Right((Some((questions, answer)), _)) => {
                    let verdict = self.check.check(questions).await;
                    // It waits.
                    let _ = answer.send(verdict.is_ok());
                    refusal = verdict.err();
                }
                Either::Left((Err(_), _)) | Either::Right((None, _)) => {
                    let gone = std::io::Error::other("the thread of the handshake has ended");
                    return Err(StreamError::Carrier(gone).into());
                }
            }
        }
    }
}
