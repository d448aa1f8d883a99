use super::{MAX_DEPTH, MAX_FILES, MAX_TREE, Place};
use thiserror::Error;

/// A text that does not follow the grammar, or refers to what there is not.
///
/// Never shows what a key is set to, for that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where it was noticed.
    pub place: Place,
    /// What is wrong.
    pub fault: Fault,
    /// Where that file is included, the innermost place first; empty for the file that was asked for.
    pub included_at: Vec<Place>,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// Something else should stand here.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What could stand here.
        expected: &'static str,
        /// What does.
        found: Found,
    },
    /// A key at the very end.
    #[error("the last key has no value")]
    NoValue,
    /// A backslash before a character that has no such form.
    #[error(r#"a backslash must be followed by n, t, r, ", \ or x and two hexadecimal digits"#)]
    Escape,
    /// Escaped bytes that make no text.
    #[error("the escaped bytes are not UTF-8")]
    NotText,
    /// A zero byte.
    #[error("a zero byte is no text")]
    ZeroByte,
    /// A number that 64 bits cannot hold.
    #[error("the number is out of range")]
    Range,
    /// A size that begins like one with a unit.
    #[error("a size ends in k, m, g, t, p or e, or one of these and b, i or ib")]
    Unit,
    /// A date that is none.
    #[error("expected a date such as 2006-01-02T15:04:05Z")]
    Date,
    /// A variable that is set neither in the file nor in the environment.
    #[error("variable reference{} cannot be found: it is neither set before, here or in an enclosing block, nor in the environment", named(.0))]
    UnknownVariable(Option<String>),
    /// A variable of the environment that refers to itself.
    #[error("variable reference{} leads back to itself", named(.0))]
    VariableCycle(Option<String>),
    /// A variable of the environment whose value is none.
    #[error("variable reference{} cannot be parsed: in the environment, {fault}", named(.variable))]
    Environment {
        /// Its name, unless that may be a secret.
        variable: Option<String>,
        /// What is wrong with its value.
        fault: Box<Fault>,
    },
    /// A file to include that cannot be read.
    #[error("cannot include {path}: {reason}")]
    Include {
        /// Its path, joined to the folder of the including file.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// A file that includes itself, maybe by others.
    #[error("{0} would include itself")]
    IncludeCycle(String),
    /// Too many maps, arrays and files in each other.
    #[error("maps, arrays and included files may be nested {MAX_DEPTH} deep")]
    TooDeep,
    /// Too many files.
    #[error("a configuration may include {MAX_FILES} files")]
    TooManyFiles,
    /// Too much altogether, for instance because variables stand for lists of variables.
    #[error("the configuration takes more than {} MiB", MAX_TREE >> 20)]
    TooLarge,
}

/// What stands where something else was expected: its kind, not its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    End,
    /// The end of the line.
    NewLine,
    /// This punctuation.
    Sign(char),
    /// Letters, digits or others.
    Text,
}

impl Found {
    pub(super) fn of(next: Option<char>) -> Self {
        match next {
            None => Self::End,
            Some('\n' | '\r') => Self::NewLine,
            Some(sign) if sign.is_ascii_punctuation() => Self::Sign(sign),
            Some(_) => Self::Text,
        }
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::End => formatter.write_str("the end of the file"),
            Self::NewLine => formatter.write_str("the end of the line"),
            Self::Sign(sign) => write!(formatter, "{sign}"),
            Self::Text => formatter.write_str("other text"),
        }
    }
}

impl Fault {
    /// Whether the text itself breaks the grammar, rather than refer to what there is not or be too much.
    fn is_of_grammar(&self) -> bool {
        matches!(
            self,
            Self::Expected { .. }
                | Self::Escape
                | Self::NotText
                | Self::ZeroByte
                | Self::Range
                | Self::Unit
                | Self::Date
        )
    }
}

fn named(name: &Option<String>) -> String {
    name.as_ref().map(|name| format!(" ${name}")).unwrap_or_default()
}

impl std::error::Error for SyntaxError {}

/// Names the place in the words of nats-server, which tools look for: `file:line:column` where it judges
/// what it has read, "Parse error on line" and number where it cannot read, "line" and number for the rest.
impl std::fmt::Display for SyntaxError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Place { file, line, column } = &self.place;
        match &self.fault {
            Fault::NoValue => write!(formatter, "{}", self.place)?,
            Fault::Include { .. } => write!(formatter, "{file} at {line}:{column}")?,
            fault if fault.is_of_grammar() => {
                write!(formatter, "{file}: Parse error on line {line}, column {column}")?;
            }
            _ => write!(formatter, "{file}: line {line}, column {column}")?,
        }
        write!(formatter, ": {}", self.fault)?;
        for Place { file, line, column } in &self.included_at {
            write!(formatter, "; included by {file} at {line}:{column}")?;
        }
        Ok(())
    }
}
