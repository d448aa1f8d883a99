//! The file that tells our process id. It stays when the process ends.

use std::io;
use std::path::Path;

/// Writes the decimal digits of our process id, without a newline: readers parse the file as it is.
pub(crate) fn write(path: &Path) -> io::Result<()> {
    std::fs::write(path, std::process::id().to_string())
}
