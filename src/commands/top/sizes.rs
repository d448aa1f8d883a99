//! Numbers for people, in the manner of nats-top.

const SIZES: [(f64, &str); 4] = [
    (1024.0 * 1024.0 * 1024.0 * 1024.0, "T"),
    (1024.0 * 1024.0 * 1024.0, "G"),
    (1024.0 * 1024.0, "M"),
    (1024.0, "K"),
];

const COUNTS: [(f64, &str); 4] = [(1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")];

/// Bytes, by 1024; in full if `raw`.
pub(super) fn bytes(raw: bool, bytes: f64) -> String {
    short(raw, bytes, &SIZES)
}

/// A count, by 1000; in full if `raw`.
pub(super) fn count(raw: bool, count: f64) -> String {
    short(raw, count, &COUNTS)
}

fn short(raw: bool, number: f64, units: &[(f64, &str)]) -> String {
    match units.iter().find(|(unit, _)| number >= *unit) {
        Some((unit, sign)) if !raw => format!("{:.1}{sign}", number / unit),
        _ => format!("{number:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_nats_top_writes_them() {
        for (number, as_bytes, as_count) in [
            (0.0, "0", "0"),
            (999.0, "999", "999"),
            (1000.0, "1000", "1.0K"),
            (1024.0, "1.0K", "1.0K"),
            (1_048_576.0, "1.0M", "1.0M"),
            (2.5e9, "2.3G", "2.5B"),
            (3e12, "2.7T", "3.0T"),
        ] {
            assert_eq!(bytes(false, number), as_bytes);
            assert_eq!(count(false, number), as_count);
        }
        assert_eq!(bytes(true, 1_048_576.0), "1048576");
        assert_eq!(count(true, 1_048_576.0), "1048576");
    }
}
