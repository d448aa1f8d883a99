//! What the server says when something is wrong, and why a connection ended.

use std::fmt::{self, Display, Formatter};

use thiserror::Error;

use crate::quote::Quoted;

/// A breach of the protocol. Each one closes the connection; some are told to the client first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Violation {
    /// A verb that does not exist for clients or lacks its blank, or a payload not followed by CRLF.
    #[error("unknown protocol operation")]
    UnknownOperation,
    /// The size of a message is over `max_payload`.
    #[error("maximum payload exceeded")]
    MaximumPayload,
    /// A control line is longer than `max_control_line`.
    #[error("maximum control line exceeded")]
    MaximumControlLine,
    /// Too few or too many arguments, a size that is not one, a header block larger than its message,
    /// an INFO that is not a JSON object. Closes without a word.
    #[error("bad arguments")]
    Arguments,
    /// HPUB from a client that did not say `headers:true`, or to a server without support for headers.
    /// Closes without a word.
    #[error("message headers not supported")]
    HeadersNotSupported,
    /// A CONNECT that cannot be read: see [`crate::connect::ConnectError`]. Closes without a word.
    #[error("bad CONNECT")]
    Connect,
    /// The client sent an `-ERR`. Closes without a word. The parser reports
    /// [`crate::operation::Operation::Error`], with the client's text for the log.
    #[error("client error")]
    ClientError,
}

impl Violation {
    /// What the client is told before it is closed; `None`: nothing.
    pub fn text(self) -> Option<&'static str> {
        match self {
            Violation::UnknownOperation => Some("Unknown Protocol Operation"),
            Violation::MaximumPayload => Some("Maximum Payload Violation"),
            Violation::MaximumControlLine => Some("maximum control line exceeded"),
            Violation::Arguments
            | Violation::HeadersNotSupported
            | Violation::Connect
            | Violation::ClientError => None,
        }
    }

    /// Whether the connection is closed: always.
    pub fn closes(self) -> bool {
        true
    }

    /// The reason the connection is closed with.
    pub fn reason(self) -> CloseReason {
        match self {
            Violation::MaximumPayload => CloseReason::MaximumPayloadExceeded,
            Violation::MaximumControlLine => CloseReason::MaximumControlLineExceeded,
            Violation::ClientError => CloseReason::ParseError,
            Violation::UnknownOperation
            | Violation::Arguments
            | Violation::HeadersNotSupported
            | Violation::Connect => CloseReason::ProtocolViolation,
        }
    }

    /// Appends the `-ERR` line, if the client is told at all.
    pub fn append(self, out: &mut Vec<u8>) {
        if let Some(text) = self.text() {
            append_error(out, text);
        }
    }
}

