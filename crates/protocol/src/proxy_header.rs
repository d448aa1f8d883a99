//! The header by which a proxy says for whom it connects: the PROXY protocol, versions 1 and 2.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use thiserror::Error;

/// The most, in bytes, that [`parse`] needs to see of a header.
pub const LONGEST_HEAD: usize = V1_LONGEST;

/// The longest line of version 1, with its CRLF.
const V1_LONGEST: usize = 107;

const V1_PREFIX: &[u8] = b"PROXY ";

const V2_SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Signature, version and command, family and protocol, length of what follows.
const V2_FIXED: usize = 16;

/// What begins with these bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed {
    /// So far it may be a header, but more of it is needed to say.
    Incomplete,
    /// Not a header: the peer speaks for itself.
    Absent,
    /// A header.
    Header {
        /// How long it is, in bytes. More than has been seen if it carries what is of no interest here.
        length: usize,
        /// Whom the proxy connects for; None if the connection is its own.
        source: Option<SocketAddr>,
    },
}

/// Why something that begins as a header is none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProxyHeaderError {
    /// The line of version 1 has no end.
    #[error("invalid PROXY protocol header: v1 line too long")]
    LineTooLong,
    /// The line of version 1 has too many or too few words.
    #[error("invalid PROXY protocol header: invalid v1 format")]
    Format,
    /// Not an IP address.
    #[error("invalid PROXY protocol header: invalid address")]
    Address,
    /// Not a port.
    #[error("invalid PROXY protocol header: invalid port")]
    Port,
    /// An address of another family than was said.
    #[error("invalid PROXY protocol header: {0} with an address of another family")]
    Family(&'static str),
    /// Neither TCP4, TCP6 nor UNKNOWN.
    #[error("invalid PROXY protocol header: invalid protocol")]
    Protocol,
    /// Not version 2.
    #[error("invalid PROXY protocol header: invalid version 0x{0:02x}")]
    Version(u8),
    /// Neither LOCAL nor PROXY.
    #[error("unknown PROXY protocol command: 0x{0:02x}")]
    Command(u8),
    /// Datagrams, or something else that cannot be a connection to us.
    #[error("unsupported PROXY protocol feature: only STREAM protocol supported")]
    NotStream,
    /// Neither IPv4 nor IPv6.
    #[error("unsupported PROXY protocol feature: unsupported address family 0x{0:02x}")]
    UnsupportedFamily(u8),
    /// There is no room for the addresses in it.
    #[error("invalid PROXY protocol header: address data too short: {0} bytes")]
    TooShort(u16),
}

/// Reads the header that `bytes` begin with, if they do. Once [`LONGEST_HEAD`] bytes are there it is never
/// [`Parsed::Incomplete`].
///
/// # Errors
/// When they begin as a header, and are none.
pub fn parse(bytes: &[u8]) -> Result<Parsed, ProxyHeaderError> {
    if begins_as(bytes, V1_PREFIX) {
        return parse_v1(bytes);
    }
    if begins_as(bytes, V2_SIGNATURE) {
        return parse_v2(bytes);
    }
    Ok(Parsed::Absent)
}

fn begins_as(bytes: &[u8], expected: &[u8]) -> bool {
    let common = bytes.len().min(expected.len());
    bytes[..common] == expected[..common]
}

fn parse_v1(bytes: &[u8]) -> Result<Parsed, ProxyHeaderError> {
    let seen = &bytes[..bytes.len().min(V1_LONGEST)];
    let Some(end) = seen.windows(2).position(|pair| pair == b"\r\n") else {
        return if seen.len() < V1_LONGEST {
            Ok(Parsed::Incomplete)
        } else {
            Err(ProxyHeaderError::LineTooLong)
        };
    };
    let length = end + 2;
    let line = seen
        .get(V1_PREFIX.len()..end)
        .and_then(|line| std::str::from_utf8(line).ok())
        .ok_or(ProxyHeaderError::Format)?;
    let mut words = line.split_ascii_whitespace();
    let family = match words.next().ok_or(ProxyHeaderError::Format)? {
        "UNKNOWN" => {
            return Ok(Parsed::Header { length, source: None });
        }
        family => family,
    };
    let (Some(source), Some(destination), Some(source_port), Some(destination_port), None) = (
        words.next(),
        words.next(),
        words.next(),
        words.next(),
        words.next(),
    ) else {
        return Err(ProxyHeaderError::Format);
    };
    let (source, destination) = (address(source)?, address(destination)?);
    let (source_port, _) = (port(source_port)?, port(destination_port)?);
    match family {
        "TCP4" if source.is_ipv4() && destination.is_ipv4() => {}
        "TCP6" if source.is_ipv6() && destination.is_ipv6() => {}
        "TCP4" => return Err(ProxyHeaderError::Family("TCP4")),
        "TCP6" => return Err(ProxyHeaderError::Family("TCP6")),
        _ => return Err(ProxyHeaderError::Protocol),
    }
    Ok(Parsed::Header {
        length,
        source: Some(SocketAddr::new(source.to_canonical(), source_port)),
    })
}

fn address(text: &str) -> Result<IpAddr, ProxyHeaderError> {
    text.parse().map_err(|_| ProxyHeaderError::Address)
}

/// Digits alone: a sign, which Rust would allow, is none.
fn port(text: &str) -> Result<u16, ProxyHeaderError> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ProxyHeaderError::Port);
    }
    text.parse().map_err(|_| ProxyHeaderError::Port)
}

fn parse_v2(bytes: &[u8]) -> Result<Parsed, ProxyHeaderError> {
    let Some((fixed, rest)) = bytes.split_first_chunk::<V2_FIXED>() else {
        return Ok(Parsed::Incomplete);
    };
    let [.., version_and_command, family_and_protocol, high, low] = *fixed;
    let following = u16::from_be_bytes([high, low]);
    let length = V2_FIXED + usize::from(following);
    let header = |source| Ok(Parsed::Header { length, source });
    if version_and_command & 0xf0 != 0x20 {
        return Err(ProxyHeaderError::Version(version_and_command & 0xf0));
    }
    match version_and_command & 0x0f {
        0 => return header(None),
        1 => {}
        other => return Err(ProxyHeaderError::Command(other)),
    }
    if family_and_protocol & 0x0f != 1 {
        return Err(ProxyHeaderError::NotStream);
    }
    match family_and_protocol & 0xf0 {
        0x00 => header(None),
        0x10 if following < 12 => Err(ProxyHeaderError::TooShort(following)),
        0x10 => match rest.first_chunk::<12>() {
            Some(&[a, b, c, d, _, _, _, _, high, low, _, _]) => {
                let ip = Ipv4Addr::new(a, b, c, d);
                header(Some(SocketAddr::from((ip, u16::from_be_bytes([high, low])))))
            }
            None => Ok(Parsed::Incomplete),
        },
        0x20 if following < 36 => Err(ProxyHeaderError::TooShort(following)),
        0x20 => match (rest.first_chunk::<16>(), rest.get(32..36)) {
            (Some(ip), Some(&[high, low, _, _])) => {
                let ip = IpAddr::V6(Ipv6Addr::from(*ip)).to_canonical();
                header(Some(SocketAddr::new(ip, u16::from_be_bytes([high, low]))))
            }
            _ => Ok(Parsed::Incomplete),
        },
        other => Err(ProxyHeaderError::UnsupportedFamily(other)),
    }
}

#[cfg(test)]
mod tests;
