use super::*;
use crate::error::FrameError;
use std::fmt::Write;

fn json_of(bytes: &[u8]) -> Option<String> {
    let mut out = Vec::new();
    let mut reader = Reader::new(bytes);
    append_json(&mut reader, &mut out).then(|| String::from_utf8(out).unwrap())
}

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

/// Each form that a value may have.
const FORMS: [(&str, &str); 36] = [
    ("00", "0"),
    ("7f", "127"),
    ("e0", "-32"),
    ("ff", "-1"),
    ("c0", "null"),
    ("c2", "false"),
    ("c3", "true"),
    ("cc 80", "128"),
    ("cd 0100", "256"),
    ("ce 00010000", "65536"),
    ("cf ffffffffffffffff", "18446744073709551615"),
    ("d0 80", "-128"),
    ("d0 05", "5"),
    ("d1 8000", "-32768"),
    ("d2 80000000", "-2147483648"),
    ("d3 8000000000000000", "-9223372036854775808"),
    ("ca 3fc00000", "1.5"),
    ("cb 3ff8000000000000", "1.5"),
    ("cb 7ff0000000000000", "null"),
    ("a1 61", "\"a\""),
    ("d9 01 61", "\"a\""),
    ("da 0001 61", "\"a\""),
    ("db 00000001 61", "\"a\""),
    ("db 00000001 ff", "\"\u{fffd}\""),
    ("c4 01 61", "\"a\""),
    ("c5 0001 61", "\"a\""),
    ("c6 00000001 ff", "\"/w==\""),
    ("91 01", "[1]"),
    ("dc 0002 01 02", "[1,2]"),
    ("dd 00000001 90", "[[]]"),
    ("81 a1 61 01", "{\"a\":1}"),
    ("de 0001 01 80", "{\"1\":{}}"),
    ("df 00000002 a1 61 01 a1 62 02", "{\"a\":1,\"b\":2}"),
    ("d7 00 00000001 00000002", "1.000000002"),
    ("c7 08 00 00000001 3b9ac9ff", "1.999999999"),
    ("d4 07 ff", "\"/w==\""),
];

#[test]
fn every_form_is_json() {
    for (form, json) in FORMS {
        assert_eq!(json_of(&hex(form)).as_deref(), Some(json), "{form}");
    }
}

#[test]
fn what_is_cut_is_none_and_goes_on_where_it_stopped() {
    for (form, _) in FORMS {
        let whole = hex(form);
        let mut scan = Scan::default();
        for cut in 0..whole.len() {
            assert_eq!(scan.go_on(&whole[..cut], 100), Ok(None), "{form}");
            assert_eq!(json_of(&whole[..cut]), None, "{form}");
            assert!(Reader::new(&whole[..cut]).skip().is_none(), "{form}");
        }
        assert_eq!(scan.go_on(&whole, 100), Ok(Some(whole.len())), "{form}");
        // It is ready for the next one.
        assert_eq!(scan.go_on(&whole, 100), Ok(Some(whole.len())), "{form}");
    }
}

#[test]
fn what_claims_too_much_is_refused_at_its_head() {
    for claim in [
        "db 7fffffff",
        "c6 ffffffff",
        "dd ffffffff",
        "df ffffffff",
        "dc ffff",
        "de 00ff",
        "c9 ffffffff 00",
        "91 91 dd 00001000",
    ] {
        let refused = Scan::default().go_on(&hex(claim), 100);
        assert_eq!(refused, Err(FrameError::TooLarge(100)), "{claim}");
    }
    assert_eq!(
        Scan::default().go_on(&[0xc1], 100),
        Err(FrameError::NotMessagePack)
    );
    let deep = vec![0x91; 200];
    assert_eq!(Scan::default().go_on(&deep, 300), Err(FrameError::TooDeep));
    assert_eq!(json_of(&deep), None);
}

#[test]
fn numbers_are_written_in_their_shortest_form() {
    for (number, form) in [
        (0_i64, "00"),
        (127, "7f"),
        (128, "cc80"),
        (255, "ccff"),
        (256, "cd0100"),
        (65_536, "ce00010000"),
        (1 << 32, "cf0000000100000000"),
        (-1, "ff"),
        (-32, "e0"),
        (-33, "d0df"),
        (-129, "d1ff7f"),
        (-32_769, "d2ffff7fff"),
        (i64::MIN, "d38000000000000000"),
    ] {
        let mut out = Vec::new();
        write::write_i64(&mut out, number);
        assert_eq!(out, hex(form), "{number}");
        assert_eq!(json_of(&out), Some(number.to_string()));
    }
}

