//! Walks over a text, and knows the line and column where it is.

use super::error::{Fault, Found};

/// A position in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    /// Bytes from the start of the text.
    pub(super) at: usize,
    pub(super) line: u32,
    /// Where the line begins: at the newline before it. This is why columns count from 1 there, and from
    /// 0 on the first line.
    line_start: usize,
}

impl Mark {
    pub(super) fn column(self) -> u32 {
        u32::try_from(self.at - self.line_start).unwrap_or(u32::MAX)
    }
}

/// What is wrong, and where.
pub(super) type Flaw = (Mark, Fault);

#[derive(Debug)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    mark: Mark,
}

/// Tab and space; what else separates words also ends lines.
pub(super) fn is_blank(sign: char) -> bool {
    matches!(sign, '\t' | ' ')
}

pub(super) fn is_new_line(sign: char) -> bool {
    matches!(sign, '\n' | '\r')
}

pub(super) fn is_key_separator(sign: char) -> bool {
    matches!(sign, '=' | ':')
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let mark = Mark {
            at: 0,
            line: 1,
            line_start: 0,
        };
        Self { text, mark }
    }

    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    /// What lies between `from` and here.
    pub(super) fn since(&self, from: Mark) -> &'t str {
        &self.text[from.at..self.mark.at]
    }

    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.mark.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Takes the next character.
    pub(super) fn next(&mut self) -> Option<char> {
        let sign = self.peek()?;
        if sign == '\n' {
            self.mark.line += 1;
            self.mark.line_start = self.mark.at;
        }
        self.mark.at += sign.len_utf8();
        Some(sign)
    }

    /// Takes the next character if it is this one.
    pub(super) fn take(&mut self, sign: char) -> bool {
        let found = self.peek() == Some(sign);
        if found {
            self.next();
        }
        found
    }

    /// Takes characters as long as they are such.
    pub(super) fn take_while(&mut self, mut wanted: impl FnMut(char) -> bool) -> &'t str {
        let start = self.mark;
        while self.peek().is_some_and(&mut wanted) {
            self.next();
        }
        self.since(start)
    }

    /// Takes a comment up to the end of its line, if there is one.
    pub(super) fn take_comment(&mut self) -> bool {
        let comment = self.rest().starts_with('#') || self.rest().starts_with("//");
        if comment {
            self.take_while(|sign| !is_new_line(sign));
        }
        comment
    }

    /// Takes white space, ends of lines included, and comments.
    pub(super) fn skip_to_content(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            if !self.take_comment() {
                return;
            }
        }
    }

    /// That something else should stand here.
    pub(super) fn expected(&self, expected: &'static str) -> Flaw {
        let found = Found::of(self.peek());
        (self.mark, Fault::Expected { expected, found })
    }
}
