//! Versions of servers, as they say them.

/// The three numbers of `2.14.5`, `v2.14.5` or `2.14.5-dev`; None for what is no version.
pub fn components(version: &str) -> Option<[u64; 3]> {
    let version = version.strip_prefix('v').unwrap_or(version);
    let (numbers, _) = version.split_once(['-', '+']).unwrap_or((version, ""));
    let mut parts = numbers.split('.');
    let mut next = || {
        let part = parts.next()?;
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse().ok()).flatten()
    };
    let components = [next()?, next()?, next()?];
    parts.next().is_none().then_some(components)
}

#[cfg(test)]
mod tests {
    use super::components;

    #[test]
    fn three_numbers_make_a_version() {
        for (text, expected) in [
            ("2.14.5", Some([2, 14, 5])),
            ("v2.8.0", Some([2, 8, 0])),
            ("2.14.0-RC.1", Some([2, 14, 0])),
            ("2.14", None),
            ("2.14.5.1", None),
            ("2.x.1", None),
            ("", None),
            ("2..1", None),
        ] {
            assert_eq!(components(text), expected, "{text}");
        }
    }
}
