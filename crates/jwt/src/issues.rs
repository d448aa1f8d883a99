//! What is wrong with claims.

use std::fmt;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The claims cannot be used.
    Error,
    /// They cannot be used now.
    Time,
    /// They can be used.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// How bad it is.
    pub severity: Severity,
    /// What it is, in the words of nats-server.
    pub text: String,
}

/// How many are kept: claims may be wrong in more places than somebody reads.
const KEPT: usize = 64;

/// All that is wrong, as far as there is room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Issues(Vec<Issue>);

impl Issues {
    pub(crate) fn error(&mut self, text: impl Into<String>) {
        self.put(Severity::Error, text.into());
    }

    pub(crate) fn time(&mut self, text: impl Into<String>) {
        self.put(Severity::Time, text.into());
    }

    pub(crate) fn warning(&mut self, text: impl Into<String>) {
        // A warning takes no room from what counts.
        if self.0.len() < KEPT / 2 {
            self.put(Severity::Warning, text.into());
        }
    }

    fn put(&mut self, severity: Severity, text: String) {
        if self.0.len() < KEPT {
            self.0.push(Issue { severity, text });
        }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Issue> {
        self.0.iter()
    }

    /// The first of them.
    #[must_use]
    pub fn first(&self) -> Option<&Issue> {
        self.0.first()
    }

    /// The first because of which the claims cannot be used at all.
    #[must_use]
    pub fn first_error(&self) -> Option<&Issue> {
        self.errors().next()
    }

    fn errors(&self) -> impl Iterator<Item = &Issue> {
        self.0.iter().filter(|issue| issue.severity == Severity::Error)
    }

    /// Whether the claims cannot be used now.
    #[must_use]
    pub fn block_now(&self) -> bool {
        self.0.iter().any(|issue| issue.severity != Severity::Warning)
    }
}

/// The errors as nats-server lists them.
impl fmt::Display for Issues {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[")?;
        for (number, issue) in self.errors().enumerate() {
            let space = if number == 0 { "" } else { " " };
            write!(out, "{space}{}", issue.text)?;
        }
        out.write_str("]")
    }
}
