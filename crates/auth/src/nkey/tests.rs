use openssl::sign::Signer;

use super::*;

/// The key of the documentation's example user.
const TEXT: &str = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    assert_eq!(hex.len(), 2 * N);
    std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
}

#[test]
fn keys_are_what_their_texts_say() {
    let (kind, key) = decode_public(TEXT).unwrap();
    assert_eq!(kind, Kind::User);
    assert_eq!(encode_public(kind, &key), TEXT);
    for (kind, letter) in [
        (Kind::Account, 'A'),
        (Kind::Cluster, 'C'),
        (Kind::Server, 'N'),
        (Kind::Operator, 'O'),
        (Kind::User, 'U'),
        (Kind::Curve, 'X'),
    ] {
        let text = encode_public(kind, &key);
        assert_eq!((text.len(), text.chars().next()), (PUBLIC_LENGTH, Some(letter)));
        assert_eq!(decode_public(&text), Ok((kind, key)));
    }
}

#[test]
fn what_is_no_key_is_not_read() {
    assert_eq!(decode_public(""), Err(NkeyError::Encoding));
    assert_eq!(decode_public(&TEXT[..55]), Err(NkeyError::Encoding));
    assert_eq!(decode_public(&format!("{TEXT}A")), Err(NkeyError::Encoding));
    assert_eq!(decode_public(&TEXT.to_lowercase()), Err(NkeyError::Encoding));
    assert_eq!(decode_public(&TEXT.replace('4', "1")), Err(NkeyError::Encoding));
    assert_eq!(decode_public(&"\u{e9}".repeat(28)), Err(NkeyError::Encoding));
    assert_eq!(
        decode_public(&format!("A{}", &TEXT[1..])),
        Err(NkeyError::Checksum)
    );
}

#[test]
fn one_wrong_character_is_noticed_wherever_it_is() {
    for at in 0..TEXT.len() {
        let mut changed = TEXT.to_owned().into_bytes();
        changed[at] = if changed[at] == b'Q' { b'R' } else { b'Q' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(decode_public(&changed), Err(NkeyError::Checksum), "{changed}");
    }
}

#[test]
fn a_valid_checksum_does_not_make_a_kind() {
    let mut raw = [0; RAW_LENGTH];
    // A seed's prefix.
    raw[0] = 18 << 3;
    let checksum = crc16(&raw[..33]).to_le_bytes();
    raw[33..].copy_from_slice(&checksum);
    let text: String = (0..PUBLIC_LENGTH)
        .map(|place| {
            (0..5).fold(0, |value, bit| {
                let at = place * 5 + bit;
                (value << 1) | usize::from(raw[at / 8] >> (7 - at % 8) & 1)
            })
        })
        .map(|value| char::from(BASE32[value]))
        .collect();
    assert_eq!(decode_public(&text), Err(NkeyError::Kind));
}

#[test]
fn the_checksum_is_the_standard_one() {
    assert_eq!(crc16(b"123456789"), 0x31C3);
}

/// The second test of RFC 8032.
#[test]
fn signatures_are_those_of_ed25519() {
    let key = bytes("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    let signature: [u8; 64] = bytes(concat!(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ));
    assert!(verify(&key, &[0x72], &signature));
    assert!(!verify(&key, &[0x73], &signature));
    assert!(!verify(&key, b"", &signature));
    for at in [0, 31, 32, 63] {
        let mut changed = signature;
        changed[at] ^= 1;
        assert!(!verify(&key, &[0x72], &changed), "{at}");
    }
    assert!(!verify(&decode_public(TEXT).unwrap().1, &[0x72], &signature));
    assert!(!verify(&[0xff; 32], &[0x72], &signature));
}

#[test]
fn signatures_are_read_in_both_forms_of_base64() {
    let key = PKey::generate_ed25519().unwrap();
    // Until one has letters in which the alphabets differ.
    let signature = (0..10_000u32)
        .map(|text| {
            Signer::new_without_digest(&key)
                .unwrap()
                .sign_oneshot_to_vec(&text.to_be_bytes())
                .unwrap()
        })
        .find(|signature| PADDED.encode(signature).contains(['+', '/']))
        .unwrap();
    let (unpadded, padded) = (UNPADDED.encode(&signature), PADDED.encode(&signature));
    assert_eq!((unpadded.len(), padded.len()), (86, 88));
    let signature = signature.try_into().unwrap();
    assert_eq!(decode_signature(&unpadded), Some(signature));
    assert_eq!(decode_signature(&padded), Some(signature));
    for bad in [
        "",
        "%%%",
        "AAAA",
        padded.trim_end_matches('='),
        &format!("{unpadded}=="),
        &unpadded[..84],
        &format!("{unpadded}AA"),
    ] {
        assert_eq!(decode_signature(bad), None, "{bad}");
    }
}

#[test]
fn nonces_are_text_and_differ() {
    assert_eq!(Nonce::from_raw([0; 11]).as_str(), "AAAAAAAAAAAAAAA");
    assert_eq!(Nonce::from_raw([0xff; 11]).as_str(), "______________8");
    assert_eq!(
        Nonce::from_raw(std::array::from_fn(|at| at as u8 * 23)).as_str(),
        UNPADDED.encode(std::array::from_fn::<u8, 11, _>(|at| at as u8 * 23))
    );
    let (one, other) = (Nonce::generate().unwrap(), Nonce::generate().unwrap());
    assert_ne!(one, other);
    assert_eq!(one.as_bytes(), one.as_str().as_bytes());
}