/// Everything else the server complains about to a client. Displays as the text that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Complaint<'a> {
    /// Bad credentials, or something other than CONNECT where one is required. Closes.
    #[error("Authorization Violation")]
    AuthorizationViolation,
    /// It came by a proxy that the server does not trust; it is told no more than others. Closes.
    #[error("Authorization Violation")]
    UntrustedProxy,
    /// It did not come by a proxy, and its user has to; it is told no more than others. Closes.
    #[error("Authorization Violation")]
    ProxyRequired,
    /// No CONNECT in time. Closes.
    #[error("Authentication Timeout")]
    AuthenticationTimeout,
    /// The token that the client was let in by does not hold any more. Closes.
    #[error("User Authentication Expired")]
    UserExpired,
    /// The token of the client's account does not hold any more. Closes.
    #[error("Account Authentication Expired")]
    AccountExpired,
    /// The client's account does not want it any more. Closes.
    #[error("User Authentication Revoked")]
    UserRevoked,
    /// Too many pings without an answer. Closes.
    #[error("Stale Connection")]
    StaleConnection,
    /// The server has as many connections as it may. Closes.
    #[error("maximum connections exceeded")]
    MaximumConnections,
    /// The client's account has as many connections as it may. Closes.
    #[error("maximum account active connections exceeded")]
    MaximumAccountConnections,
    /// More TLS handshakes than may begin in a second. Closes.
    #[error("Connection throttling is active. Please try again later.")]
    Throttled,
    /// The connection has as many subscriptions as it may: the SUB is not carried out.
    #[error("maximum subscriptions exceeded")]
    MaximumSubscriptions,
    /// The subject of a SUB is not one: the SUB is not carried out.
    #[error("Invalid Subject")]
    InvalidSubject,
    /// Pedantic clients only: a publish to a subject with wildcards or empty tokens. The message is
    /// published all the same.
    #[error("Invalid Publish Subject")]
    InvalidPublishSubject,
    /// The `protocol` of a CONNECT is neither 0 nor 1. Closes.
    #[error("invalid client protocol")]
    InvalidClientProtocol,
    /// A CONNECT asks for `no_responders` without `headers`. Closes.
    #[error("no responders requires headers support")]
    NoRespondersRequiresHeaders,
    /// The client may not publish there: the message is dropped.
    #[error("Permissions Violation for Publish to {}", Quoted(subject))]
    PublishPermission {
        /// Subject of the message.
        subject: &'a [u8],
    },
    /// The client may not ask for answers there: the message is dropped.
    #[error("Permissions Violation for Publish with Reply of {}", Quoted(reply))]
    ReplyPermission {
        /// Reply subject of the message.
        reply: &'a [u8],
    },
    /// The client may not subscribe there: the SUB is not carried out.
    #[error("Permissions Violation for Subscription to {}{}", Quoted(subject), UsingQueue(*queue))]
    SubscriptionPermission {
        /// Subject of the SUB.
        subject: &'a [u8],
        /// Its queue group.
        queue: Option<&'a [u8]>,
        /// Its id, for the log.
        sid: &'a [u8],
    },
    /// The client may not have this subscription any more: it was ended.
    #[error(
        "Permissions Violation for Subscription to {}{} (sid {})",
        Quoted(subject),
        UsingQueue(*queue),
        Quoted(sid)
    )]
    SubscriptionRevoked {
        /// What it was to.
        subject: &'a [u8],
        /// Its queue group.
        queue: Option<&'a [u8]>,
        /// Its id.
        sid: &'a [u8],
    },
    /// The subject has more tokens than `max_subscription_tokens`: the SUB is not carried out.
    #[error(
        "Permissions Violation for Subscription to {}, too many tokens",
        Quoted(subject)
    )]
    TooManyTokens {
        /// Subject of the SUB.
        subject: &'a [u8],
        /// Its id, for the log.
        sid: &'a [u8],
    },
}

struct UsingQueue<'a>(Option<&'a [u8]>);

impl Display for UsingQueue<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(queue) => write!(out, " using queue {}", Quoted(queue)),
            None => Ok(()),
        }
    }
}

impl Complaint<'_> {
    /// What is sent between the quotes of `-ERR '…'`.
    pub fn text(&self) -> String {
        self.to_string()
    }

    /// Whether the connection is closed after it.
    pub fn closes(&self) -> bool {
        self.reason().is_some()
    }

    /// The reason the connection is closed with, if it is.
    pub fn reason(&self) -> Option<CloseReason> {
        match self {
            Complaint::AuthorizationViolation => Some(CloseReason::AuthenticationFailure),
            Complaint::UntrustedProxy => Some(CloseReason::UntrustedProxy),
            Complaint::ProxyRequired => Some(CloseReason::ProxyRequired),
            Complaint::AuthenticationTimeout => Some(CloseReason::AuthenticationTimeout),
            Complaint::UserExpired | Complaint::AccountExpired => Some(CloseReason::AuthenticationExpired),
            Complaint::UserRevoked => Some(CloseReason::Revocation),
            Complaint::StaleConnection => Some(CloseReason::StaleConnection),
            Complaint::MaximumConnections | Complaint::Throttled => {
                Some(CloseReason::MaximumConnectionsExceeded)
            }
            Complaint::MaximumAccountConnections => Some(CloseReason::MaximumAccountConnectionsExceeded),
            Complaint::InvalidClientProtocol => Some(CloseReason::BadClientProtocolVersion),
            Complaint::NoRespondersRequiresHeaders => Some(CloseReason::NoRespondersRequiresHeaders),
            Complaint::MaximumSubscriptions
            | Complaint::InvalidSubject
            | Complaint::InvalidPublishSubject
            | Complaint::PublishPermission { .. }
            | Complaint::ReplyPermission { .. }
            | Complaint::SubscriptionPermission { .. }
            | Complaint::SubscriptionRevoked { .. }
            | Complaint::TooManyTokens { .. } => None,
        }
    }

    /// Appends the `-ERR` line.
    pub fn append(&self, out: &mut Vec<u8>) {
        append_error(out, &self.text());
    }
}

fn append_error(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(b"-ERR '");
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(b"'\r\n");
}

