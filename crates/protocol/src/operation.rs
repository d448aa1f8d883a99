//! What a client may send.

/// One operation of a client, borrowed from the buffer it was parsed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation<'a> {
    /// The JSON text of a CONNECT, trimmed, not looked at yet: see [`crate::connect`].
    Connect(&'a [u8]),
    /// PUB or HPUB with its payload.
    Publish(Publish<'a>),
    /// SUB. Whether the subject is valid is not decided here.
    Subscribe {
        /// Subject of the subscription, wildcards included.
        subject: &'a [u8],
        /// Queue group, when one was named.
        queue: Option<&'a [u8]>,
        /// The client's name for the subscription: any bytes without blanks.
        sid: &'a [u8],
    },
    /// UNSUB.
    Unsubscribe {
        /// The client's name for the subscription.
        sid: &'a [u8],
        /// Deliveries since SUB after which to unsubscribe; `None`: at once. Never 0. What is not a
        /// number of at most nine digits also means at once, as nats-server has it.
        max: Option<u64>,
    },
    /// PING, to be answered with PONG.
    Ping,
    /// PONG, the answer to the server's PING.
    Pong,
    /// `+OK`: tolerated, without meaning.
    Ok,
    /// INFO: tolerated when it carries a JSON object, without meaning.
    Info,
    /// `-ERR` with its text. A client that sends it is closed, silently: see
    /// [`crate::error::Violation::ClientError`].
    Error(&'a [u8]),
}

/// The queue groups that a message is for, of those that are interested. It goes to all others that are interested anyway.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Groups<'a> {
    /// All of them: what is published, anywhere but at another server.
    #[default]
    All,
    /// Those that the server which passed it on has picked: their names, with blanks between them.
    Only(&'a [u8]),
}

/// A published message. The subject is whatever stood there: it may have wildcards or empty tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publish<'a> {
    /// Subject the message is published to, never empty.
    pub subject: &'a [u8],
    /// Reply subject, when one was given.
    pub reply: Option<&'a [u8]>,
    /// The queue groups that it is for.
    pub groups: Groups<'a>,
    /// Length in bytes of the header block at the start of `body`, never 0 and never more than
    /// `body` has. `None` for PUB and for an HPUB whose header block is empty.
    pub header_size: Option<usize>,
    /// The header block's length exactly as sent, e.g. `b"018"`; empty when `header_size` is `None`.
    pub header_size_text: &'a [u8],
    /// The length of `body` exactly as sent, e.g. `b"02"`: deliveries repeat it digit for digit.
    pub size_text: &'a [u8],
    /// Everything after the subject and its blank, when it is byte for byte the end of a MSG or HMSG:
    /// `[reply ][header_size ]size\r\n` + `body` + `\r\n`. `None` when the spacing is odd and a
    /// delivery must be composed from the other fields.
    pub tail: Option<&'a [u8]>,
    /// Header block and payload, without the final CRLF.
    pub body: &'a [u8],
    /// Length in bytes of the control line with its line end.
    pub line_len: usize,
}

impl<'a> Publish<'a> {
    /// The payload: `body` without the header block.
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        self.body.get(self.header_size.unwrap_or(0)..).unwrap_or_default()
    }

    /// The header block, from `NATS/1.0` to the empty line, as sent.
    #[inline]
    pub fn header(&self) -> Option<&'a [u8]> {
        self.body.get(..self.header_size?)
    }
}
