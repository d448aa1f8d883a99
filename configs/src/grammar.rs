//! The grammar of NATS configuration files: text to a tree of values that know where they stand.
//!
//! It is a superset of JSON. Keys and values are separated by `=`, `:` or blanks, entries by commas,
//! semicolons or new lines; `#` and `//` begin comments. `$NAME` stands for what a key of that name was
//! set to before, in the same or an enclosing block, else for the variable of the environment, whose text
//! is read like a value of the file. `include FILE` puts the entries of another file in its place; the
//! path starts at the folder of the including file, also when it begins with a slash. An included file
//! does not see the variables of the including one.
//!
//! Nothing here touches the disk or the environment: both are given. However hostile the text, memory is
//! bounded by [`MAX_TREE`] and the stack by [`MAX_DEPTH`].

mod cursor;
mod error;
mod json;
mod parser;
mod path;
mod place;
mod references;
mod scalar;
mod session;
mod span;
mod value;

pub use error::{Fault, Found, SyntaxError};
pub use place::Place;
pub(crate) use references::is_secret;
pub(crate) use span::{end_of_value, offset};
pub use value::{Entry, Kind, Map, Value};

use parser::Parser;
use session::Session;
use std::io;
use std::path::Path;

/// How deep maps, arrays, included files and variables of the environment may be nested.
pub const MAX_DEPTH: usize = 100;

/// How many files one configuration may include, a file that is included twice counted twice.
pub const MAX_FILES: usize = 1000;

/// How much memory, in bytes, all texts and values of one configuration may take.
pub const MAX_TREE: usize = 256 << 20;

/// Where included files come from.
pub trait Files {
    /// The text of a file.
    ///
    /// # Errors
    /// When there is no such file, it cannot be read, or it is no text.
    fn read(&self, path: &Path) -> io::Result<String>;
}

/// Where variables come from that no file sets.
pub trait Environment {
    /// The text of a variable.
    fn get(&self, name: &str) -> Option<String>;
}

impl<F: Fn(&str) -> Option<String>> Environment for F {
    fn get(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// Reads the text of the file called `name`.
///
/// # Errors
/// When the text or an included one does not follow the grammar, a variable is not set, or a bound is met.
pub fn parse(
    text: &str,
    name: &Path,
    files: &dyn Files,
    environment: &dyn Environment,
) -> Result<Map, SyntaxError> {
    let mut session = Session::new(files, environment);
    Parser::of_file(text, name, &mut session)?.document()
}

#[cfg(test)]
mod tests;
