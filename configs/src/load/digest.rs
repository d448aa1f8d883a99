//! The hash of a configuration's content, equal to that of nats-server: SHA-256 of the content as JSON
//! with a new line behind it.

use crate::grammar::Map;
use openssl::sha::sha256;
use std::fmt::Write;

pub(super) fn of(tree: &Map) -> String {
    let mut digest = "sha256:".to_owned();
    for byte in sha256(format!("{}\n", tree.to_json()).as_bytes()) {
        // Writing to a String cannot fail.
        let _ = write!(digest, "{byte:02x}");
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::grammar::parse;
    use crate::load::Disk;
    use std::path::Path;

    /// The hashes that nats-server gives.
    #[test]
    fn digests_as_nats_server_shows_them() {
        let bar = "sha256:226e49e13d16e5e8aa0d62e58cd63361bf097d3e2b2444aa3044334628a2e8de";
        let variables = "sha256:b0e2ba0b8ec2cb75681b5c5d61789cda0c9942c2f9fe16cdb7f6703364485360";
        for (text, expected) in [
            ("foo = bar", bar),
            ("# a comment\n\n  foo: 'bar' // another\n", bar),
            (r#"{ "foo": "bar" }"#, bar),
            (
                "BAR_USERS { users [ {user foo} ] }; bar $BAR_USERS; accounts { users $BAR_USERS }",
                variables,
            ),
        ] {
            let tree = parse(text, Path::new("a.conf"), &Disk, &|_: &str| None).unwrap();
            assert_eq!(of(&tree), expected, "{text}");
        }
    }
}
