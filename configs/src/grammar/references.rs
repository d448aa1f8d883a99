//! What stands elsewhere: variables and included files.

use super::cursor::{Cursor, is_blank, is_new_line};
use super::error::Fault;
use super::parser::{Failure, Key, Parser};
use super::value::{Kind, Map};
use super::{MAX_DEPTH, path};
use std::path::PathBuf;

/// Keys whose values are not to be shown, not even as the name of a variable that there is not.
const SECRETS: [&str; 14] = [
    "pass",
    "password",
    "token",
    "nkey",
    "seed",
    "key",
    "ek",
    "encryption_key",
    "encryption_password",
    "srk_password",
    "prev_key",
    "shared_key",
    "prev_ek",
    "prev_encryption_key",
];

impl Parser<'_, '_, '_> {
    /// What a variable stands for, as the value of `key`. What looks like its name may be a secret that
    /// begins with `$` and lacks quotes.
    pub(super) fn variable(&mut self, name: String, key: Option<&str>) -> Result<Kind, Fault> {
        // A bcrypt hash needs no quotes.
        if name.starts_with("2a$") {
            return Ok(Kind::Text(format!("${name}")));
        }
        let mut scopes = self.scopes.iter_mut().rev();
        if let Some(entry) = scopes.find_map(|scope| scope.get_mut(&name)) {
            entry.used = true;
            // Before it is copied, lest the copies of copies take all memory.
            self.session.charge_for(&entry.value.kind)?;
            return Ok(entry.value.kind.clone());
        }
        // In the environment, nobody knows for which key the text is meant.
        let may_be_secret = self.reference.is_some() || key.is_some_and(is_secret);
        let shown = (!may_be_secret).then(|| name.clone());
        if self.session.variables.contains(&name) {
            return Err(Fault::VariableCycle(shown));
        }
        let Some(text) = self.session.environment.get(&name) else {
            return Err(Fault::UnknownVariable(shown));
        };
        if self.session.depth == MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
        self.session.depth += 1;
        self.session.variables.push(name);
        let kind = self.environment_value(&text).map_err(|fault| match fault {
            Fault::TooDeep | Fault::TooLarge => fault,
            other => Fault::Environment {
                variable: shown,
                fault: Box::new(other),
            },
        });
        self.session.variables.pop();
        self.session.depth -= 1;
        kind
    }

    /// Reads the text of a variable of the environment like the value of a key.
    fn environment_value(&mut self, text: &str) -> Result<Kind, Fault> {
        const KEY: &str = "variable";
        let text = format!("{KEY}={text}");
        self.session.charge(text.len())?;
        let mut parser = Parser {
            cursor: Cursor::new(&text),
            reference: Some(self.place(self.cursor.mark())),
            session: &mut *self.session,
            file: self.file.clone(),
            folder: PathBuf::new(),
            scopes: vec![Map::default()],
        };
        parser.top().map_err(|failure| match failure {
            Failure::Here(_, fault) => fault,
            Failure::Elsewhere(error) => error.fault,
        })?;
        let map = parser.scopes.pop().unwrap_or_default();
        let entry = map.into_entries().into_iter().find(|entry| entry.key == KEY);
        entry.map(|entry| entry.value.kind).ok_or(Fault::NoValue)
    }

    /// Behind the word `include`.
    pub(super) fn include(&mut self, key: &Key) -> Result<(), Failure> {
        let path = self.include_path()?;
        let shown = path.display().to_string();
        let fail = |fault| Err(Failure::Here(key.mark, fault));
        if self.session.chain.contains(&path) {
            return fail(Fault::IncludeCycle(shown));
        }
        if self.session.depth == MAX_DEPTH {
            return fail(Fault::TooDeep);
        }
        let Some(files_left) = self.session.files_left.checked_sub(1) else {
            return fail(Fault::TooManyFiles);
        };
        self.session.files_left = files_left;
        let text = match self.session.files.read(&path) {
            Ok(text) => text,
            Err(error) => {
                let reason = error.to_string();
                return fail(Fault::Include { path: shown, reason });
            }
        };
        self.session.depth += 1;
        let read = Parser::of_file(&text, &path, self.session).and_then(Parser::document);
        let map = read.map_err(|mut error| {
            error.included_at.push(self.place(key.mark));
            Failure::Elsewhere(Box::new(error))
        })?;
        self.session.depth -= 1;
        for entry in map.into_entries() {
            self.add(entry);
        }
        Ok(())
    }

    fn include_path(&mut self) -> Result<PathBuf, Failure> {
        self.cursor.take_while(is_blank);
        let name = match self.cursor.peek() {
            Some(quote @ ('"' | '\'')) => {
                self.cursor.next();
                let name = self.cursor.take_while(|sign| sign != quote);
                if !self.cursor.take(quote) {
                    return Err(self
                        .cursor
                        .expected("the closing quote of the path to include")
                        .into());
                }
                name
            }
            Some('[' | '{' | '(' | '-' | '\\' | '0'..='9') => "",
            _ => {
                let name = self.cursor.take_while(|sign| {
                    !is_new_line(sign) && !is_blank(sign) && !matches!(sign, ';' | '}' | '\'')
                });
                self.cursor.take('\'');
                name
            }
        };
        if name.is_empty() {
            return Err(self.cursor.expected("the path of a file to include").into());
        }
        Ok(path::below(&self.folder, name))
    }
}

pub(crate) fn is_secret(key: &str) -> bool {
    SECRETS.iter().any(|secret| secret.eq_ignore_ascii_case(key))
}
