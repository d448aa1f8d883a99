//! What is said when a connection ends: a status and why (RFC 6455, section 7.4).

use crate::{LONGEST_CONTROL, Violation};
use vagus_protocol::error::CloseReason;

/// The peer may close, and has.
const NORMAL: u16 = 1000;
const GOING_AWAY: u16 = 1001;
const PROTOCOL_ERROR: u16 = 1002;
const INVALID_PAYLOAD: u16 = 1007;
const POLICY_VIOLATION: u16 = 1008;
const TOO_BIG: u16 = 1009;
const INTERNAL_ERROR: u16 = 1011;
const TLS_HANDSHAKE: u16 = 1015;

/// What stands at the end of a reason that was cut.
const CUT: &str = "...";

/// The payload of the close frame for a connection that the server ends, by the statuses that nats-server gives.
pub fn payload(reason: CloseReason) -> Vec<u8> {
    let status = match reason {
        CloseReason::ClientClosed => NORMAL,
        CloseReason::AuthenticationTimeout
        | CloseReason::AuthenticationFailure
        | CloseReason::SlowConsumerPendingBytes
        | CloseReason::SlowConsumerWriteDeadline
        | CloseReason::MaximumAccountConnectionsExceeded
        | CloseReason::MaximumConnectionsExceeded
        | CloseReason::MaximumControlLineExceeded
        | CloseReason::MaximumSubscriptionsExceeded
        | CloseReason::MissingAccount
        | CloseReason::AuthenticationExpired
        | CloseReason::Revocation => POLICY_VIOLATION,
        CloseReason::TlsHandshakeFailure => TLS_HANDSHAKE,
        CloseReason::ParseError | CloseReason::ProtocolViolation | CloseReason::BadClientProtocolVersion => {
            PROTOCOL_ERROR
        }
        CloseReason::MaximumPayloadExceeded => TOO_BIG,
        CloseReason::WriteError
        | CloseReason::ReadError
        | CloseReason::StaleConnection
        | CloseReason::ServerShutdown => GOING_AWAY,
        _ => INTERNAL_ERROR,
    };
    written(status, reason.text())
}

/// The same, for a peer that has broken the rules of WebSocket.
pub fn payload_after(violation: &Violation) -> Vec<u8> {
    let status = match violation {
        Violation::TooLarge => TOO_BIG,
        Violation::NotDeflated => INVALID_PAYLOAD,
        _ => PROTOCOL_ERROR,
    };
    written(status, &violation.to_string())
}

/// The payload of the answer to a close frame with this payload: the same, unless it is none that may be.
///
/// # Errors
/// When it is to be answered as a breach of the rules.
pub(crate) fn answer(payload: &[u8]) -> Result<Vec<u8>, Violation> {
    let (status, reason) = match payload {
        [] => return Ok(Vec::new()),
        [_] => return Err(Violation::ShortClose),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
    };
    if !may_be_sent(status) {
        return Err(Violation::CloseStatus(status));
    }
    Ok(match str::from_utf8(reason) {
        Ok(reason) => written(status, reason),
        Err(_) => written(INVALID_PAYLOAD, "invalid utf8 body in close frame"),
    })
}

/// Section 7.4.2, and those of section 7.4.1 that are never sent.
fn may_be_sent(status: u16) -> bool {
    match status {
        1004..=1006 | TLS_HANDSHAKE => false,
        1000..=1014 | 3000..=4999 => true,
        _ => false,
    }
}

fn written(status: u16, reason: &str) -> Vec<u8> {
    let room = LONGEST_CONTROL - size_of::<u16>();
    let (kept, mark) = match reason.len() <= room {
        true => (reason, ""),
        false => (&reason[..reason.floor_char_boundary(room - CUT.len())], CUT),
    };
    [&status.to_be_bytes(), kept.as_bytes(), mark.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut_to_what_a_frame_holds() {
        let longest = "ä".repeat(61);
        assert_eq!(written(1000, &longest).len(), 2 + 122);
        let cut = written(1000, &"ä".repeat(62));
        assert_eq!(cut.len(), 2 + 120 + 3);
        assert!(cut.ends_with("ä...".as_bytes()));
        assert!(str::from_utf8(&cut[2..]).is_ok());
    }

    #[track_caller]
    fn check(payload: &[u8], expected: Result<&[u8], Violation>) {
        assert_eq!(answer(payload), expected.map(<[u8]>::to_vec));
    }

    #[test]
    fn is_answered_in_kind() {
        check(b"", Ok(b""));
        check(b"\x03\xe8", Ok(b"\x03\xe8"));
        check(b"\x03\xe8bye", Ok(b"\x03\xe8bye"));
        check(b"\x0f\xa0own", Ok(b"\x0f\xa0own"));
        check(b"\x03", Err(Violation::ShortClose));
        check(b"\x03\xe8\xff", Ok(b"\x03\xefinvalid utf8 body in close frame"));
    }

    /// Section 7.4.
    #[test]
    fn knows_which_statuses_there_are() {
        for status in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1014, 3000, 4999] {
            assert!(may_be_sent(status), "{status}");
        }
        for status in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
            assert!(!may_be_sent(status), "{status}");
        }
    }

    #[test]
    fn the_end_of_a_session_has_a_status() {
        let policy = payload(CloseReason::AuthenticationFailure);
        assert_eq!(policy, b"\x03\xf0Authentication Failure");
        assert_eq!(payload(CloseReason::MaximumPayloadExceeded)[..2], [0x03, 0xf1]);
        assert_eq!(payload(CloseReason::ServerShutdown)[..2], [0x03, 0xe9]);
        assert_eq!(payload_after(&Violation::NotMasked), b"\x03\xeamask bit missing");
    }
}