/// Why a connection ended, as monitoring shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The client closed it.
    ClientClosed,
    /// No CONNECT in time.
    AuthenticationTimeout,
    /// Bad credentials.
    AuthenticationFailure,
    /// It came by a proxy that is not trusted.
    UntrustedProxy,
    /// It did not come by a proxy, as its user has to.
    ProxyRequired,
    /// No TLS handshake, or not in time.
    TlsHandshakeFailure,
    /// More bytes waited for the client than `max_pending`.
    SlowConsumerPendingBytes,
    /// A write did not end before `write_deadline`.
    SlowConsumerWriteDeadline,
    /// Writing to the socket failed.
    WriteError,
    /// Reading from the socket failed.
    ReadError,
    /// The client sent an `-ERR`.
    ParseError,
    /// Too many pings without an answer.
    StaleConnection,
    /// The client broke the protocol.
    ProtocolViolation,
    /// The `protocol` of a CONNECT is unknown.
    BadClientProtocolVersion,
    /// The server had as many connections as it may.
    MaximumConnectionsExceeded,
    /// The account had as many connections as it may.
    MaximumAccountConnectionsExceeded,
    /// A message was over `max_payload`.
    MaximumPayloadExceeded,
    /// A line was over `max_control_line`.
    MaximumControlLineExceeded,
    /// More subscriptions than allowed when the limit began to apply.
    MaximumSubscriptionsExceeded,
    /// The server stopped.
    ServerShutdown,
    /// `no_responders` without `headers`.
    NoRespondersRequiresHeaders,
    /// The token of its user or of its account did not hold any more.
    AuthenticationExpired,
    /// Its account did not want it any more.
    Revocation,
    /// An administrator had it closed.
    Kicked,
    /// There is a route to the same server already, or it is this one.
    DuplicateRoute,
    /// The configuration does not ask for the route any more.
    RouteRemoved,
    /// There is no such account as the route is for.
    MissingAccount,
    /// The other server has the name of this one.
    DuplicateServerName,
    /// The other server is of another cluster.
    ClusterNameConflict,
    /// A client has connected where servers do.
    WrongPort,
    /// A gateway has connected where others do.
    WrongGateway,
    /// The same leaf node has connected anew.
    DuplicateLeafNode,
    /// The leaf node is of a cluster that is called as this one.
    SameClusterName,
    /// The version of the leaf node is too old.
    MinimumVersionRequired,
}

impl CloseReason {
    /// Whether too much waited for the peer, or for too long.
    pub fn is_slow_consumer(self) -> bool {
        matches!(
            self,
            CloseReason::SlowConsumerPendingBytes | CloseReason::SlowConsumerWriteDeadline
        )
    }

    /// The text that monitoring and events show.
    pub fn text(self) -> &'static str {
        match self {
            CloseReason::ClientClosed => "Client Closed",
            CloseReason::AuthenticationTimeout => "Authentication Timeout",
            CloseReason::AuthenticationFailure => "Authentication Failure",
            CloseReason::UntrustedProxy => "Proxy Not Trusted",
            CloseReason::ProxyRequired => "Proxy Required",
            CloseReason::TlsHandshakeFailure => "TLS Handshake Failure",
            CloseReason::SlowConsumerPendingBytes => "Slow Consumer (Pending Bytes)",
            CloseReason::SlowConsumerWriteDeadline => "Slow Consumer (Write Deadline)",
            CloseReason::WriteError => "Write Error",
            CloseReason::ReadError => "Read Error",
            CloseReason::ParseError => "Parse Error",
            CloseReason::StaleConnection => "Stale Connection",
            CloseReason::ProtocolViolation => "Protocol Violation",
            CloseReason::BadClientProtocolVersion => "Bad Client Protocol Version",
            CloseReason::MaximumConnectionsExceeded => "Maximum Connections Exceeded",
            CloseReason::MaximumAccountConnectionsExceeded => "Maximum Account Connections Exceeded",
            CloseReason::MaximumPayloadExceeded => "Maximum Message Payload Exceeded",
            CloseReason::MaximumControlLineExceeded => "Maximum Control Line Exceeded",
            CloseReason::MaximumSubscriptionsExceeded => "Maximum Subscriptions Exceeded",
            CloseReason::ServerShutdown => "Server Shutdown",
            CloseReason::NoRespondersRequiresHeaders => "No Responders Requires Headers",
            CloseReason::AuthenticationExpired => "Authentication Expired",
            CloseReason::Revocation => "Credentials Revoked",
            CloseReason::Kicked => "Kicked",
            CloseReason::DuplicateRoute => "Duplicate Route",
            CloseReason::RouteRemoved => "Route Removed",
            CloseReason::MissingAccount => "Missing Account",
            CloseReason::DuplicateServerName => "Duplicate Server Name",
            CloseReason::ClusterNameConflict => "Cluster Name Conflict",
            CloseReason::WrongPort => "Incorrect Port",
            CloseReason::WrongGateway => "Wrong Gateway",
            CloseReason::DuplicateLeafNode => "Duplicate Remote LeafNode Connection",
            CloseReason::SameClusterName => "Cluster Names Identical",
            CloseReason::MinimumVersionRequired => "Minimum Version Required",
        }
    }
}

