//! What a backup is on disk.

use super::BackupError;
use serde_json::{Map, Value};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What a stream is.
const DESCRIPTION: &str = "backup.json";
/// What is in it.
const CONTENT: &str = "stream.tar.s2";

/// How long a description may be, in bytes: a stream has at most so many subjects as a request can name.
const DESCRIPTION_AT_MOST: u64 = 64 << 20;

/// A backup that is being written. Unless it is [kept](Self::keep) nothing of it stays, and what was there before does.
pub(super) struct Unfinished {
    folder: PathBuf,
    path: PathBuf,
    file: File,
}

impl Unfinished {
    /// In this folder, which is made if there is none.
    pub(super) fn begin(folder: &Path, is_forced: bool) -> Result<Self, BackupError> {
        // Only who made it may read what was in the streams.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(BackupError::at(folder))?;
        if !is_forced
            && [DESCRIPTION, CONTENT]
                .iter()
                .any(|name| folder.join(name).exists())
        {
            return Err(BackupError::Exists(folder.to_owned()));
        }
        let path = folder.join(format!("{CONTENT}.part"));
        let file = create(&path).map_err(BackupError::at(&path))?;
        Ok(Self {
            folder: folder.to_owned(),
            path,
            file,
        })
    }

    pub(super) fn write(&mut self, piece: &[u8]) -> Result<(), BackupError> {
        self.file.write_all(piece).map_err(BackupError::at(&self.path))
    }

    /// All of it has come. It is on disk when this is done.
    pub(super) fn keep(self, description: &Value) -> Result<(), BackupError> {
        let keep = || {
            self.file.sync_all()?;
            let part = self.folder.join(format!("{DESCRIPTION}.part"));
            let mut file = create(&part)?;
            serde_json::to_writer_pretty(&file, description)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            // The description of another backup is not to stand beside what is in this one.
            let kept = self.folder.join(DESCRIPTION);
            match fs::remove_file(&kept) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            fs::rename(&self.path, self.folder.join(CONTENT))?;
            fs::rename(part, kept)?;
            File::open(&self.folder)?.sync_all()
        };
        keep().map_err(BackupError::at(&self.folder))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // It is not there any more if it was kept.
        let _ = fs::remove_file(&self.path);
    }
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)
}

/// A backup that can be read.
pub(super) struct Backup {
    pub(super) folder: PathBuf,
    /// What the stream is called.
    pub(super) name: String,
    /// What the server is told of it.
    pub(super) description: Map<String, Value>,
    content: File,
    /// How many bytes its content has.
    pub(super) size: u64,
}

impl Backup {
    pub(super) fn open(folder: &Path) -> Result<Self, BackupError> {
        let path = folder.join(DESCRIPTION);
        let at = BackupError::at(&path);
        let mut text = Vec::new();
        let file = File::open(&path).map_err(&at)?;
        let read = file.take(DESCRIPTION_AT_MOST).read_to_end(&mut text);
        read.map_err(&at)?;
        let undescribed = |why: String| BackupError::Undescribed {
            path: path.clone(),
            why,
        };
        let description: Map<String, Value> =
            serde_json::from_slice(&text).map_err(|error| undescribed(error.to_string()))?;
        let name = description.get("config").and_then(|config| config.get("name"));
        let name = name.and_then(Value::as_str);
        let name = name.filter(|name| crate::commands::stream::checked(name).is_ok());
        let name = name.ok_or_else(|| undescribed("it has no name of a stream".to_owned()))?;
        let path = folder.join(CONTENT);
        let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (size, content) = opened.map_err(BackupError::at(&path))?;
        Ok(Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
            description,
            content,
            size,
        })
    }

    /// The next piece of its content, of at most so many bytes; none: that was all.
    pub(super) fn next(&mut self, length: u64) -> Result<Vec<u8>, BackupError> {
        let mut piece = Vec::new();
        let read = (&self.content).take(length).read_to_end(&mut piece);
        read.map_err(BackupError::at(&self.folder.join(CONTENT)))?;
        Ok(piece)
    }
}

/// The folders in this one that have backups, by name.
pub(super) fn backups_in(folder: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let list = || -> io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?
            .map(|entry| Ok(entry?.path()))
            .filter(|path| {
                path.as_ref()
                    .map_or(true, |path| path.join(DESCRIPTION).is_file())
            })
            .collect()
    };
    let mut folders = list().map_err(BackupError::at(folder))?;
    folders.sort();
    match folders.is_empty() {
        true => Err(BackupError::NoBackups(folder.to_owned())),
        false => Ok(folders),
    }
}
