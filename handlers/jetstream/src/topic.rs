//! What is asked, by the subject it is asked on.

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic<'a> {
    /// What there is of an account.
    AccountInfo,
    /// Which streams it has, by name, or all that is told of them.
    StreamNames,
    StreamList,
    /// About one stream.
    Stream(OfStream, &'a str),
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
}

impl<'a> Topic<'a> {
    /// What is asked on a subject, of which the prefix of the API is left out. None: nothing that is answered here.
    pub(crate) fn of(subject: &'a str) -> Option<Self> {
        let of_stream = |of, name: &'a str| (!name.contains('.')).then_some(Self::Stream(of, name));
        let (kind, rest) = subject.split_once('.').unwrap_or((subject, ""));
        if kind == "INFO" && rest.is_empty() && !subject.ends_with('.') {
            return Some(Self::AccountInfo);
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
            "MSG" => match name.split_once('.')? {
                ("GET", name) => of_stream(OfStream::MessageGet, name),
                ("DELETE", name) => of_stream(OfStream::MessageDelete, name),
                _ => None,
            },
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{OfStream, Topic};

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
