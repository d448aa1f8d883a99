//! What a client says about itself: the JSON of a CONNECT.

use std::borrow::Cow;
use std::fmt::{self, Debug, Formatter};

use thiserror::Error;

use crate::error::Complaint;
use crate::json::{self, JsonError, Value};

/// The options of a connection. Text that was not given is empty, as in nats-server, which does not
/// tell the two apart either. [`Default`] is what a client has that never sends a CONNECT.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectOptions {
    /// Wants `+OK` for every operation that succeeds.
    pub verbose: bool,
    /// Wants publish subjects checked.
    pub pedantic: bool,
    /// Wants its own messages delivered to its own subscriptions.
    pub echo: bool,
    /// Understands HMSG and may send HPUB.
    pub headers: bool,
    /// Wants a 503 for a request that nobody listens to; needs `headers`.
    pub no_responders: bool,
    /// Says that it needs TLS; the server does not act on it.
    pub tls_required: bool,
    /// Protocol level: 0, or 1 for clients that understand INFO at any time.
    pub protocol: i64,
    /// Name of the client.
    pub name: Box<str>,
    /// Language of the client library.
    pub lang: Box<str>,
    /// Version of the client library.
    pub version: Box<str>,
    /// User name.
    pub user: Box<str>,
    /// Public key of the user.
    pub nkey: Box<str>,
    /// How the user proves who it is, until that is [forgotten](Self::forget_proofs).
    pub proofs: Option<Box<Proofs>>,
    /// Whether an authentication token was given: this is remembered.
    pub has_token: bool,
    /// Account a peer asks for; no client may.
    pub account: Box<str>,
    /// Asks for the account to be created; no client may.
    pub new_account: bool,
    /// Account at the other end of a leaf node connection.
    pub remote_account: Box<str>,
}

/// What must not get into a log, and is of no use once it is decided who somebody is.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proofs {
    /// Password.
    pub pass: Box<str>,
    /// Authentication token.
    pub auth_token: Box<str>,
    /// Signature of the nonce.
    pub sig: Box<str>,
    /// JWT of the user.
    pub jwt: Box<str>,
    /// Signature of the nonce by a trusted proxy.
    pub proxy_sig: Box<str>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        ConnectOptions {
            verbose: true,
            pedantic: true,
            echo: true,
            headers: false,
            no_responders: false,
            tls_required: false,
            protocol: 0,
            name: Box::default(),
            lang: Box::default(),
            version: Box::default(),
            user: Box::default(),
            nkey: Box::default(),
            proofs: None,
            has_token: false,
            account: Box::default(),
            new_account: false,
            remote_account: Box::default(),
        }
    }
}

/// Leaves out what must not get into a log.
impl Debug for ConnectOptions {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.debug_struct("ConnectOptions")
            .field("verbose", &self.verbose)
            .field("pedantic", &self.pedantic)
            .field("echo", &self.echo)
            .field("headers", &self.headers)
            .field("no_responders", &self.no_responders)
            .field("protocol", &self.protocol)
            .field("name", &self.name)
            .field("lang", &self.lang)
            .field("version", &self.version)
            .field("user", &self.user)
            .field("nkey", &self.nkey)
            .finish_non_exhaustive()
    }
}

/// Why a CONNECT cannot be read. The client is closed without a word:
/// [`crate::error::Violation::Connect`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ConnectError {
    /// Not JSON, or nested too deeply.
    #[error("CONNECT is not JSON")]
    Syntax,
    /// JSON, but neither an object nor `null`.
    #[error("CONNECT is not a JSON object")]
    NotAnObject,
    /// A field has a value of the wrong type.
    #[error("CONNECT has a wrong value for {field}")]
    WrongType {
        /// Name of the field.
        field: &'static str,
    },
}

impl From<JsonError> for ConnectError {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Syntax => ConnectError::Syntax,
            JsonError::NotAnObject => ConnectError::NotAnObject,
        }
    }
}

impl ConnectOptions {
    /// Reads the first CONNECT of a connection.
    pub fn parse(json: &[u8]) -> Result<Self, ConnectError> {
        let mut options = ConnectOptions::default();
        options.update(json)?;
        Ok(options)
    }

    /// Reads a later CONNECT: what it does not mention, or mentions as `null`, keeps the value that an
    /// earlier one gave it, unless that was [forgotten](Self::forget_proofs). (The subscriptions end, and
    /// the login is decided anew, as in nats-server.)
    ///
    /// Keys are matched without regard to case, the last of equal ones counts, unknown ones are
    /// ignored. On an error the options are partly updated: the connection is to be closed.
    pub fn update(&mut self, json: &[u8]) -> Result<(), ConnectError> {
        let Some(fields) = json::check_object(json)? else {
            return Ok(());
        };
        for field in fields {
            let (key, value) = field?;
            if value != Value::Null {
                self.set(&fold(&json::unescape(key)), value)?;
            }
        }
        Ok(())
    }

