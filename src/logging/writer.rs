//! The thread that writes the log.

use super::file::LogFile;
use super::line::LineFormat;
use super::queue::{Batch, Queue};
use super::record::{self, Entry, Label};
use super::syslog::{Sent, Syslog};
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
    Syslog {
        syslog: Syslog,
        /// Standard error, for what the syslog cannot be told.
        terminal: File,
    },
}

/// Where lines go, and what they look like there.
#[derive(Debug)]
pub(crate) struct Sink {
    pub(crate) output: Output,
    pub(crate) format: LineFormat,
}

/// Lines are written in pieces of about this many bytes, to see whether anything moves.
const PIECE: usize = 4096;

/// Writes what comes through `queue` for as long as the process runs.
pub(crate) fn run(queue: &Arc<Queue>, mut sink: Sink) {
    let mut emptied = Vec::new();
    loop {
        let mut batch = queue.take(emptied);
        write_batch(&mut batch, &mut sink, || queue.progressed());
        emptied = batch.records;
    }
}

fn write_batch(batch: &mut Batch, sink: &mut Sink, mut progressed: impl FnMut()) {
    if batch.reopen {
        sink.reopen();
    }
    let records = match batch.switch.take() {
        None => &batch.records[..],
        Some((place, next)) => {
            let (before, after) = batch.records.split_at(place);
            sink.write(before, &mut progressed);
            *sink = next;
            after
        }
    };
    sink.write(records, &mut progressed);
    if batch.dropped > 0 {
        let gap = format!(
            "{} lines are missing here: they came faster than they could be written",
            batch.dropped
        );
        sink.say(Label::Warning, gap);
    }
}

impl Sink {
    fn write(&mut self, records: &[u8], progressed: &mut impl FnMut()) {
        let mut lines = Vec::new();
        for entry in record::entries(records) {
            if let Output::Syslog { syslog, terminal } = &mut self.output {
                send(syslog, terminal, &entry, &self.format);
                progressed();
                continue;
            }
            // Writing to memory does not fail.
            let _ = self.format.write(&mut lines, &entry);
            if lines.len() >= PIECE {
                self.output.write(&lines);
                lines.clear();
                progressed();
            }
        }
        if !lines.is_empty() {
            self.output.write(&lines);
            progressed();
        }
    }

    /// Writes a line of our own.
    fn say(&mut self, label: Label, text: String) {
        let entry = Entry {
            label,
            time: (self.format.clock)(),
            text: text.into(),
        };
        if let Output::Syslog { syslog, terminal } = &mut self.output {
            send(syslog, terminal, &entry, &self.format);
            return;
        }
        let mut line = Vec::new();
        let _ = self.format.write(&mut line, &entry);
        self.output.write(&line);
    }

    fn reopen(&mut self) {
        let Output::File(file) = &mut self.output else {
            self.say(
                Label::Info,
                "File log re-open ignored, not a file logger".to_owned(),
            );
            return;
        };
        if let Err(error) = file.reopen() {
            self.say(Label::Error, format!("Cannot open the log file anew: {error}"));
        }
    }
}

fn send(syslog: &mut Syslog, terminal: &mut File, entry: &Entry<'_>, format: &LineFormat) {
    if let Sent::NoMore(error) = syslog.send(entry, format) {
        let line = format.line(
            Label::Warning,
            &format_args!(
                "Cannot log to {}: {error}; what is logged meanwhile is lost",
                syslog.name()
            ),
        );
        // Nobody waits for a reader here.
        if is_writable(terminal) {
            let _ = terminal.write(&line);
        }
    }
}

impl Output {
    /// Writes lines. There is nobody to tell of a failure: what cannot be written is lost, and the
    /// server goes on.
    fn write(&mut self, lines: &[u8]) {
        let _ = match self {
            Self::Terminal(terminal) => write_waiting(terminal, lines),
            Self::File(file) => file.append(lines),
            Self::Syslog { .. } => Ok(()),
        };
    }
}

/// Like `write_all`, also where the descriptor was given to us set not to block.
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

fn is_writable(terminal: &File) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut polled = [PollFd::new(terminal, PollFlags::OUT)];
    let ready = poll(&mut polled, Some(&Timespec::default()));
    ready.is_ok_and(|count| count > 0) && polled[0].revents().contains(PollFlags::OUT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logging::line::Style;
    use jiff::Timestamp;
    use std::io::Read;
    use std::os::fd::OwnedFd;

    fn format() -> LineFormat {
        LineFormat {
            pid: 1,
            zone: None,
            style: Style::Text { coloured: false },
            clock: Timestamp::now,
        }
    }

    fn terminal(writer: io::PipeWriter) -> Sink {
        Sink {
            output: Output::Terminal(File::from(OwnedFd::from(writer))),
            format: format(),
        }
    }

    fn encoded(text: &str) -> Vec<u8> {
        let mut record = Vec::new();
        record::encode(
            &mut record,
            Label::Info,
            Timestamp::now(),
            &format_args!("{text}"),
        )
        .unwrap();
        record
    }

    fn records(texts: &[&str]) -> Vec<u8> {
        let mut records = Vec::new();
        for text in texts {
            assert!(record::append(&mut records, &encoded(text), usize::MAX));
        }
        records
    }

    #[test]
    fn a_gap_is_told_where_it_is() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut sink = terminal(writer);
        let mut batch = Batch {
            records: records(&["before"]),
            dropped: 3,
            ..Batch::default()
        };
        let mut steps = 0;
        write_batch(&mut batch, &mut sink, || steps += 1);
        drop(sink);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(
            text,
            "[1] [INF] before\n[1] [WRN] 3 lines are missing here: they came faster than they could be \
             written\n"
        );
        assert_eq!(steps, 1);
    }

    #[test]
    fn lines_go_elsewhere_from_a_place_on() {
        let (mut old_reader, old_writer) = io::pipe().unwrap();
        let (mut new_reader, new_writer) = io::pipe().unwrap();
        let mut sink = terminal(old_writer);
        let mut next = terminal(new_writer);
        next.format.style = Style::Json;
        let old = records(&["a", "b"]);
        let place = old.len();
        let mut batch = Batch {
            records: [old, records(&["c"])].concat(),
            switch: Some((place, next)),
            ..Batch::default()
        };
        write_batch(&mut batch, &mut sink, || {});
        drop(sink);
        let (mut before, mut after) = (String::new(), String::new());
        old_reader.read_to_string(&mut before).unwrap();
        new_reader.read_to_string(&mut after).unwrap();
        assert_eq!(before, "[1] [INF] a\n[1] [INF] b\n");
        assert_eq!(after, "{\"level\":\"info\",\"pid\":1,\"message\":\"c\"}\n");
    }

    #[test]
    fn a_reader_that_went_away_is_no_harm() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut sink = terminal(writer);
        sink.say(Label::Info, "to nobody".to_owned());
        sink.say(Label::Info, "to nobody".to_owned());
    }

    #[test]
    fn nobody_who_logs_waits_for_a_reader() {
        let (mut reader, writer) = io::pipe().unwrap();
        let queue = Queue::new(64 * 1024);
        let sink = terminal(writer);
        std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || run(&queue, sink)
        });
        // Far more than the pipe and the queue hold: this ends although nobody reads.
        let line = "[1] [INF] 0123456789abcdef0123456789abcdef0123456789abcdef\n";
        let record = encoded("0123456789abcdef0123456789abcdef0123456789abcdef");
        let pushed = 100_000;
        for _ in 0..pushed {
            queue.push(&record);
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
                accounted += if this == line.as_bytes() {
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
