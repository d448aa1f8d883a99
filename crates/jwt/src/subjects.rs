//! Subjects as claims are checked for them: not all that passes here can be subscribed to.

use crate::issues::Issues;

/// Says what is wrong with a subject.
pub(crate) fn check(subject: &str, issues: &mut Issues) {
    if subject.is_empty() {
        return issues.error("subject cannot be empty");
    }
    if subject.contains(' ') {
        issues.error(format!("subject {subject:?} cannot have spaces"));
    }
    if subject.starts_with('.') || subject.ends_with('.') {
        issues.error(format!("subject {subject:?} cannot start or end with a `.`"));
    }
    if subject.contains("..") {
        issues.error(format!("subject {subject:?} cannot contain consecutive `.`"));
    }
}

/// Whether a subject has tokens that stand for others.
pub(crate) fn has_wildcards(subject: &str) -> bool {
    let count = subject.split('.').count();
    subject
        .split('.')
        .enumerate()
        .any(|(at, token)| token == "*" || token == ">" && at + 1 == count)
}

/// Whether all that a subject stands for is in what another stands for.
pub(crate) fn is_contained(subject: &str, other: &str) -> bool {
    let (mut own, mut others) = (subject.split('.'), other.split('.').peekable());
    while let Some(token) = others.next() {
        let Some(own) = own.next() else {
            return false;
        };
        if token == ">" && others.peek().is_none() {
            return true;
        }
        // What is behind a dot to its end is more than one token.
        if token != own && (token != "*" || own == ">") {
            return false;
        }
    }
    own.next().is_none()
}

/// Whether what an import is called here has a place for each wildcard of what it imports.
pub(crate) fn check_renaming(local: &str, subject: &str, issues: &mut Issues) {
    check(local, issues);
    if subject.is_empty() {
        issues.error("subject cannot be empty");
    }
    let is_open = |subject: &str| subject == ">" || subject.ends_with(".>");
    if is_open(local) != is_open(subject) {
        issues.error("both, renaming subject and subject, need to end or not end in >");
    }
    let wildcards = subject.split('.').filter(|token| *token == "*").count();
    let mut places = 0;
    for token in local.split('.') {
        places += usize::from(token == "*");
        let Some(number) = reference(token) else {
            continue;
        };
        if number > wildcards {
            issues.error(format!(
                "Reference ${number} in {local:?} reference * in {local:?} that do not exist"
            ));
        } else {
            places += 1;
        }
    }
    if places != wildcards {
        issues.error("subject does not contain enough * or reference wildcards $[0-9]");
    }
}

/// The number behind the dollar.
fn reference(token: &str) -> Option<usize> {
    token.strip_prefix('$')?.parse().ok()
}

/// The subject that stands for all that a renaming makes.
pub(crate) fn without_references(local: &str) -> String {
    let tokens: Vec<&str> = local
        .split('.')
        .map(|token| if reference(token).is_some() { "*" } else { token })
        .collect();
    tokens.join(".")
}

#[cfg(test)]
mod tests {
    use super::{check, check_renaming, has_wildcards, is_contained, without_references};
    use crate::issues::Issues;

    #[test]
    fn what_is_in_what() {
        for (subject, other, contained) in [
            ("a", "a", true),
            ("a", "b", false),
            ("a.b", "a.*", true),
            ("a.*", "a.b", false),
            ("a.b.c", "a.>", true),
            ("a", "a.>", false),
            ("a.>", "a.*", false),
            ("a.*", "a.>", true),
            ("a.b", "a", false),
            (">", ">", true),
        ] {
            assert_eq!(is_contained(subject, other), contained, "{subject} {other}");
        }
    }

    #[test]
    fn wildcards_are_tokens() {
        for (subject, has) in [
            ("a", false),
            ("a*", false),
            ("a.*", true),
            (">", true),
            (">.a", false),
            ("*.a", true),
        ] {
            assert_eq!(has_wildcards(subject), has, "{subject}");
        }
    }

    #[test]
    fn subjects_are_checked() {
        let is_fine = |subject: &str| {
            let mut issues = Issues::default();
            check(subject, &mut issues);
            issues.first().is_none()
        };
        assert!(is_fine("a.b.>"));
        for wrong in ["", "a b", ".a", "a.", "a..b"] {
            assert!(!is_fine(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn renaming_needs_a_place_for_each_wildcard() {
        let is_fine = |local: &str, subject: &str| {
            let mut issues = Issues::default();
            check_renaming(local, subject, &mut issues);
            issues.first().is_none()
        };
        assert!(is_fine("x.$2.$1", "a.*.*"));
        assert!(is_fine("x.*", "a.*"));
        assert!(is_fine("x.>", "a.>"));
        assert!(!is_fine("x.$2", "a.*"));
        assert!(!is_fine("x", "a.*"));
        assert!(!is_fine("x", "a.>"));
        assert_eq!(without_references("x.$1.$a.*"), "x.*.$a.*");
    }
}
