//! Maps, arrays and keys.

use super::cursor::{Cursor, Flaw, Mark, is_blank, is_key_separator, is_new_line};
use super::error::{Fault, SyntaxError};
use super::scalar::{self, Scalar};
use super::session::{Session, VALUE_SIZE};
use super::value::{Entry, Kind, Map, Value};
use super::{MAX_DEPTH, Place, path};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads one text.
pub(super) struct Parser<'t, 'p, 's> {
    pub(super) cursor: Cursor<'t>,
    pub(super) session: &'p mut Session<'s>,
    /// The path of the file as errors name it.
    pub(super) file: Arc<str>,
    /// Where the paths of included files start.
    pub(super) folder: PathBuf,
    /// In the text of a variable of the environment: where the variable stands in the file.
    pub(super) reference: Option<Place>,
    /// The maps that are being read, the outermost first; that of the document is always there.
    pub(super) scopes: Vec<Map>,
}

/// An error on the way up: of this text, or of one that it includes.
pub(super) enum Failure {
    Here(Mark, Fault),
    Elsewhere(Box<SyntaxError>),
}

impl From<Flaw> for Failure {
    fn from((mark, fault): Flaw) -> Self {
        Self::Here(mark, fault)
    }
}

/// A key, where it begins, and whether it was quoted.
pub(super) struct Key {
    name: String,
    pub(super) mark: Mark,
    quoted: bool,
}

impl<'t, 'p, 's> Parser<'t, 'p, 's> {
    pub(super) fn of_file(
        text: &'t str,
        path: &Path,
        session: &'p mut Session<'s>,
    ) -> Result<Self, SyntaxError> {
        let parser = Self {
            cursor: Cursor::new(text),
            session,
            file: path.to_string_lossy().into(),
            folder: path.parent().map(Path::to_path_buf).unwrap_or_default(),
            reference: None,
            scopes: vec![Map::default()],
        };
        let start = parser.cursor.mark();
        match parser.session.charge(text.len()) {
            Ok(()) => {
                parser.session.chain.push(path::below(path, ""));
                Ok(parser)
            }
            Err(fault) => Err(parser.error(Failure::Here(start, fault))),
        }
    }

    /// Reads the whole text.
    pub(super) fn document(mut self) -> Result<Map, SyntaxError> {
        self.top().map_err(|failure| self.error(failure))?;
        self.session.chain.pop();
        Ok(self.scopes.pop().unwrap_or_default())
    }

    fn error(&self, failure: Failure) -> SyntaxError {
        match failure {
            Failure::Here(mark, fault) => SyntaxError {
                place: self.place(mark),
                fault,
                included_at: Vec::new(),
            },
            Failure::Elsewhere(error) => *error,
        }
    }

    pub(super) fn place(&self, mark: Mark) -> Place {
        self.reference.clone().unwrap_or_else(|| Place {
            file: self.file.clone(),
            line: mark.line,
            column: mark.column(),
        })
    }

    /// The entries outside of all maps; braces around them mean nothing, for JSON has them.
    pub(super) fn top(&mut self) -> Result<(), Failure> {
        self.refuse_zero_bytes()?;
        loop {
            self.cursor.skip_to_content();
            match self.cursor.peek() {
                None => return Ok(()),
                Some('{') => self.braces()?,
                Some(_) => {
                    if !self.entry()? {
                        return Ok(());
                    }
                    self.end_of_entry(&[';', ',', '}'], "a new line, a comma or a semicolon")?;
                }
            }
        }
    }

    /// A zero byte would end the text for some of its readers and not for others.
    fn refuse_zero_bytes(&self) -> Result<(), Failure> {
        let mut scout = Cursor::new(self.cursor.rest());
        scout.take_while(|sign| sign != '\0');
        match scout.peek() {
            Some(_) => Err(Failure::Here(scout.mark(), Fault::ZeroByte)),
            None => Ok(()),
        }
    }

    fn braces(&mut self) -> Result<(), Failure> {
        self.descend()?;
        self.cursor.take('{');
        loop {
            self.cursor.skip_to_content();
            match self.cursor.peek() {
                None => return Err(self.cursor.expected("a key or the closing }").into()),
                Some('}') => break,
                Some('{') => {
                    self.braces()?;
                    self.cursor.skip_to_content();
                    self.cursor.take_while(|sign| matches!(sign, ',' | ';'));
                }
                Some(_) => {
                    if !self.entry()? {
                        return Err(self.cursor.expected("the closing }").into());
                    }
                    self.end_of_entry(&[';', ','], "a comma, a new line or the closing }")?;
                }
            }
        }
        self.cursor.take('}');
        self.session.depth -= 1;
        Ok(())
    }

