//! What a panic of an actor means.
//!
//! A panic where a peer's bytes are handled is contained and costs that peer its connection. The actors of the control
//! plane see no such bytes: a panic of one is a defect of ours, and without it a server would only seem to run.

/// Call it when an actor of the control plane is dropped: if that is because of a panic, the process ends, loudly.
pub(crate) fn end_if_panicking(who: &str) {
    if std::thread::panicking() {
        log::error!("{who} has panicked: there is nothing to go on with");
        log::logger().flush();
        std::process::abort();
    }
}
