//! Tokens in files, between lines of dashes that say what they are.

/// The token in a text, or the text itself if there are no such lines.
#[must_use]
pub fn undecorated(text: &str) -> &str {
    let is_dashes = |line: &str| {
        let line = line.trim();
        line.len() >= 6 && line.starts_with("---") && line.ends_with("---")
    };
    let mut lines = text.lines();
    if !lines.any(is_dashes) {
        return text.trim();
    }
    lines.next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::undecorated;

    #[test]
    fn the_first_token_is_taken() {
        let file = "-----BEGIN NATS OPERATOR JWT-----\neyJ0.eyJ.abc\n------END NATS OPERATOR JWT------\n\n";
        assert_eq!(undecorated(file), "eyJ0.eyJ.abc");
        assert_eq!(undecorated(&file.replace('\n', "\r\n")), "eyJ0.eyJ.abc");
        assert_eq!(undecorated("eyJ0.eyJ.abc\n"), "eyJ0.eyJ.abc");
        assert_eq!(undecorated(""), "");
        assert_eq!(undecorated("------x------"), "");
    }
}