    fn map(&mut self) -> Result<Kind, Failure> {
        self.descend()?;
        self.cursor.take('{');
        self.cursor.skip_to_content();
        if self.cursor.peek() == Some('{') {
            return self.maps();
        }
        self.scopes.push(Map::default());
        loop {
            self.cursor.skip_to_content();
            if self.cursor.take('}') {
                break;
            }
            self.map_entry()?;
            self.end_of_entry(&[';', ','], "a comma, a new line or the closing }")?;
        }
        self.session.depth -= 1;
        let mut map = self.scopes.pop().unwrap_or_default();
        map.shrink_to_fit();
        Ok(Kind::Map(map))
    }

    /// Maps without keys in braces, as `{ {…} {…} }`: an array as old files have it. nats-server takes none.
    fn maps(&mut self) -> Result<Kind, Failure> {
        let mut values = Vec::new();
        loop {
            self.cursor.skip_to_content();
            match self.cursor.peek() {
                Some('{') => values.push(self.value(None)?),
                Some('}') => break,
                _ => return Err(self.cursor.expected("a map or the closing }").into()),
            }
            self.cursor
                .take_while(|sign| sign.is_whitespace() || matches!(sign, ',' | ';'));
        }
        self.cursor.take('}');
        self.session.depth -= 1;
        values.shrink_to_fit();
        Ok(Kind::Array(values))
    }

    fn array(&mut self) -> Result<Kind, Failure> {
        self.descend()?;
        self.cursor.take('[');
        let mut values = Vec::new();
        loop {
            self.cursor.skip_to_content();
            if self.cursor.take(']') {
                break;
            }
            if matches!(self.cursor.peek(), None | Some(',' | '/')) {
                return Err(self.cursor.expected("a value or the closing ]").into());
            }
            let value = self.value(None)?;
            values.push(value);
            self.cursor.take_while(is_blank);
            let more = self.cursor.take_comment() || self.cursor.take(',');
            if !more
                && !self
                    .cursor
                    .peek()
                    .is_some_and(|sign| is_new_line(sign) || sign == ']')
            {
                return Err(self
                    .cursor
                    .expected("a comma, a new line or the closing ]")
                    .into());
            }
        }
        self.session.depth -= 1;
        values.shrink_to_fit();
        Ok(Kind::Array(values))
    }

    fn descend(&mut self) -> Result<(), Failure> {
        if self.session.depth == MAX_DEPTH {
            return Err(Failure::Here(self.cursor.mark(), Fault::TooDeep));
        }
        self.session.depth += 1;
        Ok(())
    }

    /// Behind a value: the end of the line, a comment or one of `signs`; before a closing brace nothing.
    fn end_of_entry(&mut self, signs: &[char], expected: &'static str) -> Result<(), Failure> {
        self.cursor.take_while(is_blank);
        if self.cursor.take_comment() {
            return Ok(());
        }
        match self.cursor.peek() {
            Some(sign) if is_new_line(sign) || signs.contains(&sign) => {
                self.cursor.next();
                Ok(())
            }
            // What it closes is for the caller to say.
            Some('}') => Ok(()),
            None if self.scopes.len() == 1 => Ok(()),
            _ => Err(self.cursor.expected(expected).into()),
        }
    }

    /// A key and its value outside of all maps. False if the text ends with a brace that closes nothing,
    /// which looks like a key and is passed over.
    fn entry(&mut self) -> Result<bool, Failure> {
        let key = self.key()?;
        if self.is_include(&key) {
            self.include(&key)?;
            return Ok(true);
        }
        self.cursor.take_while(char::is_whitespace);
        match self.cursor.peek() {
            None if key.name == "}" => return Ok(false),
            None => return Err(Failure::Here(self.cursor.mark(), Fault::NoValue)),
            Some(sign) if is_key_separator(sign) => {
                self.cursor.next();
            }
            Some(_) => {}
        }
        self.set(key)?;
        Ok(true)
    }

    /// A key and its value in a map; unlike outside, the value may begin on a later line than `=` or `:`.
    fn map_entry(&mut self) -> Result<(), Failure> {
        if matches!(self.cursor.peek(), None | Some(']')) {
            return Err(self.cursor.expected("a key or the closing }").into());
        }
        let key = self.key()?;
        if self.is_include(&key) {
            return self.include(&key);
        }
        self.cursor.take_while(char::is_whitespace);
        if self.cursor.peek().is_some_and(is_key_separator) {
            self.cursor.next();
        }
        self.cursor.take_while(char::is_whitespace);
        if matches!(self.cursor.peek(), None | Some(',' | '}')) {
            return Err(self.cursor.expected("a value").into());
        }
        self.set(key)
    }

