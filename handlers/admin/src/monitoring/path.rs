//! Paths as browsers may send them.

/// Where a path with doubled slashes or dots leads; None if it has none.
pub(super) fn canonical(path: &str) -> Option<String> {
    let is_odd = |part: &str| matches!(part, "" | "." | "..");
    let inner = path.strip_prefix('/').unwrap_or(path);
    let mut parts = inner.split('/').peekable();
    let mut odd = !path.starts_with('/');
    while let Some(part) = parts.next() {
        // A slash at the end is as it should be.
        odd |= is_odd(part) && !(part.is_empty() && parts.peek().is_none());
    }
    if !odd {
        return None;
    }
    let mut kept = Vec::new();
    for part in inner.split('/') {
        match part {
            ".." => {
                kept.pop();
            }
            part if is_odd(part) => {}
            part => kept.push(part),
        }
    }
    let mut canonical = format!("/{}", kept.join("/"));
    if path.ends_with('/') && canonical.len() > 1 {
        canonical.push('/');
    }
    Some(canonical)
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn odd_paths_lead_to_plain_ones() {
        for (path, leads_to) in [
            ("/varz", None),
            ("/", None),
            ("/varz/", None),
            ("/a/b", None),
            ("//varz", Some("/varz")),
            ("/a/../varz", Some("/varz")),
            ("/./varz/", Some("/varz/")),
            ("//", Some("/")),
            ("/../..", Some("/")),
        ] {
            assert_eq!(canonical(path).as_deref(), leads_to, "{path}");
        }
    }
}
