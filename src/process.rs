//! What the process leaves on disk and sends to other processes.

pub(crate) mod control;
pub(crate) mod descriptors;
pub(crate) mod pid_file;
pub(crate) mod ports_file;
pub(crate) mod signal;
pub(crate) mod supervisor;

/// The name this program was called by, without folders.
pub(crate) fn program_name() -> String {
    std::env::args_os()
        .next()
        .as_deref()
        .map(std::path::Path::new)
        .and_then(std::path::Path::file_name)
        .map_or_else(
            || env!("CARGO_PKG_NAME").to_owned(),
            |name| name.to_string_lossy().into_owned(),
        )
}
