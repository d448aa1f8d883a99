use super::{Outcome, Propose, Reload, ReloadError, ReloadState};
use crate::mailbox::Observe;
use actix::Addr;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How many proposals may wait for the Reload at one time: each may be a whole configuration.
const PROPOSALS_AT_MOST: usize = 8;

/// Asks the Reload, for those that are no actors but live on the thread of some.
#[derive(Clone)]
pub struct Configurator {
    reload: Addr<Reload>,
    /// Places for proposals.
    places: Arc<Semaphore>,
}

impl Configurator {
    /// Asks this one.
    pub fn new(reload: Addr<Reload>) -> Self {
        Self {
            reload,
            places: Arc::new(Semaphore::new(PROPOSALS_AT_MOST)),
        }
    }

    /// Proposes to set the server otherwise.
    ///
    /// # Errors
    /// Why it was not followed: nothing has changed then. That others wait already, too.
    pub async fn propose(&self, propose: Propose) -> Result<Outcome, ReloadError> {
        let place = self.places.clone().try_acquire_owned();
        let place = place.map_err(|_| ReloadError::Busy)?;
        let answer = self.reload.send(propose);
        // A task of its own has the place: the asker may give up waiting, and what was sent still waits.
        let asking = actix::spawn(async move {
            let answer = answer.await;
            drop(place);
            answer
        });
        match asking.await {
            Ok(Ok(answer)) => answer,
            _ => Err(ReloadError::Unavailable("the server is about to stop".to_owned())),
        }
    }

    /// How the server is set, and was; None if it is at its end.
    pub async fn state(&self) -> Option<ReloadState> {
        self.reload.send(Observe::new()).await.ok()
    }
}

impl std::fmt::Debug for Configurator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Configurator").finish_non_exhaustive()
    }
}
