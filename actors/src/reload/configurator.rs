use super::{Outcome, Propose, Reload, ReloadError, ReloadState};
use crate::mailbox::Observe;
use actix::Addr;

/// Asks the Reload, for whoever is no actor; from any thread.
#[derive(Clone)]
pub struct Configurator {
    reload: Addr<Reload>,
}

impl Configurator {
    /// Asks this one.
    pub fn new(reload: Addr<Reload>) -> Self {
        Self { reload }
    }

    /// Proposes to set the server otherwise.
    ///
    /// # Errors
    /// Why it was not followed. Nothing has changed then.
    pub async fn propose(&self, propose: Propose) -> Result<Outcome, ReloadError> {
        self.reload
            .send(propose)
            .await
            .unwrap_or_else(|_| Err(ReloadError::Unavailable("the server is about to stop".to_owned())))
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
