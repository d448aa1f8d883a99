//! The log file, and how it is moved aside.

use super::line::LineFormat;
use super::record::Label;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use vagus_configs::Logging;

/// A file that lines are appended to and that is moved aside when it has grown past a limit.
#[derive(Debug)]
pub(crate) struct LogFile {
    path: PathBuf,
    file: File,
    size: u64,
    /// The size that was asked for; 0 for none.
    limit: u64,
    /// The size at which the file is moved aside next. More than `limit` after moving it failed.
    next_limit: u64,
    /// How many files are kept, this one included; 0 for all.
    max_files: usize,
    format: LineFormat,
}

impl LogFile {
    /// Opens the file at `path` for appending, and makes it if it is not there.
    pub(crate) fn open(path: &Path, logging: &Logging, format: LineFormat) -> io::Result<Self> {
        let (file, size) = open(path)?;
        let limit = u64::try_from(logging.file_size_limit).unwrap_or(u64::MAX);
        Ok(Self {
            path: path.to_owned(),
            file,
            size,
            limit,
            next_limit: limit,
            max_files: logging.max_files,
            format,
        })
    }

    /// Whether the file should be moved aside, as it may be right at the start.
    pub(crate) fn is_too_large(&self) -> bool {
        self.limit > 0 && self.size > self.next_limit
    }

    /// Appends whole lines. The line that passes the limit is the last one of its file.
    pub(crate) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut rest = lines;
        while !rest.is_empty() {
            let (fits, more) = rest.split_at(self.fitting(rest));
            self.file.write_all(fits)?;
            self.size += fits.len() as u64;
            rest = more;
            if self.is_too_large() {
                self.rotate()?;
            }
        }
        Ok(())
    }

    /// Closes the file and opens the path again, where there may be another file by now.
    pub(crate) fn reopen(&mut self) -> io::Result<()> {
        (self.file, self.size) = open(&self.path)?;
        self.next_limit = self.limit;
        let line = self.format.line(Label::Info, &format_args!("File log re-opened"));
        self.append(&line)
    }

    /// How much of `lines` still belongs in this file.
    fn fitting(&self, lines: &[u8]) -> usize {
        if self.limit == 0 {
            return lines.len();
        }
        let room = usize::try_from(self.next_limit.saturating_sub(self.size)).unwrap_or(usize::MAX);
        // The line that holds the first byte past the room.
        match lines.get(room..) {
            None | Some([]) => lines.len(),
            Some(past) => past
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(lines.len(), |end| room + end + 1),
        }
    }

    fn rotate(&mut self) -> io::Result<()> {
        let aside = self.aside();
        if let Err(error) = std::fs::rename(&self.path, &aside) {
            self.next_limit = self.next_limit.saturating_mul(2);
            let line = self.format.line(
                Label::Error,
                &format_args!(
                    "Cannot move the log file aside: {error}; the next attempt is at {} bytes",
                    self.next_limit
                ),
            );
            return self.note(&line);
        }
        (self.file, self.size) = open(&self.path)?;
        self.next_limit = self.limit;
        let line = self.format.line(
            Label::Info,
            &format_args!("Rotated log, backup saved as \"{}\"", aside.display()),
        );
        self.note(&line)?;
        if self.max_files == 0 {
            return Ok(());
        }
        let purged = purge(&self.path, self.max_files - 1);
        for path in &purged.removed {
            let text = format_args!("Purged log file \"{}\"", path.display());
            let line = self.format.line(Label::Info, &text);
            self.note(&line)?;
        }
        match purged.failed {
            None => Ok(()),
            Some(error) => {
                let text = format_args!(
                    "Cannot remove old log files: {error}; the next attempt is at the next rotation"
                );
                let line = self.format.line(Label::Error, &text);
                self.note(&line)
            }
        }
    }

    /// Such a line never counts as the one that passes the limit, or a tiny limit would rotate for ever.
    fn note(&mut self, line: &[u8]) -> io::Result<()> {
        self.size += line.len() as u64;
        self.file.write_all(line)
    }

    /// `<file>.YYYY.MM.DD.HH.MM.SS.nnnnnnnnn`: names that sort by time.
    fn aside(&self) -> PathBuf {
        let now = (self.format.clock)();
        let time = match &self.format.zone {
            Some(zone) => zone.to_datetime(now),
            None => jiff::tz::TimeZone::UTC.to_datetime(now),
        };
        let mut name = self.path.clone().into_os_string();
        name.push(time.strftime(".%Y.%m.%d.%H.%M.%S.%9f").to_string());
        name.into()
    }
}

