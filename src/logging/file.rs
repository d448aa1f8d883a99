//! The log file, and how it is moved aside.

use super::line::{Label, LineFormat};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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
    format: LineFormat,
}

impl LogFile {
    /// Opens the file at `path` for appending, and makes it if it is not there.
    pub(crate) fn open(path: &Path, limit: u64, format: LineFormat) -> io::Result<Self> {
        let (file, size) = open(path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            size,
            limit,
            next_limit: limit,
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
            self.size += line.len() as u64;
            return self.file.write_all(&line);
        }
        (self.file, self.size) = open(&self.path)?;
        self.next_limit = self.limit;
        let line = self.format.line(
            Label::Info,
            &format_args!("Rotated log, backup saved as \"{}\"", aside.display()),
        );
        // This line never counts as the one that passes the limit, or a tiny limit would rotate for ever.
        self.size += line.len() as u64;
        self.file.write_all(&line)
    }

    /// `<file>.YYYY.MM.DD.HH.MM.SS.nnnnnnnnn`: names that sort by time.
    fn aside(&self) -> PathBuf {
        let now = (self.format.clock)();
        let time = match &self.format.zone {
            Some(zone) => zone.to_datetime(now),
            None => jiff::tz::TimeZone::UTC.to_datetime(now),
        };
        let mut name = self.path.clone().into_os_string();
        name.push(format!(
            ".{:04}.{:02}.{:02}.{:02}.{:02}.{:02}.{:09}",
            time.year(),
            time.month(),
            time.day(),
            time.hour(),
            time.minute(),
            time.second(),
            time.subsec_nanosecond(),
        ));
        name.into()
    }
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
            coloured: false,
            clock,
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
        let mut log = LogFile::open(&folder.log(), 10, format()).unwrap();
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
        let mut log = LogFile::open(&folder.log(), 10, format()).unwrap();
        assert!(!log.is_too_large());
        log.append(b"more\n").unwrap();
        assert_eq!(folder.contents()[0], "before\nmore\n");
        assert_eq!(folder.contents().len(), 2);

        std::fs::write(folder.log(), "much too large\n").unwrap();
        let mut log = LogFile::open(&folder.log(), 10, format()).unwrap();
        assert!(log.is_too_large());
        log.append(b"x\n").unwrap();
        assert_eq!(folder.contents()[1], "much too large\nx\n");
    }

    #[test]
    fn no_limit_no_rotation() {
        let folder = Folder::new("unlimited");
        let mut log = LogFile::open(&folder.log(), 0, format()).unwrap();
        log.append(&b"line\n".repeat(100_000)).unwrap();
        assert_eq!(folder.contents().len(), 1);
    }

    #[test]
    fn reopening_follows_the_path() {
        let folder = Folder::new("reopen");
        let mut log = LogFile::open(&folder.log(), 0, format()).unwrap();
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
        let mut log = LogFile::open(&path, 10, format()).unwrap();
        // The path is gone, so there is nothing to rename.
        std::fs::remove_file(&path).unwrap();
        log.append(b"longer than ten\nthan twenty\n").unwrap();
        assert_eq!(log.next_limit, 40, "doubled at each attempt");
    }
}
