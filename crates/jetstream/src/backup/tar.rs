//! Tar, as far as backups of streams need it: regular files with short names, one behind the other.
//!
//! What others write may have longer names in extended headers (POSIX.1-2001); those are bounded, and everything else that
//! is no file is refused, as nats-server does.

use super::BackupError;
use bytes::{Buf, Bytes, BytesMut};

/// Everything is in blocks of this length.
const BLOCK: usize = 512;

/// Where the fields of a header are, and how long.
const NAME: (usize, usize) = (0, 100);
const SIZE: (usize, usize) = (124, 12);
const CHECKSUM: (usize, usize) = (148, 8);
const KIND: usize = 156;
const MAGIC: (usize, usize) = (257, 8);
const PREFIX: (usize, usize) = (345, 155);

/// How long an extended header may be.
const EXTENDED_AT_MOST: usize = 16 * 1024;

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) content: Bytes,
}

/// Appends a file that was written at a time, in seconds since 1970. Its name has to be shorter than 100 bytes, or to have
/// a folder of up to 155 in front.
pub(super) fn append(name: &str, content: &[u8], time: u64, out: &mut Vec<u8>) {
    let mut header = [0_u8; BLOCK];
    let mut put = |(at, length): (usize, usize), bytes: &[u8]| {
        let bytes = &bytes[..bytes.len().min(length)];
        header[at..at + bytes.len()].copy_from_slice(bytes);
    };
    match name.rsplit_once('/') {
        Some((folder, file)) if name.len() > NAME.1 => {
            put(PREFIX, folder.as_bytes());
            put(NAME, file.as_bytes());
        }
        _ => put(NAME, name.as_bytes()),
    }
    put((100, 8), b"0000600\0");
    put((108, 8), b"0000000\0");
    put((116, 8), b"0000000\0");
    put(SIZE, format!("{:011o}\0", content.len()).as_bytes());
    put((136, 12), format!("{time:011o}\0").as_bytes());
    put((KIND, 1), b"0");
    put(MAGIC, b"ustar\x0000");
    put((265, 32), b"nats");
    put((297, 32), b"nats");
    put(CHECKSUM, b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[CHECKSUM.0..CHECKSUM.0 + 8].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    out.extend_from_slice(&header);
    out.extend_from_slice(content);
    out.resize(out.len() + padding(content.len()), 0);
}

/// Appends what says that nothing follows.
pub(super) fn end(out: &mut Vec<u8>) {
    out.resize(out.len() + 2 * BLOCK, 0);
}

fn padding(length: usize) -> usize {
    length.next_multiple_of(BLOCK) - length
}

/// What has come of an archive.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// What an extended header says of the file that follows.
    name: Option<String>,
    size: Option<usize>,
    /// So many bytes follow that nobody wants.
    skip: usize,
    is_over: bool,
}