/// What became of files that were moved aside long ago.
struct Purged {
    removed: Vec<PathBuf>,
    failed: Option<io::Error>,
}

/// Removes the oldest files that were moved aside, up to `kept`.
fn purge(path: &Path, kept: usize) -> Purged {
    let mut purged = Purged {
        removed: Vec::new(),
        failed: None,
    };
    let mut aside = match moved_aside(path) {
        Ok(aside) => aside,
        Err(error) => {
            purged.failed = Some(error);
            return purged;
        }
    };
    // The names sort by time.
    aside.sort();
    let excess = aside.len().saturating_sub(kept);
    for path in aside.drain(..excess) {
        if let Err(error) = std::fs::remove_file(&path) {
            purged.failed = Some(error);
            break;
        }
        purged.removed.push(path);
    }
    purged
}

/// The files that were moved aside from `path`, and no others of that folder.
fn moved_aside(path: &Path) -> io::Result<Vec<PathBuf>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return Ok(Vec::new());
    };
    let mut aside = Vec::new();
    for entry in std::fs::read_dir(folder.unwrap_or(Path::new(".")))? {
        let entry = entry?;
        let is_aside = entry
            .file_name()
            .to_str()
            .and_then(|other| other.strip_prefix(name)?.strip_prefix('.'))
            .is_some_and(is_time);
        if is_aside && entry.file_type()?.is_file() {
            aside.push(entry.path());
        }
    }
    Ok(aside)
}

