use super::*;

fn header(length: usize, source: &str) -> Result<Parsed, ProxyHeaderError> {
    Ok(Parsed::Header {
        length,
        source: (!source.is_empty()).then(|| source.parse().unwrap()),
    })
}

/// Whole, and followed by something else, and cut anywhere.
#[track_caller]
fn check(bytes: &[u8], expect: Result<Parsed, ProxyHeaderError>) {
    assert_eq!(parse(bytes), expect, "{}", bytes.escape_ascii());
    let followed = [bytes, b"\x16\x03\x01 CONNECT {}\r\n"].concat();
    assert_eq!(parse(&followed), expect, "{}", followed.escape_ascii());
    for cut in 0..bytes.len() {
        let parsed = parse(&bytes[..cut]);
        assert!(
            parsed == Ok(Parsed::Incomplete) || parsed == expect,
            "{}: {parsed:?}",
            bytes[..cut].escape_ascii()
        );
    }
}

#[test]
fn version_1() {
    check(
        b"PROXY TCP4 192.0.2.1 198.51.100.1 51000 4222\r\n",
        header(46, "192.0.2.1:51000"),
    );
    check(
        b"PROXY TCP6 2001:db8::1 2001:db8::2 51000 4222\r\n",
        header(47, "[2001:db8::1]:51000"),
    );
    check(
        b"PROXY TCP6 ::ffff:192.0.2.1 ::1 5 4222\r\n",
        header(40, "192.0.2.1:5"),
    );
    check(b"PROXY UNKNOWN\r\n", header(15, ""));
    check(b"PROXY UNKNOWN whatever there may be\r\n", header(37, ""));
}

#[test]
fn version_1_that_is_wrong() {
    check(b"PROXY \r\n", Err(ProxyHeaderError::Format));
    check(b"PROXY TCP4 192.0.2.1\r\n", Err(ProxyHeaderError::Format));
    check(
        b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n",
        Err(ProxyHeaderError::Format),
    );
    check(b"PROXY TCP4 \xff 2.2.2.2 1 2\r\n", Err(ProxyHeaderError::Format));
    check(
        b"PROXY TCP4 localhost 2.2.2.2 1 2\r\n",
        Err(ProxyHeaderError::Address),
    );
    check(
        b"PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n",
        Err(ProxyHeaderError::Port),
    );
    check(
        b"PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n",
        Err(ProxyHeaderError::Port),
    );
    check(
        b"PROXY TCP4 ::1 ::2 1 2\r\n",
        Err(ProxyHeaderError::Family("TCP4")),
    );
    check(
        b"PROXY TCP6 1.1.1.1 ::2 1 2\r\n",
        Err(ProxyHeaderError::Family("TCP6")),
    );
    check(
        b"PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n",
        Err(ProxyHeaderError::Protocol),
    );
    let endless = [b"PROXY TCP4 ".as_slice(), &[b'1'; 200]].concat();
    assert_eq!(parse(&endless), Err(ProxyHeaderError::LineTooLong));
    assert_eq!(parse(&endless[..V1_LONGEST - 1]), Ok(Parsed::Incomplete));
}

fn version_2(command: u8, family: u8, following: u16, data: &[u8]) -> Vec<u8> {
    [V2_SIGNATURE, &[command, family], &following.to_be_bytes(), data].concat()
}

const V4: &[u8] = &[192, 0, 2, 1, 198, 51, 100, 1, 0xc7, 0x38, 0x10, 0x7e];

fn v6(ip: &str) -> Vec<u8> {
    let ip: Ipv6Addr = ip.parse().unwrap();
    [&ip.octets()[..], &[0; 16], &[0xc7, 0x38, 0x10, 0x7e]].concat()
}

#[test]
fn version_2_of_all_kinds() {
    check(&version_2(0x21, 0x11, 12, V4), header(28, "192.0.2.1:51000"));
    check(
        &version_2(0x21, 0x21, 36, &v6("2001:db8::1")),
        header(52, "[2001:db8::1]:51000"),
    );
    check(
        &version_2(0x21, 0x21, 36, &v6("::ffff:192.0.2.1")),
        header(52, "192.0.2.1:51000"),
    );
    check(&version_2(0x20, 0x00, 0, b""), header(16, ""));
    check(&version_2(0x20, 0x11, 12, b""), header(28, ""));
    check(&version_2(0x21, 0x01, 9, b""), header(25, ""));
    // What else it carries is not looked at, and need not be there yet.
    check(
        &version_2(0x21, 0x11, u16::MAX, V4),
        header(16 + 65535, "192.0.2.1:51000"),
    );
}

#[test]
fn version_2_that_is_wrong() {
    check(
        &version_2(0x11, 0x11, 12, b""),
        Err(ProxyHeaderError::Version(0x10)),
    );
    check(&version_2(0x22, 0x11, 12, b""), Err(ProxyHeaderError::Command(2)));
    check(&version_2(0x21, 0x12, 12, b""), Err(ProxyHeaderError::NotStream));
    check(
        &version_2(0x21, 0x31, 216, b""),
        Err(ProxyHeaderError::UnsupportedFamily(0x30)),
    );
    check(
        &version_2(0x21, 0x11, 11, b""),
        Err(ProxyHeaderError::TooShort(11)),
    );
    check(
        &version_2(0x21, 0x21, 35, b""),
        Err(ProxyHeaderError::TooShort(35)),
    );
}

#[test]
fn what_is_no_header() {
    for bytes in [
        b"CONNECT {}\r\n".as_slice(),
        b"PING\r\n",
        b"PROXI",
        b"proxy ",
        b"\x16\x03\x01",
        b"\r\n\r\n\0\r\nQUIT\r",
        b"\r\nPING\r\n",
    ] {
        assert_eq!(parse(bytes), Ok(Parsed::Absent), "{}", bytes.escape_ascii());
    }
    assert_eq!(parse(b""), Ok(Parsed::Incomplete));
}

/// Damaged headers neither panic, nor wait for more than a head, nor are longer than their length can say.
#[test]
fn any_bytes() {
    let mut random = fastrand::Rng::with_seed(1);
    let seeds = [
        b"PROXY TCP4 192.0.2.1 198.51.100.1 51000 4222\r\n".to_vec(),
        b"PROXY TCP6 2001:db8::1 2001:db8::2 51000 4222\r\n".to_vec(),
        version_2(0x21, 0x11, 12, V4),
        version_2(0x21, 0x21, 36, &v6("2001:db8::1")),
    ];
    let (mut headers, mut errors) = (0, 0);
    for round in 0..200_000_usize {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..random.usize(..4) {
            let place = random.usize(..bytes.len());
            bytes[place] = random.u8(..);
        }
        bytes.truncate(random.usize(..bytes.len() * 4));
        let parsed = parse(&bytes);
        headers += usize::from(matches!(parsed, Ok(Parsed::Header { .. })));
        errors += usize::from(parsed.is_err());
        if let Ok(Parsed::Header { length, .. }) = parsed {
            assert!(length <= V2_FIXED + usize::from(u16::MAX));
        }
        bytes.resize(LONGEST_HEAD.max(bytes.len()), b' ');
        assert_ne!(parse(&bytes), Ok(Parsed::Incomplete), "{}", bytes.escape_ascii());
    }
    assert!(
        headers > 1000 && errors > 1000,
        "{headers} headers, {errors} errors"
    );
}
