//! Where values are in a text, so that one can be changed and the others left as they are.

use super::parser::Parser;
use super::session::Session;
use super::{Files, Place};
use std::io;
use std::path::Path;

/// Where in `text`, in bytes, something stands that was found at `place` when the text was read.
pub(crate) fn offset(text: &str, place: &Place) -> Option<usize> {
    let column = place.column as usize;
    let start = match place.line.checked_sub(2) {
        // Columns count from the new line before; on the first line there is none.
        None => 0,
        Some(line) => text.match_indices('\n').nth(line as usize)?.0,
    };
    let at = start.checked_add(column)?;
    text.is_char_boundary(at).then_some(at)
}

/// Where the value ends that begins at `start`, in bytes. None if there is none.
pub(crate) fn end_of_value(text: &str, start: usize) -> Option<usize> {
    let rest = text.get(start..)?;
    // What variables and included files hold does not matter to where they are named.
    let environment = |_: &str| Some("0".to_owned());
    let mut session = Session::new(&Nothing, &environment);
    let mut parser = Parser::of_file(rest, Path::new(""), &mut session).ok()?;
    parser.skip_value().ok()?;
    Some(start + rest.len() - parser.cursor.rest().len())
}

/// Every file is there and empty.
struct Nothing;

impl Files for Nothing {
    fn read(&self, _: &Path) -> io::Result<String> {
        Ok(String::new())
    }
}
