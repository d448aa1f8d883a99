//! How many files, sockets among them, this process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises it as far as the system lets us, as Go's runtime does unasked. Each connection takes one.
pub(crate) fn allow_all() {
    let limit = getrlimit(Resource::Nofile);
    let allowed =
        |count: Option<u64>| count.map_or_else(|| "any number of".to_owned(), |count| count.to_string());
    let (before, now) = (allowed(limit.current), allowed(limit.maximum));
    if before == now {
        log::debug!("May have {now} files open");
        return;
    }
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => log::debug!("May have {now} files open instead of {before}"),
        Err(error) => log::debug!("May have {before} files open, and no more: {error}"),
    }
}
