//! The rules of subjects. A subject is bytes: tokens separated by `.`, compared byte for byte.
//!
//! `*` and `>` are wildcards only when they are a whole token, `>` only as the last one. Inside a longer token (`f*o`,
//! `foo.>>`) they are ordinary bytes, and so they are everywhere in the subject of a published message.

const SEPARATOR: u8 = b'.';

/// Whether a client may subscribe to `subject`: no empty token, no white space, `>` only as the last token.
#[must_use]
pub fn is_valid_subscription(subject: &[u8]) -> bool {
    let mut full_wildcard_seen = false;
    for token in tokens(subject) {
        if token.is_empty() || full_wildcard_seen || token.iter().any(|byte| is_white_space(*byte)) {
            return false;
        }
        full_wildcard_seen = token == b">";
    }
    true
}

/// Whether `subject` is one a pedantic publisher may use: no empty token and no wildcard token.
#[must_use]
pub fn is_valid_literal(subject: &[u8]) -> bool {
    tokens(subject).all(|token| !token.is_empty() && token != b"*" && token != b">")
}

/// Whether some token of `subject` is `*` or `>`. For a valid subscription: whether it can match several subjects.
#[must_use]
pub fn has_wildcards(subject: &[u8]) -> bool {
    memchr::memchr2_iter(b'*', b'>', subject).any(|at| {
        (at == 0 || subject[at - 1] == SEPARATOR) && subject.get(at + 1).is_none_or(|byte| *byte == SEPARATOR)
    })
}

/// How many tokens `subject` has, empty ones counted: one more than it has separators.
#[must_use]
pub fn token_count(subject: &[u8]) -> usize {
    memchr::memchr_iter(SEPARATOR, subject).count() + 1
}

/// The tokens of `subject`. Empty ones are passed on, so that `a..b` has three and the empty subject has one.
pub fn tokens(subject: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    subject.split(|byte| *byte == SEPARATOR)
}

/// What all subjects that match a pattern begin with: what stands before its first wildcard, or all of it.
pub fn literal_start(pattern: &[u8]) -> &[u8] {
    let mut start = 0;
    for token in tokens(pattern) {
        if matches!(token, b"*" | b">") {
            return &pattern[..start];
        }
        start += token.len() + 1;
    }
    pattern
}

/// Whether a subscription to `pattern` receives what is published on `subject`.
///
/// `pattern` must be a valid subscription. `subject` may be anything: with an empty token it matches nothing, not even
/// `>`, and wildcards in it are ordinary tokens.
#[must_use]
pub fn matches(pattern: &[u8], subject: &[u8]) -> bool {
    // Byte by byte: most tokens are too short to be searched and compared in any faster way.
    let (mut wanted, mut given) = (pattern, subject);
    loop {
        match (wanted, given) {
            (_, [] | [b'.', ..]) => return false,
            ([b'>'], _) => return !has_empty_token(given),
            ([b'*', rest @ ..], _) if matches!(rest, [] | [b'.', ..]) => {
                wanted = rest;
                while let [byte, rest @ ..] = given
                    && *byte != b'.'
                {
                    given = rest;
                }
            }
            _ => {
                while let ([one, wanted_rest @ ..], [other, given_rest @ ..]) = (wanted, given)
                    && *one != b'.'
                    && one == other
                {
                    (wanted, given) = (wanted_rest, given_rest);
                }
            }
        }
        match (wanted, given) {
            ([], []) => return true,
            ([b'.', wanted_rest @ ..], [b'.', given_rest @ ..]) => {
                (wanted, given) = (wanted_rest, given_rest);
            }
            _ => return false,
        }
    }
}

/// Whether `pattern` matches everything that `inner` matches.
#[must_use]
pub fn is_subset(inner: &[u8], pattern: &[u8]) -> bool {
    let mut inner = tokens(inner);
    for wanted in tokens(pattern) {
        match (wanted, inner.next()) {
            (_, None) => return false,
            (b">", Some(_)) => return true,
            (_, Some(b"" | b">")) => return false,
            (b"*", Some(_)) => {}
            (wanted, Some(given)) if wanted == given => {}
            _ => return false,
        }
    }
    inner.next().is_none()
}

/// Whether there is a subject that both patterns match.
#[must_use]
pub fn overlap(one: &[u8], other: &[u8]) -> bool {
    let (mut one, mut other) = (tokens(one), tokens(other));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (None, Some(_)) | (Some(_), None) => return false,
            (Some(b">"), Some(_)) | (Some(_), Some(b">")) => return true,
            (Some(b"*"), Some(_)) | (Some(_), Some(b"*")) => {}
            (Some(one), Some(other)) if one == other => {}
            _ => return false,
        }
    }
}

/// The pattern of the subjects that both patterns match; None if there are none.
#[must_use]
pub fn intersection(one: &[u8], other: &[u8]) -> Option<Vec<u8>> {
    let mut both = Vec::with_capacity(one.len().max(other.len()));
    let mut rests = (Some(one), Some(other));
    loop {
        if !both.is_empty() && rests != (None, None) {
            both.push(SEPARATOR);
        }
        let (one, other) = match rests {
            (None, None) => return Some(both),
            (Some(b">"), Some(rest)) | (Some(rest), Some(b">")) => {
                both.extend_from_slice(rest);
                return Some(both);
            }
            (Some(one), Some(other)) => (split_token(one), split_token(other)),
            (None, Some(_)) | (Some(_), None) => return None,
        };
        match (one.0, other.0) {
            (b"*", token) | (token, b"*") => both.extend_from_slice(token),
            (token, same) if token == same => both.extend_from_slice(token),
            _ => return None,
        }
        rests = (one.1, other.1);
    }
}

/// The first token and what follows its separator, if there is one.
#[must_use]
pub fn split_token(subject: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(SEPARATOR, subject) {
        Some(at) => (&subject[..at], Some(&subject[at + 1..])),
        None => (subject, None),
    }
}

/// A message on a subject with an empty token reaches nobody.
pub(crate) fn has_empty_token(subject: &[u8]) -> bool {
    let (Some(first), Some(last)) = (subject.first(), subject.last()) else {
        return true;
    };
    *first == SEPARATOR
        || *last == SEPARATOR
        || subject
            .windows(2)
            .any(|pair| pair[0] == SEPARATOR && pair[1] == SEPARATOR)
}

fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c')
}

#[cfg(test)]
mod tests;
