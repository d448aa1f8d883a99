use std::fmt;
use thiserror::Error;

/// A source and a destination that make no transform, in nats-server's words.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TransformError {
    /// The source or the destination is no subject, or only one of them ends in `>`.
    #[error("invalid subject")]
    InvalidSubject,
    /// A token of the destination is empty, has white space, or stands behind `>`.
    #[error("invalid mapping destination: invalid transform{}", In(.token))]
    InvalidToken {
        /// The token; empty where nothing can be shown.
        token: String,
    },
    /// A token looks like a function, of a name that none has.
    #[error("invalid mapping destination: unknown function{}", In(.token))]
    UnknownFunction {
        /// The token.
        token: String,
    },
    /// A function names a wildcard that the source does not have.
    #[error("invalid mapping destination: wildcard index out of range{}", In(.token))]
    OutOfRange {
        /// The token, and which wildcard it names.
        token: String,
    },
    /// A function lacks arguments.
    #[error("invalid mapping destination: not enough arguments passed to the function{}", In(.token))]
    NotEnoughArguments {
        /// The token.
        token: String,
    },
    /// A function has too many arguments, or all functions together.
    #[error("invalid mapping destination: too many arguments passed to the function{}", In(.token))]
    TooManyArguments {
        /// The token.
        token: String,
    },
    /// An argument is none that the function takes.
    #[error(
        "invalid mapping destination: function argument is invalid or in the wrong format{}",
        In(.token)
    )]
    InvalidArgument {
        /// The token.
        token: String,
    },
    /// What an import makes of a subject has to tell what it was.
    #[error(
        "invalid mapping destination: the only mapping function allowed for import transforms is {{{{Wildcard()}}}}{}",
        In(.token)
    )]
    NotForImports {
        /// The token.
        token: String,
    },
    /// The same.
    #[error("invalid mapping destination: not using all of the token wildcard(s){}", In(.token))]
    NotAllWildcards {
        /// The destination.
        token: String,
    },
}

/// Where it is wrong, if that can be shown.
struct In<'a>(&'a str);

impl fmt::Display for In<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            token => write!(out, " in {token}"),
        }
    }
}
