//! The text that Prometheus reads: families of samples.

use std::fmt::{Display, Write};

/// What a family is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Untyped,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Untyped => "untyped",
        }
    }
}

/// Names of labels with their values.
pub(super) type Labels<'l> = &'l [(&'l str, &'l str)];

/// The text so far.
#[derive(Debug, Default)]
pub(super) struct Exposition(String);

impl Exposition {
    /// Begins a family; its samples follow. No name comes twice: that would spoil the whole text.
    pub(super) fn family<'e>(&'e mut self, name: &'e str, kind: Kind, help: &str) -> Family<'e> {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a string does not fail, here and below.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {}\n", kind.name());
        Family {
            text: &mut self.0,
            name,
        }
    }

    /// A family with one sample that has no labels.
    pub(super) fn single(&mut self, name: &str, kind: Kind, help: &str, value: impl Display) {
        self.family(name, kind, help).sample(&[], value);
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// A family that is being written.
pub(super) struct Family<'e> {
    text: &'e mut String,
    name: &'e str,
}

impl Family<'_> {
    pub(super) fn sample(&mut self, labels: Labels<'_>, value: impl Display) -> &mut Self {
        self.part("", labels, value)
    }

    /// A sample whose name goes on after that of the family.
    pub(super) fn part(&mut self, suffix: &str, labels: Labels<'_>, value: impl Display) -> &mut Self {
        self.text.push_str(self.name);
        self.text.push_str(suffix);
        for (place, (name, text)) in labels.iter().enumerate() {
            self.text.push(if place == 0 { '{' } else { ',' });
            self.text.push_str(name);
            self.text.push_str("=\"");
            escape(text, self.text);
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
        self
    }
}

/// Peers choose what some labels say.
fn escape(text: &str, into: &mut String) {
    for sign in text.chars() {
        match sign {
            '\\' => into.push_str("\\\\"),
            '"' => into.push_str("\\\""),
            '\n' => into.push_str("\\n"),
            sign => into.push(sign),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Exposition, Kind};

    #[test]
    fn families() {
        let mut text = Exposition::default();
        text.single("up", Kind::Gauge, "Whether it is.\nSo \\.", 1);
        text.family("took_seconds", Kind::Histogram, "Time.")
            .part("_bucket", &[("le", "0.5")], 3)
            .part("_sum", &[], 1.25);
        text.family("named", Kind::Gauge, "Names.")
            .sample(&[("a", "x\"y\\z\n"), ("b", "")], 2.0);
        assert_eq!(
            text.finish(),
            "# HELP up Whether it is.\\nSo \\\\.\n# TYPE up gauge\nup 1\n\
             # HELP took_seconds Time.\n# TYPE took_seconds histogram\n\
             took_seconds_bucket{le=\"0.5\"} 3\ntook_seconds_sum 1.25\n\
             # HELP named Names.\n# TYPE named gauge\nnamed{a=\"x\\\"y\\\\z\\n\",b=\"\"} 2\n"
        );
    }
}
