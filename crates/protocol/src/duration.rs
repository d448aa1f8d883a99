//! Durations as Go reads and writes them.

use std::fmt::Write;
use std::time::Duration;

/// The nanoseconds of one unit.
fn unit(name: &str) -> Option<f64> {
    Some(match name {
        "ns" => 1.0,
        // The sign for micro and the Greek letter look the same.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        "h" => 3600e9,
        _ => return None,
    })
}

/// The nanoseconds of a text such as `1h30m`, `1.5s` or `-2ms`; a number without a unit is only `0`.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let (number, after) = split(rest, |sign| !is_of_number(sign));
        let (name, after) = split(after, is_of_number);
        total += number.parse::<f64>().ok()? * unit(name)?;
        rest = after;
    }
    (total < i64::MAX as f64).then_some((sign * total).round() as i64)
}

fn is_of_number(sign: char) -> bool {
    sign.is_ascii_digit() || sign == '.'
}

/// Splits before the first character that is such.
fn split(text: &str, is_next: impl FnMut(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(is_next).unwrap_or(text.len()))
}

/// A duration in the words of Go, as logs and configuration files have it: `1m30s`, `1.5s`, `250ms`.
#[must_use]
pub fn shown(duration: Duration) -> String {
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
    use super::{parse, shown};
    use std::time::Duration;

    #[test]
    fn durations_as_go_reads_them() {
        for (text, expected) in [
            ("0", Some(0)),
            ("+0", Some(0)),
            ("5s", Some(5_000_000_000)),
            ("1m30s", Some(90_000_000_000)),
            ("1h0m0.5s", Some(3_600_500_000_000)),
            (".5s", Some(500_000_000)),
            ("5.s", Some(5_000_000_000)),
            ("-5s", Some(-5_000_000_000)),
            ("1us2\u{b5}s3\u{3bc}s4ns5ms", Some(5_006_004)),
            ("2540400h", Some(9_145_440_000_000_000_000)),
            ("", None),
            ("-", None),
            ("5", None),
            ("s", None),
            (".s", None),
            ("1.2.3s", None),
            ("5d", None),
            ("5 s", None),
            ("5S", None),
            ("--5s", None),
            ("2562048h", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

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
            assert_eq!(shown(duration), expected);
        }
    }
}
