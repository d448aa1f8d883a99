//! A file that is replaced as a whole: a reader has all of the old or all of the new one.

use rustix::fs::{Gid, Uid, fchown};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Puts `text` in place of the file, which keeps its mode and, as far as we may, its owner.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    // A link stays one: what it leads to is replaced.
    let path = fs::canonicalize(path)?;
    let known = fs::metadata(&path)?;
    let new = beside(&path);
    let written = write(&new, text, &known).and_then(|()| fs::rename(&new, &path));
    if written.is_err() {
        // What went wrong before is the one to tell.
        let _ = fs::remove_file(&new);
        return written;
    }
    // The name is to survive a crash, too.
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// A name in the same folder, so that it is of the same file system.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.new", std::process::id()))
}

fn write(path: &Path, text: &str, known: &fs::Metadata) -> io::Result<()> {
    // One that was left behind by a process of the same number would be followed if it were a link.
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (known.uid(), known.gid()) {
        fchown(
            &file,
            Some(Uid::from_raw(known.uid())),
            Some(Gid::from_raw(known.gid())),
        )?;
    }
    file.set_permissions(fs::Permissions::from_mode(known.mode() & 0o7777))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::replace;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_new_text_has_the_mode_of_the_old() {
        let folder = std::env::temp_dir().join(format!("vagus-{}-replace", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (path, link) = (folder.join("a.conf"), folder.join("link.conf"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        replace(&link, "new").unwrap();
        let names: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        let (text, mode) = (
            fs::read_to_string(&path).unwrap(),
            fs::metadata(&path).unwrap().permissions().mode(),
        );
        let is_link = fs::symlink_metadata(&link).unwrap().is_symlink();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!((text.as_str(), mode & 0o7777, is_link), ("new", 0o640, true));
        assert_eq!(names.len(), 2, "{names:?}");
    }

    #[test]
    fn what_is_not_there_is_not_made() {
        let path = std::env::temp_dir().join("vagus-nowhere/none.conf");
        replace(&path, "new").unwrap_err();
    }
}