#[test]
fn objects_come_back_as_they_were() {
    for json in [
        "{}",
        r#"{"a":1}"#,
        r#"{"b":null,"a":[true,false,-5,1.5,"text",{"deep":[[]]}]}"#,
        r#"{"big":18446744073709551615,"small":-9223372036854775808}"#,
        r#"{"ä":"\" \\ \n"}"#,
        r#"{"same":1,"same":2}"#,
    ] {
        let mut out = b"before".to_vec();
        append_object(json.as_bytes(), &[], &mut out).unwrap();
        assert_eq!(json_of(&out[6..]).as_deref(), Some(json));
    }
    let long: String = (0..70_000).fold(String::new(), |mut text, at| {
        write!(text, "{}\"k{at}\":{at}", if at == 0 { "" } else { "," }).unwrap();
        text
    });
    let long = format!("{{{long}}}");
    let mut out = Vec::new();
    append_object(long.as_bytes(), &[], &mut out).unwrap();
    assert_eq!(json_of(&out), Some(long));
}

#[test]
fn pairs_are_put_behind_those_of_an_object() {
    let mut out = Vec::new();
    append_object(br#"{"a":1}"#, &[("subject", b"x.y"), ("more", b"")], &mut out).unwrap();
    assert_eq!(
        json_of(&out).as_deref(),
        Some(r#"{"a":1,"subject":"x.y","more":""}"#)
    );
}

#[test]
fn what_is_no_object_is_not_written() {
    for json in [
        "",
        "1",
        "[]",
        "null",
        "{",
        "{}x",
        "{\"a\":}",
        "\"text\"",
        "\u{feff}{}",
    ] {
        let mut out = b"before".to_vec();
        assert_eq!(append_object(json.as_bytes(), &[], &mut out), Err(NotAnObject));
        assert_eq!(out, b"before", "{json}");
    }
    let deep = format!("{}{}", "{\"a\":".repeat(500), "}".repeat(500));
    assert_eq!(
        append_object(deep.as_bytes(), &[], &mut Vec::new()),
        Err(NotAnObject)
    );
}

/// Numbers come out as they went in, to their last digit.
#[test]
fn fractions_come_back_as_they_were() {
    let json = r#"{"a":-1.140597236014097e-88,"b":0.1,"c":1e300,"d":-5e-324}"#;
    let (mut map, mut again) = (Vec::new(), Vec::new());
    append_object(json.as_bytes(), &[], &mut map).unwrap();
    assert!(append_json(&mut Reader::new(&map), &mut again));
    let numbers = |json: &[u8]| serde_json::from_slice::<serde_json::Value>(json).unwrap();
    assert_eq!(numbers(&again), numbers(json.as_bytes()));
    assert!(
        String::from_utf8(again)
            .unwrap()
            .contains("-1.140597236014097e-88")
    );
}

/// Whatever the bytes are: nothing panics, and who looks for the end and who reads agree about it.
#[test]
fn any_bytes_are_read_or_refused() {
    let mut random = fastrand::Rng::with_seed(7);
    let mut whole = 0;
    for _ in 0..20_000 {
        let length = random.usize(..40);
        let bytes: Vec<u8> = (0..length)
            .map(|_| match random.u8(..4) {
                0 => random.u8(0x80..0xa4),
                1 => random.u8(0xc0..=0xdf),
                _ => random.u8(..),
            })
            .collect();
        let scanned = Scan::default().go_on(&bytes, bytes.len());
        let mut reader = Reader::new(&bytes);
        let skipped = reader.skip().map(<[u8]>::len);
        assert_eq!(scanned.ok().flatten(), skipped, "{bytes:x?}");
        let mut out = Vec::new();
        if append_json(&mut Reader::new(&bytes), &mut out) {
            serde_json::from_slice::<serde::de::IgnoredAny>(&out).unwrap();
            whole += 1;
        }
    }
    assert!(whole > 1_000, "{whole}");
}
