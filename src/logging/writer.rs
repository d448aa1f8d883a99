//! The thread that writes the log.

use super::file::LogFile;
use super::line::{Label, LineFormat};
use super::queue::{Batch, Queue};
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

/// Where lines go.
#[derive(Debug)]
pub(crate) enum Output {
    /// Standard error, by a descriptor of our own: its lock in the standard library may be held by a
    /// thread that waits for a reader.
    Terminal(File),
    File(LogFile),
}

/// Lines are written in pieces of about this many bytes, to see whether anything moves.
const PIECE: usize = 4096;

/// Writes what comes through `queue` for as long as the process runs.
pub(crate) fn run(queue: &Arc<Queue>, mut output: Output, format: &LineFormat) {
    let mut emptied = Vec::new();
    loop {
        let batch = queue.take(emptied);
        write_batch(&batch, &mut output, format, || queue.progressed());
        emptied = batch.lines;
    }
}

fn write_batch(batch: &Batch, output: &mut Output, format: &LineFormat, mut progressed: impl FnMut()) {
    if batch.reopen {
        output.reopen(format);
    }
    for piece in pieces(&batch.lines) {
        output.write(piece);
        progressed();
    }
    if batch.dropped > 0 {
        output.write(&format.line(
            Label::Warning,
            &format_args!(
                "{} lines are missing here: they came faster than they could be written",
                batch.dropped
            ),
        ));
    }
}

/// Cuts at the ends of lines, so that what other processes write to the same place stays apart.
fn pieces(lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let window = &rest[..rest.len().min(PIECE)];
        let end = match window.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            // A line longer than a piece is cut.
            None => window.len(),
        };
        let (piece, more) = rest.split_at(end);
        rest = more;
        Some(piece)
    })
}

impl Output {
    /// Writes `piece`. There is nobody to tell of a failure: what cannot be written is lost, and the
    /// server goes on.
    fn write(&mut self, piece: &[u8]) {
        let _ = match self {
            Self::Terminal(terminal) => write_waiting(terminal, piece),
            Self::File(file) => file.append(piece),
        };
    }

    fn reopen(&mut self, format: &LineFormat) {
        match self {
            Self::Terminal(_) => {
                let line = format.line(
                    Label::Info,
                    &format_args!("File log re-open ignored, not a file logger"),
                );
                self.write(&line);
            }
            Self::File(file) => {
                if let Err(error) = file.reopen() {
                    let line = format.line(
                        Label::Error,
                        &format_args!("Cannot open the log file anew: {error}"),
                    );
                    self.write(&line);
                }
            }
        }
    }
}

/// Like `write_all`, also where whoever gave us the descriptor set it not to block.
fn write_waiting(terminal: &mut File, mut piece: &[u8]) -> io::Result<()> {
    while !piece.is_empty() {
        match terminal.write(piece) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => piece = &piece[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait_until_writable(terminal)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn wait_until_writable(terminal: &File) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    poll(&mut [PollFd::new(terminal, PollFlags::OUT)], None)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use std::io::Read;

    fn format() -> LineFormat {
        LineFormat {
            pid: 1,
            zone: None,
            coloured: false,
            clock: Timestamp::now,
        }
    }

    #[test]
    fn pieces_end_with_lines() {
        let lines = b"0123456789abcde\n".repeat(1000);
        let cut: Vec<&[u8]> = pieces(&lines).collect();
        assert_eq!(cut.concat(), lines);
        assert!(cut.len() > 3);
        assert!(
            cut.iter()
                .all(|piece| piece.len() <= PIECE && piece.ends_with(b"\n"))
        );
        let long = vec![b'x'; PIECE + 1];
        assert_eq!(pieces(&long).map(<[u8]>::len).collect::<Vec<_>>(), [PIECE, 1]);
    }

    #[test]
    fn a_gap_is_told_where_it_is() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut output = Output::Terminal(File::from(std::os::fd::OwnedFd::from(writer)));
        let batch = Batch {
            lines: b"before\n".to_vec(),
            dropped: 3,
            reopen: false,
        };
        let mut steps = 0;
        write_batch(&batch, &mut output, &format(), || steps += 1);
        drop(output);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(
            text,
            "before\n[1] [WRN] 3 lines are missing here: they came faster than they could be written\n"
        );
        assert_eq!(steps, 1);
    }

    #[test]
    fn a_reader_that_went_away_is_no_harm() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut output = Output::Terminal(File::from(std::os::fd::OwnedFd::from(writer)));
        output.write(b"to nobody\n");
        output.write(b"to nobody\n");
    }

    #[test]
    fn nobody_who_logs_waits_for_a_reader() {
        let (mut reader, writer) = io::pipe().unwrap();
        let queue = Queue::new(64 * 1024);
        let output = Output::Terminal(File::from(std::os::fd::OwnedFd::from(writer)));
        std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || run(&queue, output, &format())
        });
        // Far more than the pipe and the queue hold: this ends although nobody reads.
        let line = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n";
        let pushed = 100_000;
        for _ in 0..pushed {
            queue.push(line);
        }
        // What is read accounts for every line, written or missing.
        let mut accounted = 0;
        let mut text = Vec::new();
        let mut buffer = vec![0; 64 * 1024];
        while accounted < pushed {
            let read = reader.read(&mut buffer).unwrap();
            text.extend_from_slice(&buffer[..read]);
            while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
                let this: Vec<u8> = text.drain(..=end).collect();
                accounted += if this == line {
                    1
                } else {
                    let note = String::from_utf8(this).unwrap();
                    let count = note
                        .strip_prefix("[1] [WRN] ")
                        .and_then(|rest| {
                            rest.strip_suffix(
                                " lines are missing here: they came faster than they could be written\n",
                            )
                        })
                        .unwrap();
                    count.parse::<usize>().unwrap()
                };
            }
        }
        assert_eq!(accounted, pushed);
    }
}
