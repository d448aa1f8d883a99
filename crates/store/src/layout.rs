//! Where everything is, below the folder that is configured.
//!
//! ```text
//! <store_dir>/jetstream/<account>/streams/<stream>/   what a stream is, its checkpoints and segments
//!                      /.log/                         the write-ahead log
//!                      /.lock  .ids.a  .ids.b  .reserve
//!                      /.quarantine/                  what could not be read
//!                      /.removed/                     streams that are being removed
//! ```

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Longer names are told apart by a checksum of their ends.
const NAME_AT_MOST: usize = 200;

/// The folders and files of a store.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(crate) fn new(store_dir: &Path) -> Self {
        Self {
            root: store_dir.join("jetstream"),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join(".lock")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.root.join(".log")
    }

    pub(crate) fn reserve(&self) -> PathBuf {
        self.root.join(".reserve")
    }

    pub(crate) fn quarantine(&self) -> PathBuf {
        self.root.join(".quarantine")
    }

    pub(crate) fn removed(&self) -> PathBuf {
        self.root.join(".removed")
    }

    pub(crate) fn streams(&self, account: &str) -> PathBuf {
        self.root.join(folder_name(account)).join("streams")
    }

    pub(crate) fn stream(&self, account: &str, stream: &str) -> PathBuf {
        self.streams(account).join(folder_name(stream))
    }
}

/// How a folder is called that stands for a name: as it, if that is no path and nothing of our own. The name itself is in a
/// file there; this is a label.
pub(crate) fn folder_name(name: &str) -> String {
    let mut folder = String::with_capacity(name.len());
    for (place, byte) in name.bytes().enumerate() {
        let is_plain = byte.is_ascii_alphanumeric() || b"_-$@+=".contains(&byte) || byte == b'.' && place > 0;
        if is_plain {
            folder.push(char::from(byte));
        } else {
            // Writing into a string does not fail.
            let _ = write!(folder, "%{byte:02X}");
        }
    }
    if folder.len() > NAME_AT_MOST {
        let checksum = crc32c::crc32c(name.as_bytes());
        folder.truncate(NAME_AT_MOST);
        let _ = write!(folder, "%{checksum:08x}{:x}", name.len());
    }
    folder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folders_and_never_paths() {
        for (name, folder) in [
            ("ORDERS", "ORDERS"),
            ("$G", "$G"),
            ("a.b", "a.b"),
            (".log", "%2Elog"),
            ("..", "%2E."),
            ("a/b", "a%2Fb"),
            ("%", "%25"),
            ("ü", "%C3%BC"),
        ] {
            assert_eq!(folder_name(name), folder);
        }
        let long = ["x".repeat(300), "x".repeat(301)];
        assert!(folder_name(&long[0]).len() < 255);
        assert_ne!(folder_name(&long[0]), folder_name(&long[1]));
    }
}
