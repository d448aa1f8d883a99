//! What is asked, by the subject it is asked on.

use vagus_jetstream::consumer::request::ConsumerForm;
use vagus_jetstream::error::ApiError;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Topic<'a> {
    /// What there is of an account.
    AccountInfo,
    /// Which streams it has, by name, or all that is told of them.
    StreamNames,
    StreamList,
    /// A stream is to be backed up, or made again.
    Snapshot(&'a str),
    Restore(&'a str),
    /// About one stream.
    Stream(OfStream, &'a str),
    /// A consumer is to be made, or to become another; or why that is not to be understood.
    CreateConsumer(Result<(&'a str, ConsumerForm<'a>), ApiError>),
    /// About one consumer of a stream.
    Consumer(OfConsumer, &'a str, &'a str),
}

/// What is asked about one consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OfConsumer {
    Info,
    Delete,
    Pause,
    Reset,
    Unpin,
    StepDown,
}

/// What is asked about one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OfStream {
    Create,
    Update,
    Info,
    Delete,
    Purge,
    MessageGet,
    MessageDelete,
    ConsumerNames,
    ConsumerList,
    StepDown,
    RemovePeer,
}

/// Few patterns for all that is asked, of which no two match the same: each is a subscription of each account. They match
/// what is not known, too. Who asks a consumer for messages, or a stream for one of its own, is told that nobody listens.
pub(crate) const SUBJECTS: [&str; 11] = [
    "*",
    "STREAM.>",
    "CONSUMER.*",
    "CONSUMER.*.*",
    "CONSUMER.*.*.*",
    "CONSUMER.CREATE.*.*.>",
    "CONSUMER.DURABLE.CREATE.*.*",
    "CONSUMER.LEADER.STEPDOWN.*.*",
    "META.>",
    "SERVER.>",
    "ACCOUNT.>",
];

impl<'a> Topic<'a> {
    /// What is asked on a subject, of which the prefix of the API is left out. None: nothing that is answered here.
    pub(crate) fn of(subject: &'a str) -> Option<Self> {
        let of_stream = |of, name: &'a str| (!name.contains('.')).then_some(Self::Stream(of, name));
        let (kind, rest) = subject.split_once('.').unwrap_or((subject, ""));
        if kind == "INFO" && rest.is_empty() && !subject.ends_with('.') {
            return Some(Self::AccountInfo);
        }
        if kind == "CONSUMER" {
            return Self::of_consumers(rest);
        }
        if kind != "STREAM" {
            return None;
        }
        let (what, name) = match rest {
            "NAMES" => return Some(Self::StreamNames),
            "LIST" => return Some(Self::StreamList),
            rest => rest.split_once('.')?,
        };
        match what {
            "CREATE" => of_stream(OfStream::Create, name),
            "UPDATE" => of_stream(OfStream::Update, name),
            "INFO" => of_stream(OfStream::Info, name),
            "DELETE" => of_stream(OfStream::Delete, name),
            "PURGE" => of_stream(OfStream::Purge, name),
            "SNAPSHOT" => (!name.contains('.')).then_some(Self::Snapshot(name)),
            "RESTORE" => (!name.contains('.')).then_some(Self::Restore(name)),
            "MSG" => match name.split_once('.')? {
                ("GET", name) => of_stream(OfStream::MessageGet, name),
                ("DELETE", name) => of_stream(OfStream::MessageDelete, name),
                _ => None,
            },
            "LEADER" => of_stream(OfStream::StepDown, name.strip_prefix("STEPDOWN.")?),
            "PEER" => of_stream(OfStream::RemovePeer, name.strip_prefix("REMOVE.")?),
            _ => None,
        }
    }

