//! Tells the supervisor of this process how it is: systemd, or another one that speaks its protocol of datagrams.

use sd_notify::{NotifyState, notify};

/// What can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// It serves.
    Ready,
    /// It lets its clients go, and will end.
    LameDuck,
    /// It ends.
    Stopping,
}

/// Tells the supervisor, if there is one that wants to know. Nothing depends on it.
pub(crate) fn tell(news: News) {
    let told = match news {
        News::Ready => notify(&[NotifyState::Ready, NotifyState::Status("Server is ready")]),
        News::LameDuck => notify(&[NotifyState::Status("Lame duck mode: clients are being closed")]),
        News::Stopping => notify(&[NotifyState::Stopping, NotifyState::Status("Shutting down")]),
    };
    if let Err(error) = told {
        log::warn!("Cannot tell the supervisor: {error}");
    }
}
