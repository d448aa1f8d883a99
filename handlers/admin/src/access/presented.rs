//! What a request says of who sends it.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::GeneralPurposeConfig;
use base64::{alphabet, engine::GeneralPurpose};
use std::fmt;

/// With or without the padding at the end: clients differ.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The most bytes of a header that are looked at. Tokens that accounts have signed (JWT) say all that one may do.
const LONGEST: usize = 32 * 1024;

/// The credentials of a request.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Presented {
    /// There are none.
    Nothing,
    /// Neither a login nor a token that could be understood.
    Unreadable,
    /// A name and a password.
    Login {
        /// The name.
        name: String,
        /// The password.
        password: String,
    },
    /// A token.
    Token(String),
}

impl Presented {
    /// Reads the header `Authorization`. A login without a name gives a token in place of the password, for browsers.
    pub(crate) fn read(header: Option<&[u8]>) -> Self {
        let Some(header) = header else {
            return Self::Nothing;
        };
        let text = Some(header).filter(|header| header.len() <= LONGEST);
        let Some((scheme, rest)) = text
            .and_then(|text| std::str::from_utf8(text).ok())
            .and_then(|text| text.trim().split_once(' '))
        else {
            return Self::Unreadable;
        };
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") && !rest.is_empty() {
            return Self::Token(rest.to_owned());
        }
        if scheme.eq_ignore_ascii_case("basic")
            && let Ok(decoded) = BASE64.decode(rest)
            && let Ok(text) = String::from_utf8(decoded)
            && let Some((name, password)) = text.split_once(':')
        {
            return match (name, password) {
                ("", "") => Self::Unreadable,
                ("", token) => Self::Token(token.to_owned()),
                (name, password) => Self::login(name, password),
            };
        }
        Self::Unreadable
    }

    pub(super) fn login(name: &str, password: &str) -> Self {
        Self::Login {
            name: name.to_owned(),
            password: password.to_owned(),
        }
    }
}

/// Leaves out what must not get into a log.
impl fmt::Debug for Presented {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Unreadable => "Unreadable",
            Self::Login { .. } => "Login(..)",
            Self::Token(_) => "Token(..)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Presented};

    #[test]
    fn logins_and_tokens() {
        let token = Presented::Token("t".to_owned());
        for (header, expected) in [
            ("Basic YTpi", Presented::login("a", "b")),
            ("basic  YTpi", Presented::login("a", "b")),
            ("BASIC YTpiOmM=", Presented::login("a", "b:c")),
            ("Basic YTpiOmM", Presented::login("a", "b:c")),
            ("Basic YTo=", Presented::login("a", "")),
            ("Basic OnQ=", token.clone()),
            ("Bearer t", token.clone()),
            ("bearer   t ", token),
            ("Basic Og==", Presented::Unreadable),
            ("Basic YQ==", Presented::Unreadable),
            ("Basic ????", Presented::Unreadable),
            ("Basic /w==", Presented::Unreadable),
            ("Basic", Presented::Unreadable),
            ("Bearer ", Presented::Unreadable),
            ("Digest a=b", Presented::Unreadable),
            ("", Presented::Unreadable),
        ] {
            let read = Presented::read(Some(header.as_bytes()));
            assert!(read == expected, "{header}: {read:?}");
        }
        assert!(Presented::read(None) == Presented::Nothing);
    }

    #[test]
    fn what_is_too_long_or_no_text_is_not_read() {
        let long = format!("Bearer {}", "t".repeat(LONGEST));
        assert!(Presented::read(Some(long.as_bytes())) == Presented::Unreadable);
        assert!(Presented::read(Some(b"Bearer \xff")) == Presented::Unreadable);
    }
}
