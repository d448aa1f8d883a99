use crate::grammar::{Entry, Kind, Place};

/// Something that a configuration file asks for and cannot have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it is asked for.
    pub place: Place,
    /// Why it cannot be; never shows a secret.
    pub message: String,
    /// Whether nats-server names the place, too: tools are told it in the form they look for only then.
    pub is_placed: bool,
}

/// `file:line:column: message`, or `file at line:column: message` where nats-server names no place.
impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { place, message, .. } = self;
        if self.is_placed {
            return write!(formatter, "{place}: {message}");
        }
        let Place { file, line, column } = place;
        write!(formatter, "{file} at {line}:{column}: {message}")
    }
}

/// Something in a configuration file that keeps a server from starting, though nats-server does not look at
/// it when it checks a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Where it is asked for.
    pub place: Place,
    /// Why it cannot be; never shows a secret.
    pub message: String,
}

/// `file at line:column: message`: tools take `file:line:column` for what a check of the file fails for.
impl std::fmt::Display for Obstacle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Place { file, line, column } = &self.place;
        write!(formatter, "{file} at {line}:{column}: {}", self.message)
    }
}

/// Something that the operator should know about a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where it is about, if it is about one place.
    pub place: Option<Place>,
    /// What there is to know.
    pub message: String,
    /// Whether a check of the file (`-t`) fails for it, as that of nats-server does.
    pub fails_check: bool,
}

/// `file:line:column: message`, or just the message.
impl std::fmt::Display for Warning {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(place) = &self.place {
            write!(formatter, "{place}: ")?;
        }
        formatter.write_str(&self.message)
    }
}

/// What comes to light as a file is read. All of it is told at once.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<Problem>,
    pub(super) obstacles: Vec<Obstacle>,
    pub(super) warnings: Vec<Warning>,
    /// Whether the files that are named are looked at, too.
    pub(super) reads_certificates: bool,
}

impl Findings {
    /// The entry cannot be.
    pub(super) fn problem(&mut self, entry: &Entry, message: impl Into<String>) {
        self.problem_at(&entry.place, by_name(entry, message.into()));
    }

    /// What stands at a place cannot be.
    pub(super) fn problem_at(&mut self, place: &Place, message: impl Into<String>) {
        self.problems.push(Problem {
            place: place.clone(),
            message: message.into(),
            is_placed: true,
        });
    }

    /// Like [`problem_at`](Self::problem_at), where nats-server does not say where it is.
    pub(super) fn unplaced_problem(&mut self, place: &Place, message: impl Into<String>) {
        self.problems.push(Problem {
            place: place.clone(),
            message: message.into(),
            is_placed: false,
        });
    }

    /// The entry keeps a server from starting, but a check of the file passes over it.
    pub(super) fn obstacle(&mut self, entry: &Entry, message: impl Into<String>) {
        self.obstacles.push(Obstacle {
            place: entry.place.clone(),
            message: by_name(entry, message.into()),
        });
    }

    /// Something that may not be what is meant; a check of the file fails for it.
    pub(super) fn doubt(&mut self, entry: Option<&Entry>, message: impl Into<String>) {
        self.warn(entry, message, true);
    }

    /// Something that is worth knowing.
    pub(super) fn note(&mut self, entry: Option<&Entry>, message: impl Into<String>) {
        self.warn(entry, message, false);
    }

    /// What it sets is not there, and it asks for nothing by itself.
    pub(super) fn without_effect(&mut self, entry: &Entry, why: &str) {
        self.note(Some(entry), format!("{} changes nothing: {why}", entry.key));
    }

    /// The same as [`note`](Self::note), of what stands at a place.
    pub(super) fn note_at(&mut self, place: &Place, message: impl Into<String>) {
        self.warnings.push(Warning {
            place: Some(place.clone()),
            message: message.into(),
            fails_check: false,
        });
    }

    fn warn(&mut self, entry: Option<&Entry>, message: impl Into<String>, fails_check: bool) {
        self.warnings.push(Warning {
            place: entry.map(|entry| entry.place.clone()),
            message: message.into(),
            fails_check,
        });
    }
}

/// Has a message name the variable that a value is from, and not show the value: it may be a secret of another program.
fn by_name(entry: &Entry, message: String) -> String {
    match (&entry.value.variable, &entry.value.kind) {
        (Some(name), Kind::Text(text)) => message.replace(&format!("{text:?}"), &format!("${name}")),
        _ => message,
    }
}