/// Whether this is what [`LogFile::aside`] appends.
fn is_time(text: &str) -> bool {
    const DIGITS: [usize; 7] = [4, 2, 2, 2, 2, 2, 9];
    let mut parts = text.split('.');
    DIGITS.iter().all(|digits| {
        parts
            .next()
            .is_some_and(|part| part.len() == *digits && part.bytes().all(|byte| byte.is_ascii_digit()))
    }) && parts.next().is_none()
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    let file = options.open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logging::line::Style;
    use jiff::Timestamp;
    use jiff::tz::TimeZone;
    use std::sync::atomic::{AtomicI64, Ordering};

    static NANOSECOND: AtomicI64 = AtomicI64::new(0);

    /// A clock in which every look takes a nanosecond, so that no two files get the same name.
    fn clock() -> Timestamp {
        let nanosecond = NANOSECOND.fetch_add(1, Ordering::Relaxed);
        Timestamp::from_nanosecond(1_700_000_000_000_000_000 + i128::from(nanosecond)).unwrap()
    }

    fn format() -> LineFormat {
        LineFormat {
            pid: 1,
            zone: Some(TimeZone::UTC),
            style: Style::Text { coloured: false },
            clock,
        }
    }

    fn limited(bytes: usize) -> Logging {
        Logging {
            file_size_limit: bytes,
            ..Logging::default()
        }
    }

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("vagus-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn log(&self) -> PathBuf {
            self.0.join("server.log")
        }

        /// The contents of all files, those moved aside first and the oldest of them first.
        fn contents(&self) -> Vec<String> {
            let mut paths: Vec<PathBuf> = std::fs::read_dir(&self.0)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| *path != self.log())
                .collect();
            paths.sort();
            paths.push(self.log());
            paths
                .iter()
                .map(|path| std::fs::read_to_string(path).unwrap())
                .collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_is_moved_aside_after_the_line_that_passes_the_limit() {
        let folder = Folder::new("rotate");
        let mut log = LogFile::open(&folder.log(), &limited(10), format()).unwrap();
        log.append(b"12345\n678\n").unwrap();
        assert_eq!(folder.contents(), ["12345\n678\n"]);
        log.append(b"x\nsecond file\nthird file\n").unwrap();
        let contents = folder.contents();
        let [first, second, third, last] = &contents[..] else {
            panic!("{contents:?}");
        };
        assert_eq!(first, "12345\n678\nx\n");
        let (note, rest) = second.split_once('\n').unwrap();
        let prefix = format!(
            "[1] 2023/11/14 22:13:20.000000 [INF] Rotated log, backup saved as \"{}.2023.11.14.22.13.20.",
            folder.log().display()
        );
        assert!(note.starts_with(&prefix), "{note}");
        assert_eq!(note.len(), prefix.len() + "000000000\"".len());
        assert_eq!(rest, "second file\n");
        assert!(third.ends_with("\"\nthird file\n"));
        assert!(last.ends_with('"') || last.ends_with("\"\n"));
        assert_eq!(last.lines().count(), 1);
    }

    #[test]
    fn what_is_there_counts_and_stays() {
        let folder = Folder::new("append");
        std::fs::write(folder.log(), "before\n").unwrap();
        let mut log = LogFile::open(&folder.log(), &limited(10), format()).unwrap();
        assert!(!log.is_too_large());
        log.append(b"more\n").unwrap();
        assert_eq!(folder.contents()[0], "before\nmore\n");
        assert_eq!(folder.contents().len(), 2);

        std::fs::write(folder.log(), "much too large\n").unwrap();
        let mut log = LogFile::open(&folder.log(), &limited(10), format()).unwrap();
        assert!(log.is_too_large());
        log.append(b"x\n").unwrap();
        assert_eq!(folder.contents()[1], "much too large\nx\n");
    }

    #[test]
    fn no_limit_no_rotation() {
        let folder = Folder::new("unlimited");
        let mut log = LogFile::open(&folder.log(), &limited(0), format()).unwrap();
        log.append(&b"line\n".repeat(100_000)).unwrap();
        assert_eq!(folder.contents().len(), 1);
    }

    #[test]
    fn reopening_follows_the_path() {
        let folder = Folder::new("reopen");
        let mut log = LogFile::open(&folder.log(), &limited(0), format()).unwrap();
        log.append(b"old\n").unwrap();
        std::fs::rename(folder.log(), folder.0.join("moved")).unwrap();
        log.append(b"still old\n").unwrap();
        log.reopen().unwrap();
        log.append(b"new\n").unwrap();
        let contents = folder.contents();
        assert_eq!(contents[0], "old\nstill old\n");
        assert!(
            contents[1].ends_with("[INF] File log re-opened\nnew\n"),
            "{}",
            contents[1]
        );
    }

    #[test]
    fn a_folder_that_forbids_it_costs_no_lines() {
        let folder = Folder::new("stuck");
        let path = folder.log();
        let mut log = LogFile::open(&path, &limited(10), format()).unwrap();
        // The path is gone, so there is nothing to rename.
        std::fs::remove_file(&path).unwrap();
        log.append(b"longer than ten\nthan twenty\n").unwrap();
        assert_eq!(log.next_limit, 40, "doubled at each attempt");
    }

    #[test]
    fn the_oldest_files_are_removed() {
        let folder = Folder::new("purge");
        let others = [
            "server.log.old",
            "server.log.2026.01.01",
            "other.2023.11.14.22.13.20.000000000",
        ];
        for other in others {
            std::fs::write(folder.0.join(other), "").unwrap();
        }
        let logging = Logging {
            max_files: 3,
            ..limited(10)
        };
        let mut log = LogFile::open(&folder.log(), &logging, format()).unwrap();
        for round in 0..6 {
            log.append(format!("round {round} of many\n").as_bytes()).unwrap();
        }
        let contents = folder.contents();
        assert_eq!(contents.len(), others.len() + 3);
        let kept: Vec<bool> = (0..6)
            .map(|round| {
                contents
                    .iter()
                    .any(|text| text.contains(&format!("round {round} ")))
            })
            .collect();
        assert_eq!(kept, [false, false, false, false, true, true]);
        let notes = contents.last().unwrap();
        assert!(
            notes.contains("[INF] Purged log file \"") && notes.contains("server.log.2023."),
            "{notes}"
        );
    }
}