    fn key(&mut self) -> Result<Key, Failure> {
        let next = self.cursor.peek();
        if next.is_some_and(|sign| is_key_separator(sign) || matches!(sign, ',' | ';' | '/')) {
            return Err(self.cursor.expected("a key").into());
        }
        if let Some(quote @ ('"' | '\'')) = next {
            self.cursor.next();
            let mark = self.cursor.mark();
            let name = self.cursor.take_while(|sign| sign != quote).to_owned();
            if !self.cursor.take(quote) {
                return Err(self.cursor.expected("the closing quote of a key").into());
            }
            return Ok(Key {
                name,
                mark,
                quoted: true,
            });
        }
        let mark = self.cursor.mark();
        self.cursor.next();
        self.cursor
            .take_while(|sign| !sign.is_whitespace() && !is_key_separator(sign));
        Ok(Key {
            name: self.cursor.since(mark).to_owned(),
            mark,
            quoted: false,
        })
    }

    fn is_include(&self, key: &Key) -> bool {
        !key.quoted
            && key.name.eq_ignore_ascii_case("include")
            && self.cursor.peek().is_some_and(char::is_whitespace)
    }

    fn set(&mut self, key: Key) -> Result<(), Failure> {
        let value = self.value(Some(&key))?;
        let charge = self.session.charge(VALUE_SIZE + 2 * key.name.len());
        charge.map_err(|fault| Failure::Here(key.mark, fault))?;
        let place = self.place(key.mark);
        let mut name = key.name;
        name.shrink_to_fit();
        self.add(Entry {
            key: name,
            place,
            value,
            used: false,
        });
        Ok(())
    }

    pub(super) fn add(&mut self, entry: Entry) {
        if let Some(map) = self.scopes.last_mut() {
            map.set(entry);
        }
    }

    /// Reads a value for no more than where it ends.
    pub(super) fn skip_value(&mut self) -> Result<(), Failure> {
        self.value(None).map(drop)
    }

    /// A value behind blanks, as that of `key`.
    fn value(&mut self, key: Option<&Key>) -> Result<Value, Failure> {
        self.cursor.take_while(is_blank);
        let mark = self.cursor.mark();
        let scalar = match self.cursor.peek() {
            Some('[') => Err(self.array()?),
            Some('{') => Err(self.map()?),
            Some('"') => Ok(scalar::double_quoted(&mut self.cursor)?),
            Some('\'') => Ok(scalar::single_quoted(&mut self.cursor)?),
            Some('(') => Ok(scalar::block(&mut self.cursor)?),
            Some(sign) if sign == '-' || sign.is_ascii_digit() => Ok(scalar::number(&mut self.cursor)?),
            Some('.') => return Err(self.cursor.expected("a value").into()),
            Some(sign) if is_new_line(sign) => {
                let (_, fault) = self.cursor.expected("a value on the line of its key");
                self.cursor.next();
                return Err(Failure::Here(self.cursor.mark(), fault));
            }
            _ => Ok(scalar::word(&mut self.cursor, mark)?),
        };
        let mut variable = None;
        let kind = match scalar {
            Err(kind) => kind,
            Ok(Scalar::Text(mut text)) => {
                text.shrink_to_fit();
                Kind::Text(text)
            }
            Ok(Scalar::Integer(number)) => Kind::Integer(number),
            Ok(Scalar::Float(number)) => Kind::Float(number),
            Ok(Scalar::Boolean(set)) => Kind::Boolean(set),
            Ok(Scalar::Date(text)) => Kind::Date(text),
            Ok(Scalar::Variable(name)) => {
                let key = key.map(|key| key.name.as_str());
                variable = Some(Arc::from(name.as_str()));
                self.variable(name, key)
                    .map_err(|fault| Failure::Here(mark, fault))?
            }
        };
        let charge = match &kind {
            // What is in them was charged for already.
            Kind::Array(_) | Kind::Map(_) => self.session.charge(VALUE_SIZE),
            other => self.session.charge_for(other),
        };
        charge.map_err(|fault| Failure::Here(mark, fault))?;
        let place = self.place(mark);
        Ok(Value {
            kind,
            place,
            variable,
        })
    }
}
