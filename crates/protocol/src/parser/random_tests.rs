//! Random bytes: the parser neither panics nor stalls, and both its ways give the same answer.

use super::tests::{STREAM, describe};
use super::*;
use fastrand::Rng;

fn one_of<'a>(random: &mut Rng, choices: &[&'a [u8]]) -> &'a [u8] {
    choices[random.usize(..choices.len())]
}

/// Holds the parser to all that is promised for any input at all.
fn check(input: &[u8], limits: &FrameLimits) {
    let mut rest = input;
    while let Parsed::Frame { consumed, .. } = check_frame(rest, limits) {
        rest = &rest[consumed..];
    }
    describe(input, limits);
}

fn check_frame<'a>(input: &'a [u8], limits: &FrameLimits) -> Parsed<'a> {
    let parsed = parse(input, limits);
    assert_eq!(parsed, line::parse(input, limits), "{}", input.escape_ascii());
    match parsed {
        Parsed::Frame { consumed, .. } => {
            assert!((1..=input.len()).contains(&consumed));
            // The bytes behind the frame play no part, and without its last byte there is no frame.
            assert_eq!(parse(&input[..consumed], limits), parsed);
            assert!(matches!(
                parse(&input[..consumed - 1], limits),
                Parsed::Incomplete { .. }
            ));
        }
        Parsed::Incomplete { frame_len: 0 } => {
            assert!(input.len() <= 2 * limits.max_control_line + 16);
        }
        Parsed::Incomplete { frame_len } => assert!(frame_len > input.len()),
        Parsed::Violation(_) => {
            // More bytes do not mend it.
            let more = [input, b"\r\n".as_slice()].concat();
            assert_eq!(parse(&more, limits), parsed);
        }
    }
    parsed
}

fn limits(random: &mut Rng) -> FrameLimits {
    FrameLimits {
        max_control_line: [10, 30, 4096][random.usize(..3)],
        max_payload: [5, 100, usize::MAX][random.usize(..3)],
        headers: random.usize(..4) > 0,
    }
}

#[test]
fn random_bytes() {
    let mut random = Rng::with_seed(0x9E37_79B9_7F4A_7C15);
    for _ in 0..50_000 {
        let limits = limits(&mut random);
        let length = random.usize(..40);
        let input: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
        check(&input, &limits);
    }
}

#[test]
fn random_words() {
    let verbs: [&[u8]; 12] = [
        b"PUB", b"hpub", b"HPUB", b"SUB", b"UNSUB", b"PING", b"CONNECT", b"INFO", b"-ERR", b"+OK", b"pub",
        b"M",
    ];
    let blanks: [&[u8]; 8] = [b" ", b" ", b" ", b" ", b"  ", b"\t", b"", b"\r"];
    let words: [&[u8]; 12] = [
        b"a",
        b"foo.bar",
        b"0",
        b"1",
        b"2",
        b"3",
        b"02",
        b"999999999",
        b"1234567890",
        b"{}",
        b"\x01",
        b"\xff\xfe",
    ];
    let ends: [&[u8]; 6] = [b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r\r\n", b"\r"];
    let bodies: [&[u8]; 7] = [b"\r\n", b"a\r\n", b"ab\r\n", b"abc\r\n", b"ab", b"ab\r", b"ab\n"];
    let mut random = Rng::with_seed(0xD1B5_4A32_D192_ED03);
    for _ in 0..200_000 {
        let limits = limits(&mut random);
        let mut input = one_of(&mut random, &verbs).to_vec();
        for _ in 0..random.usize(..5) {
            input.extend_from_slice(one_of(&mut random, &blanks));
            input.extend_from_slice(one_of(&mut random, &words));
        }
        for part in [
            one_of(&mut random, &blanks[3..]),
            one_of(&mut random, &ends),
            one_of(&mut random, &bodies),
        ] {
            input.extend_from_slice(part);
        }
        check(&input, &limits);
    }
}

#[test]
fn mutated_frames() {
    let interesting = b" \t\r\n0129PpHh{}\"\\\0\xff.>*";
    let mut random = Rng::with_seed(0x2545_F491_4F6C_DD1D);
    for _ in 0..50_000 {
        let limits = limits(&mut random);
        let mut input = STREAM.to_vec();
        for _ in 0..=random.usize(..3) {
            let at = random.usize(..input.len());
            match random.usize(..4) {
                0 => input[at] = interesting[random.usize(..interesting.len())],
                1 => input[at] = random.u8(..),
                2 => input.insert(at, interesting[random.usize(..interesting.len())]),
                _ => drop(input.remove(at)),
            }
        }
        let start = random.usize(..input.len());
        check(&input[start..], &limits);
        check(&input, &limits);
    }
}
