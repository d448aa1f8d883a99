//! A setting as operators see it.

use std::fmt::{self, Display, Formatter, Write};
use std::time::Duration;

/// What stands where a secret would.
pub const MASK: &str = "********";

/// The value of a setting, fit to be shown: a secret is there only as [`MASK`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Not set.
    Nothing,
    /// Yes or no.
    Boolean(bool),
    /// A number or a size.
    Number(u64),
    /// Anything else.
    Text(String),
    /// Several.
    List(Vec<String>),
}

impl Shown {
    pub(super) fn number(number: usize) -> Self {
        Self::Number(number as u64)
    }

    pub(super) fn optional(text: Option<impl Display>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Text(text.to_string()))
    }

    pub(super) fn secret(is_set: bool) -> Self {
        if is_set {
            Self::Text(MASK.to_owned())
        } else {
            Self::Nothing
        }
    }

    pub(super) fn duration(duration: Duration) -> Self {
        Self::Text(go_duration(duration))
    }
}

impl Display for Shown {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Boolean(set) => write!(out, "{set}"),
            Self::Number(number) => write!(out, "{number}"),
            Self::Text(text) => out.write_str(text),
            Self::List(texts) => write!(out, "[{}]", texts.join(", ")),
        }
    }
}

/// A duration in the words of Go, as logs and configuration files have it: `1m30s`, `1.5s`, `250ms`.
pub(super) fn go_duration(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos();
    let fraction = |unit: u128, name: &str| {
        let (whole, rest) = (nanoseconds / unit, nanoseconds % unit);
        let digits = unit.ilog10() as usize;
        let rest = format!("{rest:0digits$}");
        let rest = rest.trim_end_matches('0');
        let point = if rest.is_empty() { "" } else { "." };
        format!("{whole}{point}{rest}{name}")
    };
    match nanoseconds {
        0 => "0s".to_owned(),
        1..1_000 => format!("{nanoseconds}ns"),
        1_000..1_000_000 => fraction(1_000, "µs"),
        1_000_000..1_000_000_000 => fraction(1_000_000, "ms"),
        _ => {
            let minutes = duration.as_secs() / 60;
            let mut text = String::new();
            if minutes >= 60 {
                // Writing to a String cannot fail.
                let _ = write!(text, "{}h", minutes / 60);
            }
            if minutes > 0 {
                let _ = write!(text, "{}m", minutes % 60);
            }
            let seconds = duration - Duration::from_secs(minutes * 60);
            let seconds = seconds.as_nanos();
            let rest = format!("{:09}", seconds % 1_000_000_000);
            let rest = rest.trim_end_matches('0');
            let point = if rest.is_empty() { "" } else { "." };
            let _ = write!(text, "{}{point}{rest}s", seconds / 1_000_000_000);
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::go_duration;
    use std::time::Duration;

    #[test]
    fn durations_in_the_words_of_go() {
        for (duration, expected) in [
            (Duration::ZERO, "0s"),
            (Duration::from_nanos(17), "17ns"),
            (Duration::from_micros(1500), "1.5ms"),
            (Duration::from_micros(2), "2µs"),
            (Duration::from_secs(40), "40s"),
            (Duration::from_millis(1500), "1.5s"),
            (Duration::from_secs(120), "2m0s"),
            (Duration::from_secs(3661), "1h1m1s"),
            (Duration::from_millis(3_600_250), "1h0m0.25s"),
        ] {
            assert_eq!(go_duration(duration), expected);
        }
    }
}