    /// The same of consumers, by what follows `CONSUMER.`.
    fn of_consumers(subject: &'a str) -> Option<Self> {
        if let Some(form) = ConsumerForm::of(subject) {
            return Some(Self::CreateConsumer(form));
        }
        let (what, rest) = subject.split_once('.')?;
        let of_stream = |of| (!rest.contains('.')).then_some(Self::Stream(of, rest));
        let of_consumer = |of| {
            let (stream, name) = rest.split_once('.')?;
            (!name.contains('.')).then_some(Self::Consumer(of, stream, name))
        };
        match what {
            "NAMES" => of_stream(OfStream::ConsumerNames),
            "LIST" => of_stream(OfStream::ConsumerList),
            "INFO" => of_consumer(OfConsumer::Info),
            "DELETE" => of_consumer(OfConsumer::Delete),
            "PAUSE" => of_consumer(OfConsumer::Pause),
            "RESET" => of_consumer(OfConsumer::Reset),
            "UNPIN" => of_consumer(OfConsumer::Unpin),
            "LEADER" => {
                let (stream, name) = rest.strip_prefix("STEPDOWN.")?.split_once('.')?;
                (!name.contains('.')).then_some(Self::Consumer(OfConsumer::StepDown, stream, name))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{OfConsumer, OfStream, SUBJECTS, Topic};
    use vagus_jetstream::consumer::request::ConsumerForm;
    use vagus_routing::subject::overlap;

    #[test]
    fn all_that_is_asked_comes_once() {
        for subject in [
            "INFO",
            "STREAM.NAMES",
            "STREAM.LIST",
            "STREAM.CREATE.S",
            "STREAM.UPDATE.S",
            "STREAM.INFO.S",
            "STREAM.DELETE.S",
            "STREAM.PURGE.S",
            "STREAM.MSG.GET.S",
            "STREAM.MSG.DELETE.S",
            "STREAM.LEADER.STEPDOWN.S",
            "STREAM.PEER.REMOVE.S",
            "STREAM.SNAPSHOT.S",
            "STREAM.RESTORE.S",
            "CONSUMER.CREATE.S",
            "CONSUMER.CREATE.S.C",
            "CONSUMER.CREATE.S.C.a",
            "CONSUMER.CREATE.S.C.a.b.>",
            "CONSUMER.DURABLE.CREATE.S.C",
            "CONSUMER.NAMES.S",
            "CONSUMER.LIST.S",
            "CONSUMER.INFO.S.C",
            "CONSUMER.DELETE.S.C",
            "CONSUMER.PAUSE.S.C",
            "CONSUMER.RESET.S.C",
            "CONSUMER.UNPIN.S.C",
            "CONSUMER.LEADER.STEPDOWN.S.C",
        ] {
            assert!(Topic::of(subject).is_some(), "{subject}");
            let comes = SUBJECTS.iter().filter(|pattern| matches(subject, pattern));
            assert_eq!(comes.count(), 1, "{subject}");
        }
        for subject in ["CONSUMER.MSG.NEXT.S.C", "DIRECT.GET.S", "DIRECT.GET.S.a"] {
            assert!(
                !SUBJECTS.iter().any(|pattern| matches(subject, pattern)),
                "{subject}"
            );
        }
    }

    fn matches(subject: &str, pattern: &str) -> bool {
        overlap(subject.as_bytes(), pattern.as_bytes())
    }

    #[test]
    fn subjects_say_what_is_asked() {
        for (subject, topic) in [
            ("INFO", Some(Topic::AccountInfo)),
            ("STREAM.NAMES", Some(Topic::StreamNames)),
            ("STREAM.LIST", Some(Topic::StreamList)),
            ("STREAM.CREATE.S", Some(Topic::Stream(OfStream::Create, "S"))),
            ("STREAM.MSG.GET.S", Some(Topic::Stream(OfStream::MessageGet, "S"))),
            (
                "STREAM.MSG.DELETE.S",
                Some(Topic::Stream(OfStream::MessageDelete, "S")),
            ),
            (
                "CONSUMER.INFO.S.C",
                Some(Topic::Consumer(OfConsumer::Info, "S", "C")),
            ),
            (
                "CONSUMER.LIST.S",
                Some(Topic::Stream(OfStream::ConsumerList, "S")),
            ),
            (
                "CONSUMER.CREATE.S.C.a.b",
                Some(Topic::CreateConsumer(Ok((
                    "S",
                    ConsumerForm::Named {
                        name: "C",
                        filter: "a.b",
                    },
                )))),
            ),
            ("CONSUMER.INFO.S", None),
            ("CONSUMER.MSG.NEXT.S.C", None),
            ("INFO.S", None),
            ("STREAM.INFO", None),
            ("STREAM.INFO.A.B", None),
            ("STREAM.MSG.S", None),
            ("DIRECT.GET.S", None),
            ("", None),
        ] {
            assert_eq!(Topic::of(subject), topic, "{subject}");
        }
    }
}
