//! Cookies (RFC 6265), in which browsers say who they are: their pages need not know it.

use std::fmt;

/// What the cookies are called that count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CookieNames {
    /// That of a token which an account has signed.
    pub jwt: Option<String>,
    /// That of the name of a user.
    pub user: Option<String>,
    /// That of a password.
    pub password: Option<String>,
    /// That of a token.
    pub token: Option<String>,
}

/// What they say; empty where there is none. Shown without it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Cookies {
    /// A token that an account has signed.
    pub jwt: String,
    /// The name of a user.
    pub user: String,
    /// A password.
    pub password: String,
    /// A token.
    pub token: String,
}

impl Cookies {
    /// Whether they say nothing.
    pub fn is_empty(&self) -> bool {
        let Self {
            jwt,
            user,
            password,
            token,
        } = self;
        [jwt, user, password, token].into_iter().all(String::is_empty)
    }
}

impl fmt::Debug for Cookies {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Cookies").finish_non_exhaustive()
    }
}

impl CookieNames {
    /// What the cookies of these headers say. Of several with one name the last counts.
    pub(super) fn find<'h>(&self, headers: impl Iterator<Item = &'h str>) -> Cookies {
        let mut found = Cookies::default();
        for (name, value) in headers.flat_map(|header| header.split(';')).filter_map(cookie) {
            let fields = [
                (&self.jwt, &mut found.jwt),
                (&self.user, &mut found.user),
                (&self.password, &mut found.password),
                (&self.token, &mut found.token),
            ];
            let wanted = |wanted: &Option<String>| wanted.as_deref() == Some(name);
            if let Some((_, field)) = fields.into_iter().find(|(name, _)| wanted(name)) {
                value.clone_into(field);
            }
        }
        found
    }
}

/// The name and the value of a cookie, without quotes.
fn cookie(pair: &str) -> Option<(&str, &str)> {
    let (name, value) = pair.split_once('=')?;
    let value = value.trim();
    let value = match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
        Some(quoted) => quoted,
        None => value,
    };
    let may_be = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    value.bytes().all(may_be).then(|| (name.trim(), value))
}
