//! From subjects to tags, and back.

use bytes::Bytes;
use vagus_configs::SubjectOfTag;
use vagus_routing::Transform;
use vagus_routing::subject::{is_valid_literal, is_valid_subscription, matches};

/// What stands for letters that no subject may have, and for empty tokens.
const PLACEHOLDER: u8 = b'_';

/// The longest subject that is made of a tag, in bytes.
const LONGEST: usize = 1024;

/// What events with a tag are published on.
#[derive(Debug)]
pub(super) struct SubjectMaker {
    rule: Rule,
    /// The last tag and what it became: most events have the tag of the last.
    last: Option<(Bytes, Option<Bytes>)>,
}

#[derive(Debug)]
enum Rule {
    One(Bytes),
    /// Tags that match what the transform is made for, by their text.
    Mapped(Box<str>, Transform),
    Nothing,
}

impl SubjectMaker {
    pub(super) fn new(rule: &SubjectOfTag) -> Self {
        let rule = match rule {
            SubjectOfTag::One(subject) => Rule::One(subject.clone().into()),
            SubjectOfTag::Mapped(tag, subject) => match Transform::new(tag, subject) {
                Ok(transform) => Rule::Mapped(tag.as_str().into(), transform),
                // A configuration has none that cannot be.
                Err(_) => Rule::Nothing,
            },
        };
        Self { rule, last: None }
    }

    /// The subject of this tag; None if there is none.
    pub(super) fn subject(&mut self, tag: &Bytes) -> Option<Bytes> {
        if let Rule::One(subject) = &self.rule {
            return Some(subject.clone());
        }
        if let Some((last, subject)) = &self.last
            && last == tag
        {
            return subject.clone();
        }
        let subject = self.make(tag);
        // A copy, as it is to outlive what it came in.
        self.last = Some((Bytes::copy_from_slice(tag), subject.clone()));
        subject
    }

    fn make(&self, tag: &[u8]) -> Option<Bytes> {
        let Rule::Mapped(pattern, transform) = &self.rule else {
            return None;
        };
        if tag.len() > LONGEST {
            return None;
        }
        let tag = sanitized(tag);
        if !matches(pattern.as_bytes(), &tag) {
            return None;
        }
        let mut subject = Vec::with_capacity(tag.len());
        transform.append(&tag, fastrand::u32(..), &mut subject);
        let is_subject =
            is_valid_literal(&subject) && is_valid_subscription(&subject) && subject.len() <= LONGEST;
        is_subject.then(|| subject.into())
    }
}

/// A tag as a subject without wildcards: blanks, control characters, `*`, `>` and what is no UTF-8 are replaced, and so are
/// empty tokens.
fn sanitized(tag: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(tag);
    let mut subject = Vec::with_capacity(text.len());
    for (index, token) in text.split('.').enumerate() {
        if index > 0 {
            subject.push(b'.');
        }
        if token.is_empty() {
            subject.push(PLACEHOLDER);
        }
        for letter in token.chars() {
            let is_odd = letter.is_whitespace() || letter.is_control() || "*>\u{fffd}".contains(letter);
            match is_odd {
                true => subject.push(PLACEHOLDER),
                false => subject.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    }
    subject
}

/// What messages on a subject are tagged with.
#[derive(Debug)]
pub(super) struct TagMaker {
    transform: Option<Transform>,
    made: Vec<u8>,
}

impl TagMaker {
    /// For those that match `pattern`.
    pub(super) fn new(pattern: &str, tag: Option<&str>) -> Self {
        Self {
            // A configuration has none that cannot be.
            transform: tag.and_then(|tag| Transform::new(pattern, tag).ok()),
            made: Vec::new(),
        }
    }

    pub(super) fn tag<'a>(&'a mut self, subject: &'a [u8]) -> &'a [u8] {
        let Some(transform) = &self.transform else {
            return subject;
        };
        self.made.clear();
        transform.append(subject, fastrand::u32(..), &mut self.made);
        &self.made
    }
}

#[cfg(test)]
mod tests {
    use super::{SubjectMaker, TagMaker};
    use bytes::Bytes;
    use vagus_configs::SubjectOfTag;

    fn mapped(tag: &str, subject: &str) -> SubjectMaker {
        SubjectMaker::new(&SubjectOfTag::Mapped(tag.to_owned(), subject.to_owned()))
    }

    fn subject(maker: &mut SubjectMaker, tag: &[u8]) -> Option<String> {
        let subject = maker.subject(&Bytes::copy_from_slice(tag))?;
        Some(String::from_utf8(subject.to_vec()).unwrap())
    }

    #[test]
    fn tags_become_subjects() {
        let mut everything = mapped(">", ">");
        for (tag, expected) in [
            (&b"app.web"[..], "app.web"),
            (b"a b\t*>", "a_b___"),
            (b"a..b.", "a._.b._"),
            (b"", "_"),
            (b"\xff", "_"),
            ("\u{e4}".as_bytes(), "\u{e4}"),
        ] {
            for _ in 0..2 {
                assert_eq!(
                    subject(&mut everything, tag).as_deref(),
                    Some(expected),
                    "{tag:?}"
                );
            }
        }
        assert_eq!(subject(&mut everything, &[b'a'; 2000]), None);
        let mut some = mapped("app.*", "logs.$1.x");
        assert_eq!(subject(&mut some, b"app.web").as_deref(), Some("logs.web.x"));
        assert_eq!(subject(&mut some, b"other.web"), None);
        assert_eq!(subject(&mut some, b"app.web.x"), None);
        let mut one = SubjectMaker::new(&SubjectOfTag::One("s".to_owned()));
        assert_eq!(subject(&mut one, b"anything at all").as_deref(), Some("s"));
    }

    #[test]
    fn subjects_become_tags() {
        let mut same = TagMaker::new("logs.>", None);
        assert_eq!(same.tag(b"logs.a"), b"logs.a");
        let mut stripped = TagMaker::new("logs.>", Some("nats.>"));
        assert_eq!(stripped.tag(b"logs.a.b"), b"nats.a.b");
        assert_eq!(stripped.tag(b"logs.c"), b"nats.c");
    }
}
