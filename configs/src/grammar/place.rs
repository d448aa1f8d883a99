use std::sync::Arc;

/// Where something stands in a configuration file, as nats-server names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The path of the file, as it was opened.
    pub file: Arc<str>,
    /// The line, counted from 1.
    pub line: u32,
    /// The column in bytes: counted from 0 on the first line and from 1 on all others, for that is what
    /// nats-server says and editors and tests were taught.
    pub column: u32,
}

impl Place {
    /// The place of what stands in no file.
    pub fn of_request() -> Self {
        Self {
            file: Arc::from("request"),
            line: 1,
            column: 0,
        }
    }
}

/// `file:line:column`.
impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}:{}", self.file, self.line, self.column)
    }
}
