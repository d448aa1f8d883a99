//! What servers of one cluster say to each other: interest, messages, and who they are.
//!
//! In: [`parser::parse`] finds the [`RouteOperation`] at the start of a buffer; [`RouteInfo`] and [`RouteConnect`] read the
//! JSON of INFO and CONNECT. Out: the same two, [`interest`] for RS+ and RS-, and [`routed`](crate::routed) for messages.

mod connect;
mod info;
pub mod interest;
pub mod parser;

pub use connect::RouteConnect;
pub use info::{GossipMode, RouteInfo, SubjectRules};
pub(crate) use info::{is_default, null_is_empty};

use crate::operation::Publish;

/// One operation of another server, borrowed from the buffer it was parsed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteOperation<'a> {
    /// The JSON text of an INFO.
    Info(&'a [u8]),
    /// The JSON text of a CONNECT.
    Connect(&'a [u8]),
    /// PING, to be answered with PONG.
    Ping,
    /// PONG.
    Pong,
    /// `+OK`: without meaning.
    Ok,
    /// `-ERR` with its text.
    Error(&'a [u8]),
    /// RS+ and LS+: the other server is interested.
    Subscribe(RoutedInterest<'a>),
    /// RS- and LS-: it is not any more. The weight means nothing.
    Unsubscribe(RoutedInterest<'a>),
    /// RMSG, HMSG and LMSG.
    Message(RoutedMessage<'a>),
    /// A+: another cluster may be interested in an account again. On routes it means nothing.
    AccountBegins(&'a [u8]),
    /// A-: it is not interested in it. On routes it means nothing.
    AccountEnds(&'a [u8]),
}

/// What another server is interested in, or not any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoutedInterest<'a> {
    /// The cluster of the leaf nodes whose interest it is; none for that of the server itself.
    pub origin: Option<&'a [u8]>,
    /// The account; none on a route of one account alone.
    pub account: Option<&'a [u8]>,
    /// May have wildcards. Whether it is valid is not decided here.
    pub subject: &'a [u8],
    /// The queue group.
    pub queue: Option<&'a [u8]>,
    /// How many members of it there are; 1 without a group.
    pub weight: u32,
}

/// A message that another server passes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoutedMessage<'a> {
    /// The cluster of the leaf node that it is from; none for one that is from elsewhere.
    pub origin: Option<&'a [u8]>,
    /// The account; none on a route of one account alone.
    pub account: Option<&'a [u8]>,
    /// The message, with the queue groups that are to be served.
    pub publish: Publish<'a>,
}
