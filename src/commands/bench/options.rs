//! What is to be measured.

use crate::commands::arguments::{self, Argument, flag};
use crate::commands::error::ToolError;
use crate::flags::syntax::{Flag, Kind, Parsed};
use std::io::IsTerminal;

pub(in crate::commands) const HELP: &str = "\
Usage: vagus bench [options] <subject>

Measures a server: publishers send, subscribers receive, each over a connection of its own.

    -p, --pub <number>       Publishers, or with --request requesters (1)
    -c, --sub <number>       Subscribers, or with --request responders (0)
    -n, --msgs <number>      Messages of all publishers together (100000)
        --size <bytes>       Bytes of a message (128); from 16 on, latency is measured too
    -q, --queue <group>      Subscribers share the messages as this queue group
        --request            Requests, each answered before the next one is sent
        --throughput <rate>  At most this many messages a second, of all publishers together
        --no-progress        No progress bar
";

/// One run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) subject: String,
    pub(super) publishers: usize,
    pub(super) subscribers: usize,
    /// Of all publishers together.
    pub(super) messages: u64,
    /// Bytes of a payload.
    pub(super) size: usize,
    pub(super) queue: Option<String>,
    pub(super) request: bool,
    /// Messages a second, of all publishers together.
    pub(super) throughput: Option<u64>,
    pub(super) progress: bool,
}

pub(super) fn flags() -> Vec<Flag<Argument>> {
    vec![
        flag(Argument::Publishers, &["p", "pub"], Kind::Integer),
        flag(Argument::Subscribers, &["c", "sub"], Kind::Integer),
        flag(Argument::Messages, &["n", "msgs"], Kind::Integer),
        flag(Argument::Size, &["size"], Kind::Integer),
        flag(Argument::Queue, &["q", "queue"], Kind::Text),
        flag(Argument::Request, &["request"], Kind::Bool),
        flag(Argument::Throughput, &["throughput"], Kind::Integer),
        flag(Argument::NoProgress, &["no-progress"], Kind::Bool),
    ]
}

/// The queue group of responders when none is given: each request gets one answer.
const RESPONDERS: &str = "bench";

impl Plan {
    pub(super) fn read(parsed: &Parsed<Argument>) -> Result<Self, ToolError> {
        let [subject] = &parsed.rest[..] else {
            return Err(ToolError::Usage(
                "bench needs a subject: vagus bench <subject>".to_owned(),
            ));
        };
        if subject.is_empty() || subject.contains([' ', '\t', '\r', '\n']) {
            return Err(ToolError::Usage(format!("{subject:?} is no subject")));
        }
        let count = |id, name, default| arguments::count(parsed, id, name, default);
        let publishers = count(Argument::Publishers, "pub", 1)?;
        let subscribers = count(Argument::Subscribers, "sub", 0)?;
        let messages = count(Argument::Messages, "msgs", 100_000)?;
        if publishers == 0 && subscribers == 0 {
            return Err(ToolError::Usage(
                "there is nothing to do: give --pub or --sub".to_owned(),
            ));
        }
        if publishers > 0 && subject.split('.').any(|token| matches!(token, "*" | ">")) {
            return Err(ToolError::Usage(format!(
                "nothing can be published on {subject}: it has wildcards"
            )));
        }
        if messages == 0 || messages < publishers {
            return Err(ToolError::Usage(
                "--msgs must be at least one for each publisher".to_owned(),
            ));
        }
        let request = parsed.is_true(Argument::Request);
        let queue = parsed.text(Argument::Queue).map(str::to_owned);
        Ok(Self {
            subject: subject.clone(),
            publishers: to_size(publishers),
            subscribers: to_size(subscribers),
            messages,
            size: to_size(count(Argument::Size, "size", 128)?),
            queue: queue.or_else(|| request.then(|| RESPONDERS.to_owned())),
            request,
            throughput: Some(count(Argument::Throughput, "throughput", 0)?).filter(|rate| *rate > 0),
            progress: !parsed.is_true(Argument::NoProgress) && std::io::stderr().is_terminal(),
        })
    }

    /// What falls to publisher `index`; the first ones take what cannot be shared evenly.
    pub(super) fn share(&self, index: usize) -> u64 {
        let publishers = self.publishers.max(1) as u64;
        let more = u64::from((index as u64) < self.messages % publishers);
        self.messages / publishers + more
    }

    /// What each subscriber gets, or all of them together when they share.
    pub(super) fn expected(&self) -> u64 {
        self.messages
    }

    /// Whether payloads tell when they were sent.
    pub(super) fn is_stamped(&self) -> bool {
        !self.request && self.publishers > 0 && self.size >= super::stamp::BYTES
    }
}

fn to_size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(line: &str) -> Result<Plan, ToolError> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Plan::read(&arguments::read(flags(), &args)?)
    }

    #[test]
    fn plans() {
        let read = plan("foo --pub 3 --sub=2 --msgs 10 --size 16 --throughput 5").unwrap();
        assert_eq!(read.subject, "foo");
        assert_eq!((read.publishers, read.subscribers), (3, 2));
        assert_eq!([0, 1, 2].map(|index| read.share(index)), [4, 3, 3]);
        assert_eq!(read.throughput, Some(5));
        assert!(read.is_stamped());
        assert_eq!(read.queue, None);
        let read = plan("foo --request --sub 1 --size 15").unwrap();
        assert_eq!(read.queue.as_deref(), Some("bench"));
        assert!(!read.is_stamped());
        assert!(plan("foo.* --pub 0 --sub 1").is_ok());
    }

    #[test]
    fn plans_that_are_none() {
        for bad in [
            "",
            "a b",
            "foo.* --pub 1",
            "foo --pub 0",
            "foo --msgs 0",
            "foo --pub 2 --msgs 1",
            "foo --size -1",
        ] {
            assert!(matches!(plan(bad), Err(ToolError::Usage(_))), "{bad}");
        }
    }
}
