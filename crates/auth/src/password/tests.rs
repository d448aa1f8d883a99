use super::*;

/// "s3cret", at cost 4.
const TAIL: &str = "$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG";

fn fits(configured: &str, given: &str) -> bool {
    match Secret::new(configured) {
        Secret::Plain(digest) => digest == sha256(given.as_bytes()),
        Secret::Hashed(hash) => hash.fits(given.as_bytes()),
        Secret::Unusable => false,
    }
}

#[test]
fn hashes_are_told_from_passwords() {
    for version in ["a", "b", "x", "y"] {
        assert!(is_hash(&format!("$2{version}{TAIL}")));
    }
    assert!(is_hash("$2a$99$"));
    for text in [
        "", "$", "s3cret", "$ecret", "2a$04$x", "$2$04$x", "$2c$04$x", "$2A$04$x", "$2a$4$x", "$2a$xx$y",
        "$2a$04", "$1a$04$x",
    ] {
        assert!(!is_hash(text), "{text}");
    }
}

#[test]
fn each_version_of_a_hash_is_the_same_hash() {
    for version in ["a", "b", "x", "y"] {
        let hash = format!("$2{version}{TAIL}");
        assert!(fits(&hash, "s3cret"));
        for wrong in ["wrong", "", "s3cre", "s3cret ", &hash] {
            assert!(!fits(&hash, wrong), "{version} {wrong}");
        }
    }
}

#[test]
fn a_salt_may_have_spare_bits_and_a_digest_may_not() {
    let salt_changed = format!("$2a{TAIL}").replace("stuuL", "stuvL");
    assert!(fits(&salt_changed, "s3cret"));
    let digest_changed = format!("$2a{}H", &TAIL[..TAIL.len() - 1]);
    assert_eq!(Secret::new(&digest_changed), Secret::Unusable);
}

#[test]
fn what_only_looks_like_a_hash_fits_nothing() {
    for text in [
        "$2a$04$",
        "$2a$04$short",
        &format!("$2a{}", &TAIL[..56]),
        &format!("$2a{TAIL}x"),
        &format!("$2a$03{}", &TAIL[3..]),
        &format!("$2a$32{}", &TAIL[3..]),
        &format!("$2a{}", TAIL.replace("ab", "a!")),
        &format!("$2a{}", TAIL.replace("ab", "\u{e9}")),
    ] {
        assert!(is_hash(text));
        assert_eq!(Secret::new(text), Secret::Unusable, "{text}");
        assert!(!fits(text, text));
        assert!(!fits(text, ""));
    }
}

#[test]
fn a_new_hash_fits_its_password_only() {
    let hash = hash("pa:ss w\u{f6}rd", 4).unwrap();
    assert!(hash.starts_with("$2a$04$") && hash.len() == HASH_LENGTH && is_hash(&hash));
    assert!(fits(&hash, "pa:ss w\u{f6}rd"));
    assert!(!fits(&hash, "pa:ss w\u{f6}r"));
    assert_ne!(hash, super::hash("pa:ss w\u{f6}rd", 4).unwrap());
}

#[test]
fn no_password_is_cut_silently() {
    let longest = "x".repeat(72);
    let hashed = hash(&longest, 4).unwrap();
    assert!(fits(&hashed, &longest));
    assert!(!fits(&hashed, &longest[..71]));
    assert!(matches!(hash(&format!("{longest}x"), 4), Err(HashError::TooLong)));
    // The hash of a longer password, made elsewhere, is the hash of its beginning.
    assert!(fits(&hashed, &format!("{longest}x")));
}

#[test]
fn costs_have_bounds() {
    assert!(matches!(hash("x", 3), Err(HashError::Cost)));
    assert!(matches!(hash("x", 32), Err(HashError::Cost)));
}

#[test]
fn nothing_secret_is_shown() {
    let hashed = format!("$2a{TAIL}");
    for secret in ["s3cret", &hashed, "$2a$04$short"] {
        let shown = format!("{:?}", Secret::new(secret));
        assert!(
            ["Plain(..)", "Hashed(..)", "Unusable"].contains(&&*shown),
            "{shown}"
        );
    }
    let Secret::Hashed(hash) = Secret::new(&hashed) else {
        panic!("not read")
    };
    assert_eq!(format!("{hash:?}"), "Hash { cost: 4, .. }");
}