impl Display for CloseReason {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_read_as_clients_know_them() {
        #[track_caller]
        fn check(complaint: Complaint<'_>, closes: bool, expect: &str) {
            let mut line = Vec::new();
            complaint.append(&mut line);
            assert_eq!(String::from_utf8(line).unwrap(), format!("-ERR '{expect}'\r\n"));
            assert_eq!(complaint.closes(), closes);
        }
        check(Complaint::AuthorizationViolation, true, "Authorization Violation");
        check(Complaint::UntrustedProxy, true, "Authorization Violation");
        check(Complaint::ProxyRequired, true, "Authorization Violation");
        check(Complaint::AuthenticationTimeout, true, "Authentication Timeout");
        check(Complaint::UserExpired, true, "User Authentication Expired");
        check(Complaint::AccountExpired, true, "Account Authentication Expired");
        check(Complaint::UserRevoked, true, "User Authentication Revoked");
        check(Complaint::StaleConnection, true, "Stale Connection");
        check(
            Complaint::MaximumConnections,
            true,
            "maximum connections exceeded",
        );
        check(
            Complaint::Throttled,
            true,
            "Connection throttling is active. Please try again later.",
        );
        check(
            Complaint::MaximumSubscriptions,
            false,
            "maximum subscriptions exceeded",
        );
        check(Complaint::InvalidSubject, false, "Invalid Subject");
        check(Complaint::InvalidPublishSubject, false, "Invalid Publish Subject");
        check(Complaint::InvalidClientProtocol, true, "invalid client protocol");
        check(
            Complaint::NoRespondersRequiresHeaders,
            true,
            "no responders requires headers support",
        );
        check(
            Complaint::PublishPermission { subject: b"a.\"b\"" },
            false,
            r#"Permissions Violation for Publish to "a.\"b\"""#,
        );
        check(
            Complaint::ReplyPermission { reply: b"_R_.x" },
            false,
            r#"Permissions Violation for Publish with Reply of "_R_.x""#,
        );
        check(
            Complaint::SubscriptionPermission {
                subject: b"a.>",
                queue: None,
                sid: b"1",
            },
            false,
            r#"Permissions Violation for Subscription to "a.>""#,
        );
        check(
            Complaint::SubscriptionPermission {
                subject: b"a",
                queue: Some(b"q"),
                sid: b"1",
            },
            false,
            r#"Permissions Violation for Subscription to "a" using queue "q""#,
        );
        check(
            Complaint::SubscriptionRevoked {
                subject: b"a",
                queue: Some(b"q"),
                sid: b"7",
            },
            false,
            r#"Permissions Violation for Subscription to "a" using queue "q" (sid "7")"#,
        );
        check(
            Complaint::TooManyTokens {
                subject: b"a.b.c",
                sid: b"1",
            },
            false,
            r#"Permissions Violation for Subscription to "a.b.c", too many tokens"#,
        );
    }

    #[test]
    fn violations_close_and_some_are_silent() {
        #[track_caller]
        fn check(violation: Violation, line: &str, reason: &str) {
            let mut out = Vec::new();
            violation.append(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), line);
            assert_eq!(violation.reason().to_string(), reason);
            assert!(violation.closes());
        }
        check(
            Violation::UnknownOperation,
            "-ERR 'Unknown Protocol Operation'\r\n",
            "Protocol Violation",
        );
        check(
            Violation::MaximumPayload,
            "-ERR 'Maximum Payload Violation'\r\n",
            "Maximum Message Payload Exceeded",
        );
        check(
            Violation::MaximumControlLine,
            "-ERR 'maximum control line exceeded'\r\n",
            "Maximum Control Line Exceeded",
        );
        check(Violation::Arguments, "", "Protocol Violation");
        check(Violation::HeadersNotSupported, "", "Protocol Violation");
        check(Violation::Connect, "", "Protocol Violation");
        check(Violation::ClientError, "", "Parse Error");
    }
}