    /// What is wrong with the options of a client, credentials aside; all of it closes.
    /// `server_headers`: whether the server supports headers.
    pub fn complaint(&self, server_headers: bool) -> Option<Complaint<'static>> {
        if self.new_account || !self.account.is_empty() {
            Some(Complaint::AuthorizationViolation)
        } else if !(0..=1).contains(&self.protocol) {
            Some(Complaint::InvalidClientProtocol)
        } else if self.no_responders && !(self.headers && server_headers) {
            Some(Complaint::NoRespondersRequiresHeaders)
        } else {
            None
        }
    }

    /// Forgets what a login was proven by, once it is decided. What else was said stays.
    pub fn forget_proofs(&mut self) {
        self.proofs = None;
    }

    fn proofs(&mut self) -> &mut Proofs {
        self.proofs.get_or_insert_default()
    }

    fn set(&mut self, key: &str, value: Value<'_>) -> Result<(), ConnectError> {
        match key {
            "verbose" => set_bool(&mut self.verbose, "verbose", value),
            "pedantic" => set_bool(&mut self.pedantic, "pedantic", value),
            "echo" => set_bool(&mut self.echo, "echo", value),
            "headers" => set_bool(&mut self.headers, "headers", value),
            "no_responders" => set_bool(&mut self.no_responders, "no_responders", value),
            "tls_required" => set_bool(&mut self.tls_required, "tls_required", value),
            "new_account" => set_bool(&mut self.new_account, "new_account", value),
            "protocol" => set_integer(&mut self.protocol, "protocol", value),
            "name" => set_text(&mut self.name, "name", value),
            "lang" => set_text(&mut self.lang, "lang", value),
            "version" => set_text(&mut self.version, "version", value),
            "user" => set_text(&mut self.user, "user", value),
            "pass" => set_text(&mut self.proofs().pass, "pass", value),
            "auth_token" => {
                let token = &mut self.proofs().auth_token;
                set_text(token, "auth_token", value)?;
                self.has_token = !token.is_empty();
                Ok(())
            }
            "nkey" => set_text(&mut self.nkey, "nkey", value),
            "sig" => set_text(&mut self.proofs().sig, "sig", value),
            "jwt" => set_text(&mut self.proofs().jwt, "jwt", value),
            "proxy_sig" => set_text(&mut self.proofs().proxy_sig, "proxy_sig", value),
            "account" => set_text(&mut self.account, "account", value),
            "remote_account" => set_text(&mut self.remote_account, "remote_account", value),
            // Permissions of routes and leaf nodes: of no meaning here, but they have a type.
            "import" if value != Value::Object => Err(ConnectError::WrongType { field: "import" }),
            "export" if value != Value::Object => Err(ConnectError::WrongType { field: "export" }),
            _ => Ok(()),
        }
    }
}

/// The fields of a CONNECT whose values are no secrets.
const SHOWN: [&str; 14] = [
    "verbose",
    "pedantic",
    "echo",
    "headers",
    "no_responders",
    "tls_required",
    "protocol",
    "name",
    "lang",
    "version",
    "user",
    "account",
    "new_account",
    "remote_account",
];

const REDACTED: &str = "[REDACTED]";

/// The JSON of a CONNECT as it may be logged. Only what is known to be no secret is shown: of all other fields, whatever
/// their values are, the names, and of what is not a JSON object nothing.
pub fn without_secrets(json: &[u8]) -> String {
    let mut fields = match json::check_object(json) {
        Ok(Some(fields)) => fields,
        Ok(None) => return "null".to_owned(),
        Err(_) => return REDACTED.to_owned(),
    };
    let mut shown = String::from("{");
    while let Some((key, value, text)) = fields.next_as_text() {
        if shown.len() > 1 {
            shown.push(',');
        }
        let known = SHOWN.contains(&&*fold(&json::unescape(key)));
        let (key, text) = (String::from_utf8_lossy(key), String::from_utf8_lossy(text));
        let text = match value {
            Value::Array | Value::Object => Cow::Borrowed("\"[REDACTED]\""),
            _ if known => text,
            _ => Cow::Borrowed("\"[REDACTED]\""),
        };
        shown.push('"');
        shown.push_str(&key);
        shown.push_str("\":");
        shown.push_str(&text);
    }
    shown.push('}');
    shown
}

/// Lower case, for the letters the names of fields have: two letters beyond ASCII fold into those.
fn fold(key: &str) -> String {
    key.chars()
        .map(|letter| match letter {
            'ſ' => 's',
            '\u{212a}' => 'k',
            _ => letter.to_ascii_lowercase(),
        })
        .collect()
}

fn set_bool(place: &mut bool, field: &'static str, value: Value<'_>) -> Result<(), ConnectError> {
    match value {
        Value::Bool(value) => *place = value,
        _ => return Err(ConnectError::WrongType { field }),
    }
    Ok(())
}

fn set_text(place: &mut Box<str>, field: &'static str, value: Value<'_>) -> Result<(), ConnectError> {
    match value {
        Value::String(raw) => *place = json::unescape(raw).into(),
        _ => return Err(ConnectError::WrongType { field }),
    }
    Ok(())
}

/// Whole numbers only, and only when written as such: neither `1.0` nor `1e0`.
fn set_integer(place: &mut i64, field: &'static str, value: Value<'_>) -> Result<(), ConnectError> {
    let number = match value {
        Value::Number(text) => str::from_utf8(text).ok().and_then(|text| text.parse().ok()),
        _ => None,
    };
    *place = number.ok_or(ConnectError::WrongType { field })?;
    Ok(())
}

#[cfg(test)]
mod tests;
