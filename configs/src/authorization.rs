/// What a client has to present in CONNECT before it may do anything.
#[derive(Clone, PartialEq, Eq)]
pub enum Authorization {
    /// This user with this password; the password may be empty.
    User {
        /// The name, compared as it is, case included.
        user: String,
        /// The password in plain text.
        password: String,
    },
    /// This token, whatever user and password come with it.
    Token(String),
}

impl Authorization {
    /// Whether a password or token is a bcrypt hash of the secret, not the secret itself.
    pub fn is_hash(secret: &str) -> bool {
        matches!(
            secret.as_bytes(),
            [b'$', b'2', b'a' | b'b' | b'x' | b'y', b'$', ..]
        )
    }
}

/// Names what is asked for, never the secret: configurations end up in logs.
impl std::fmt::Debug for Authorization {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User { user, .. } => formatter
                .debug_struct("User")
                .field("user", user)
                .finish_non_exhaustive(),
            Self::Token(_) => formatter.write_str("Token(..)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let user = Authorization::User {
            user: "ann".to_owned(),
            password: "hush".to_owned(),
        };
        let token = Authorization::Token("hush".to_owned());
        assert!(format!("{user:?}").contains("ann"));
        assert!(!format!("{user:?}{token:?}").contains("hush"));
    }
}
