//! Numbers of bytes as nats-server writes them for people.

use std::fmt::{self, Display, Formatter};

/// A number of bytes, shown in the largest unit of 1024 that it has one of: `1.50 GB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

impl Display for Size {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["K", "M", "G", "T", "P", "E"];
        // Two digits are shown: what a float cannot tell apart is not seen.
        let mut number = self.0 as f64;
        let mut unit = None;
        let mut units = UNITS.into_iter();
        while number >= 1024.0
            && let Some(next) = units.next()
        {
            number /= 1024.0;
            unit = Some(next);
        }
        match unit {
            None => write!(out, "{} B", self.0),
            Some(unit) => write!(out, "{number:.2} {unit}B"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Size;

    #[test]
    fn sizes_are_shown_in_their_unit() {
        for (bytes, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KB"),
            (1_048_575, "1024.00 KB"),
            (1_610_612_736, "1.50 GB"),
            (u64::MAX, "16.00 EB"),
        ] {
            assert_eq!(Size(bytes).to_string(), shown);
        }
    }
}
