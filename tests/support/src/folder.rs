use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder for one test, which goes with it. It is made by who first writes there.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// One that nobody else has; `what` stands in its name.
    pub fn new(what: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("vagus-{what}-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // There may have been nothing in it.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