impl Reader {
    /// Takes a file off what has come; None if it is not whole yet, or there is no other. What is not `wanted`, by its
    /// name, is passed over.
    ///
    /// # Errors
    /// If it is none, or longer than `at_most`.
    pub(super) fn take(
        &mut self,
        from: &mut BytesMut,
        at_most: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Option<File>, BackupError> {
        loop {
            let skipped = self.skip.min(from.len());
            from.advance(skipped);
            self.skip -= skipped;
            if self.skip > 0 {
                return Ok(None);
            }
            if self.is_over || from.len() < BLOCK {
                return Ok(None);
            }
            let header = &from[..BLOCK];
            if header.iter().all(|byte| *byte == 0) {
                self.is_over = true;
                return Ok(None);
            }
            check(header)?;
            let kind = header[KIND];
            let (size, limit) = match kind {
                b'x' | b'g' => (number(header)?, EXTENDED_AT_MOST),
                b'0' | 0 => (self.size.map_or_else(|| number(header), Ok)?, at_most),
                _ => return Err(BackupError::Malformed("something that is no file")),
            };
            let length = size
                .checked_next_multiple_of(BLOCK)
                .ok_or(BackupError::TooLarge)?;
            if matches!(kind, b'0' | 0) {
                let name = self.name.clone().map_or_else(|| written_name(header), Ok)?;
                if !wanted(&name) {
                    (self.name, self.size, self.skip) = (None, None, length);
                    from.advance(BLOCK);
                    continue;
                }
            }
            if size > limit {
                return Err(BackupError::TooLarge);
            }
            if from.len() < BLOCK + length {
                return Ok(None);
            }
            let header = from.split_to(BLOCK);
            let mut content = from.split_to(length);
            content.truncate(size);
            match kind {
                b'x' => self.extend(&content)?,
                b'g' => {}
                _ => {
                    self.size = None;
                    let name = self.name.take();
                    return Ok(Some(File {
                        name: name.map_or_else(|| written_name(&header), Ok)?,
                        content: content.freeze(),
                    }));
                }
            }
        }
    }

    /// Whether all of it has come.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Lines of `<length> <key>=<value>\n`.
    fn extend(&mut self, mut lines: &[u8]) -> Result<(), BackupError> {
        const BAD: BackupError = BackupError::Malformed("an extended header");
        while !lines.is_empty() {
            let blank = lines.iter().position(|byte| *byte == b' ').ok_or(BAD)?;
            let length = str::from_utf8(&lines[..blank])
                .ok()
                .and_then(|text| text.parse::<usize>().ok());
            let length = length.filter(|length| *length > blank + 1).ok_or(BAD)?;
            let line = lines.get(blank + 1..length).ok_or(BAD)?;
            lines.advance(length);
            let line = str::from_utf8(line).map_err(|_| BAD)?;
            let (key, value) = line.trim_end_matches('\n').split_once('=').ok_or(BAD)?;
            match key {
                "path" => self.name = Some(value.to_owned()),
                "size" => self.size = Some(value.parse().map_err(|_| BAD)?),
                _ => {}
            }
        }
        Ok(())
    }
}

fn field(header: &[u8], (at, length): (usize, usize)) -> &[u8] {
    let field = header.get(at..at + length).unwrap_or_default();
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    field.get(..end).unwrap_or_default()
}

fn octal(text: &[u8]) -> Option<u64> {
    let text = str::from_utf8(text).ok()?.trim();
    match text.is_empty() {
        true => Some(0),
        false => u64::from_str_radix(text, 8).ok(),
    }
}

fn number(header: &[u8]) -> Result<usize, BackupError> {
    let size = octal(field(header, SIZE)).and_then(|size| usize::try_from(size).ok());
    size.ok_or(BackupError::Malformed("the size of a file"))
}

fn check(header: &[u8]) -> Result<(), BackupError> {
    let at = CHECKSUM.0..CHECKSUM.0 + CHECKSUM.1;
    let sum = header
        .iter()
        .enumerate()
        .map(|(place, byte)| match at.contains(&place) {
            true => u64::from(b' '),
            false => u64::from(*byte),
        });
    match octal(field(header, CHECKSUM)) == Some(sum.sum()) {
        true => Ok(()),
        false => Err(BackupError::Malformed("the header of a file")),
    }
}

fn written_name(header: &[u8]) -> Result<String, BackupError> {
    let text = |bytes: &[u8]| {
        String::from_utf8(bytes.to_vec()).map_err(|_| BackupError::Malformed("the name of a file"))
    };
    let name = text(field(header, NAME))?;
    let has_prefix = header.get(MAGIC.0..MAGIC.0 + 5) == Some(b"ustar");
    Ok(match field(header, PREFIX) {
        prefix if has_prefix && !prefix.is_empty() => format!("{}/{name}", text(prefix)?),
        _ => name,
    })
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, File, Reader, append, end};
    use crate::backup::BackupError;
    use bytes::{Bytes, BytesMut};

    fn all(bytes: &[u8], step: usize) -> Result<(Vec<File>, bool), BackupError> {
        let (mut reader, mut come, mut files) = (Reader::default(), BytesMut::new(), Vec::new());
        for part in bytes.chunks(step) {
            come.extend_from_slice(part);
            while let Some(file) = reader.take(&mut come, 4000, |name| name != "not.wanted")? {
                files.push(file);
            }
        }
        Ok((files, reader.is_over()))
    }

    #[test]
    fn files_are_the_same_again_however_they_come() {
        let long = format!("{}/{}", "f".repeat(80), "g".repeat(80));
        let mut out = Vec::new();
        // However large it is.
        append("not.wanted", &[9; 5000], 0, &mut out);
        let files = [
            ("meta.inf", vec![1; 3]),
            ("msgs/1.blk", vec![2; 1024]),
            (&*long, Vec::new()),
        ];
        for (name, content) in &files {
            append(name, content, 1_796_022_000, &mut out);
        }
        end(&mut out);
        let expect: Vec<File> = (files.into_iter())
            .map(|(name, content)| File {
                name: name.to_owned(),
                content: Bytes::from(content),
            })
            .collect();
        for step in [1, 7, 511, 512, 513, 10_000] {
            assert_eq!(all(&out, step), Ok((expect.clone(), true)), "{step}");
        }
        assert!(!all(&out[..out.len() - 2 * BLOCK], 999).unwrap().1);
    }

    #[test]
    fn extended_headers_name_what_follows() {
        let mut out = Vec::new();
        append(
            "x",
            b"30 mtime=1796022000.123456789\n14 path=a/b/c\n",
            0,
            &mut out,
        );
        out[156] = b'x';
        // The sum of a header is that of its bytes.
        let difference = u32::from(b'x') - u32::from(b'0');
        let sum = u32::from_str_radix(str::from_utf8(&out[148..154]).unwrap(), 8).unwrap() + difference;
        out[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
        append("short", b"content", 0, &mut out);
        let (files, _) = all(&out, 100).unwrap();
        assert_eq!((&*files[0].name, files.len()), ("a/b/c", 1));
    }

    #[test]
    fn what_is_no_file_or_too_large_is_refused() {
        let mut out = Vec::new();
        append("name", &[0; 4001], 0, &mut out);
        assert_eq!(all(&out[..BLOCK], 512), Err(BackupError::TooLarge));
        let mut link = Vec::new();
        append("name", b"", 0, &mut link);
        link[156] = b'2';
        assert!(matches!(all(&link, 512), Err(BackupError::Malformed(_))));
        assert!(matches!(all(&[7; BLOCK], 512), Err(BackupError::Malformed(_))));
    }
}
