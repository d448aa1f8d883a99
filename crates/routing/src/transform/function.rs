//! The functions of a destination: what each makes of tokens of the subject.

use super::TransformError;
use crate::fnv_1a;
use std::io::Write;

/// What stands in a destination in the place of a token. Which tokens of the subject it is about is said by wildcards of
/// the source as it is read, and by places in the subject once that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Function {
    /// A token as it is.
    Wildcard { token: usize },
    /// The number of one of several shares, by a hash of these tokens; of the whole subject if there are none.
    Partition { shares: u32, tokens: Box<[usize]> },
    /// A token at which this text is a separator as well.
    Split { token: usize, separator: Box<[u8]> },
    /// A token cut by length.
    Cut { token: usize, cut: Cut, length: i32 },
    /// A number below this, drawn anew for each message.
    Random { below: i32 },
}

/// How a token is cut by length. A length that is not positive and shorter than the token leaves it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Into two, the first of this length.
    SplitFromLeft,
    /// Into two, the last of this length.
    SplitFromRight,
    /// Into pieces of this length, the last of which may be shorter.
    SliceFromLeft,
    /// Into pieces of this length, the first of which may be shorter.
    SliceFromRight,
    /// To its beginning.
    Left,
    /// To its end.
    Right,
}

/// The name of a function, and how its arguments are read.
pub(super) struct Word {
    /// Its words begin with capitals, which may as well be small.
    name: &'static str,
    read: fn(&Call<'_>) -> Result<Function, TransformError>,
}

/// All functions there are.
pub(super) const WORDS: [Word; 10] = [
    Word {
        name: "Wildcard",
        read: |call| call.wildcard(),
    },
    Word {
        name: "Partition",
        read: |call| call.partition(),
    },
    Word {
        name: "SplitFromLeft",
        read: |call| call.cut(Cut::SplitFromLeft),
    },
    Word {
        name: "SplitFromRight",
        read: |call| call.cut(Cut::SplitFromRight),
    },
    Word {
        name: "SliceFromLeft",
        read: |call| call.cut(Cut::SliceFromLeft),
    },
    Word {
        name: "SliceFromRight",
        read: |call| call.cut(Cut::SliceFromRight),
    },
    Word {
        name: "Left",
        read: |call| call.cut(Cut::Left),
    },
    Word {
        name: "Right",
        read: |call| call.cut(Cut::Right),
    },
    Word {
        name: "Split",
        read: |call| call.split(),
    },
    Word {
        name: "Random",
        read: |call| call.random(),
    },
];

impl Word {
    /// Whether what stands inside of the braces calls this function.
    pub(super) fn is_called_by(&self, inside: &str) -> bool {
        self.arguments(inside).is_some()
    }

    /// What stands in the parentheses behind the name.
    fn arguments<'a>(&self, inside: &'a str) -> Option<&'a str> {
        let (name, arguments) = inside.split_once('(')?;
        let name = name.trim_matches(is_white_space);
        let arguments = arguments.trim_end_matches(is_white_space).strip_suffix(')')?;
        let is_same = |(given, wanted): (u8, u8)| {
            given == wanted || wanted.is_ascii_uppercase() && given == wanted.to_ascii_lowercase()
        };
        let is_named = name.len() == self.name.len() && name.bytes().zip(self.name.bytes()).all(is_same);
        is_named.then_some(arguments)
    }
}

/// What stands inside of the braces of a token that looks like a function.
pub(super) fn inside(token: &str) -> Option<&str> {
    let inside = token.strip_prefix("{{")?.strip_suffix("}}")?;
    (!inside.is_empty()).then_some(inside)
}

fn is_white_space(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\x0c' | '\r' | ' ')
}

/// A token that calls a function with these arguments.
pub(super) struct Call<'a> {
    token: &'a str,
    arguments: Vec<&'a str>,
}

impl Call<'_> {
    fn not_enough(&self) -> TransformError {
        TransformError::NotEnoughArguments {
            token: self.token.to_owned(),
        }
    }

    fn too_many(&self) -> TransformError {
        TransformError::TooManyArguments {
            token: self.token.to_owned(),
        }
    }

    fn invalid(&self) -> TransformError {
        TransformError::InvalidArgument {
            token: self.token.to_owned(),
        }
    }

    fn number(&self, text: &str) -> Result<i64, TransformError> {
        text.trim_matches(' ').parse().map_err(|_| self.invalid())
    }

    /// A number of shares or values: too small a one wraps, as in nats-server.
    fn count(&self, text: &str) -> Result<i32, TransformError> {
        let number = self.number(text)?;
        if number > i64::from(i32::MAX) {
            return Err(self.invalid());
        }
        Ok(number as i32)
    }

    /// The number of a wildcard; all that are below 1 name the first token.
    fn token(&self, text: &str) -> Result<usize, TransformError> {
        let number = self.number(text)?;
        Ok(usize::try_from(number).unwrap_or(0))
    }

    fn two(&self) -> Result<[&str; 2], TransformError> {
        match *self.arguments {
            [first, second] => Ok([first, second]),
            [] | [_] => Err(self.not_enough()),
            _ => Err(self.too_many()),
        }
    }

    fn wildcard(&self) -> Result<Function, TransformError> {
        match *self.arguments {
            [] | [""] => Err(self.not_enough()),
            [token] => Ok(Function::Wildcard {
                token: self.token(token)?,
            }),
            _ => Err(self.too_many()),
        }
    }

    fn partition(&self) -> Result<Function, TransformError> {
        let (shares, tokens) = self.arguments.split_first().ok_or_else(|| self.not_enough())?;
        Ok(Function::Partition {
            shares: self.count(shares)? as u32,
            tokens: tokens
                .iter()
                .map(|token| self.token(token))
                .collect::<Result<_, _>>()?,
        })
    }

    fn cut(&self, cut: Cut) -> Result<Function, TransformError> {
        let [token, length] = self.two()?;
        Ok(Function::Cut {
            token: self.token(token)?,
            cut,
            length: self.number(length)?.try_into().map_err(|_| self.invalid())?,
        })
    }

    fn split(&self) -> Result<Function, TransformError> {
        let [token, separator] = self.two()?;
        let token = self.token(token)?;
        if separator.contains([' ', '.']) {
            return Err(self.invalid());
        }
        Ok(Function::Split {
            token,
            separator: separator.as_bytes().into(),
        })
    }

    fn random(&self) -> Result<Function, TransformError> {
        match *self.arguments {
            [below] => Ok(Function::Random {
                below: self.count(below)?,
            }),
            _ => Err(self.not_enough()),
        }
    }
}

impl Function {
    /// The function that a token of a destination is; None if it is ordinary text.
    pub(super) fn read(token: &str) -> Result<Option<Self>, TransformError> {
        if let Some(number) = token.strip_prefix('$') {
            // Other tokens that begin so mean themselves.
            let number: Option<i64> = number.parse().ok();
            return Ok(number.map(|number| Self::Wildcard {
                token: usize::try_from(number).unwrap_or(0),
            }));
        }
        let Some(inside) = inside(token) else {
            return Ok(None);
        };
        for word in WORDS {
            if let Some(arguments) = word.arguments(inside) {
                let mut arguments = arguments.split(',');
                let first = arguments.next();
                let further = arguments.map(|argument| argument.trim_start_matches(is_white_space));
                let arguments = first.into_iter().chain(further).collect();
                return (word.read)(&Call { token, arguments }).map(Some);
            }
        }
        let token = token.to_owned();
        Err(TransformError::UnknownFunction { token })
    }

    /// The same about places in the subject, where it is about wildcards of the source; these are where they stand.
    pub(super) fn placed(mut self, text: &str, wildcards: &[usize]) -> Result<Self, TransformError> {
        for token in self.tokens_mut() {
            *token = match token.checked_sub(1) {
                Some(wildcard) => *wildcards.get(wildcard).ok_or_else(|| {
                    let token = format!("{text}: [{token}]");
                    TransformError::OutOfRange { token }
                })?,
                None => 0,
            };
        }
        Ok(self)
    }

    /// The same for a source without wildcards: only what is about no token, or about all, has a meaning then.
    pub(super) fn of_literal(self, text: &str) -> Result<Self, TransformError> {
        match self {
            Self::Partition { shares, .. } => Ok(Self::Partition {
                shares,
                tokens: Box::default(),
            }),
            Self::Random { .. } => Ok(self),
            Self::Wildcard { .. } | Self::Split { .. } | Self::Cut { .. } => {
                let token = text.to_owned();
                Err(TransformError::OutOfRange { token })
            }
        }
    }

    fn tokens_mut(&mut self) -> &mut [usize] {
        match self {
            Self::Wildcard { token } | Self::Split { token, .. } | Self::Cut { token, .. } => {
                std::slice::from_mut(token)
            }
            Self::Partition { tokens, .. } => tokens,
            Self::Random { .. } => &mut [],
        }
    }

    /// How many tokens of the subject it looks at; all of them count as one.
    pub(super) fn tokens_named(&self) -> usize {
        match self {
            Self::Wildcard { .. } | Self::Split { .. } | Self::Cut { .. } => 1,
            Self::Partition { tokens, .. } => tokens.len().max(1),
            Self::Random { .. } => 0,
        }
    }

    /// The token that it repeats, if it does nothing else.
    pub(super) fn wildcard(&self) -> Option<usize> {
        match self {
            Self::Wildcard { token } => Some(*token),
            Self::Partition { .. } | Self::Split { .. } | Self::Cut { .. } | Self::Random { .. } => None,
        }
    }

    /// Whether it does not always make the same of a subject.
    pub(super) fn draws(&self) -> bool {
        // Of one value there is nothing to be drawn.
        matches!(self, Self::Random { below } if below.unsigned_abs() > 1)
    }

    /// Appends what it makes of a subject, which has these tokens.
    pub(super) fn append(&self, subject: &[u8], found: &[&[u8]], random: u32, out: &mut Vec<u8>) {
        let token = |at: usize| found.get(at).copied().unwrap_or_default();
        match self {
            Self::Wildcard { token: at } => out.extend_from_slice(token(*at)),
            Self::Partition { shares, tokens } => {
                let hash = match &**tokens {
                    [] => fnv_1a([subject]),
                    tokens => fnv_1a(tokens.iter().map(|at| token(*at))),
                };
                append_number(hash.checked_rem(*shares).unwrap_or(0), out);
            }
            Self::Split { token: at, separator } => append_split(token(*at), separator, out),
            Self::Cut {
                token: at,
                cut,
                length,
            } => append_cut(token(*at), *cut, *length, out),
            Self::Random { below } => {
                append_number((random >> 1).checked_rem(below.unsigned_abs()).unwrap_or(0), out);
            }
        }
    }
}

fn append_number(number: u32, out: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _ = write!(out, "{number}");
}

fn append_cut(token: &[u8], cut: Cut, length: i32, out: &mut Vec<u8>) {
    let length = match usize::try_from(length) {
        Ok(length @ 1..) if length < token.len() => length,
        _ => return out.extend_from_slice(token),
    };
    let (left, right) = (length, token.len() - length);
    match cut {
        Cut::SplitFromLeft => append_joined([&token[..left], &token[left..]], out),
        Cut::SplitFromRight => append_joined([&token[..right], &token[right..]], out),
        Cut::SliceFromLeft => append_joined(token.chunks(length), out),
        Cut::SliceFromRight => {
            let (first, others) = token.split_at(token.len() % length);
            let first = (!first.is_empty()).then_some(first);
            append_joined(first.into_iter().chain(others.chunks(length)), out);
        }
        Cut::Left => out.extend_from_slice(&token[..left]),
        Cut::Right => out.extend_from_slice(&token[right..]),
    }
}

fn append_joined<'a>(parts: impl IntoIterator<Item = &'a [u8]>, out: &mut Vec<u8>) {
    for (at, part) in parts.into_iter().enumerate() {
        if at > 0 {
            out.push(b'.');
        }
        out.extend_from_slice(part);
    }
}

/// Empty parts are left out; but what comes behind several separators at the start of the token has an empty token before
/// it, as in nats-server, and so reaches nobody.
fn append_split(token: &[u8], separator: &[u8], out: &mut Vec<u8>) {
    let mut first_is_empty = false;
    let mut number = 0;
    let mut append = |part: &[u8]| {
        first_is_empty |= number == 0 && part.is_empty();
        if !part.is_empty() {
            if number > usize::from(first_is_empty) {
                out.push(b'.');
            }
            out.extend_from_slice(part);
        }
        number += 1;
    };
    if separator.is_empty() {
        // Each character is a part.
        for chunk in token.utf8_chunks() {
            let mut room = [0; 4];
            for character in chunk.valid().chars() {
                append(character.encode_utf8(&mut room).as_bytes());
            }
            chunk.invalid().chunks(1).for_each(&mut append);
        }
        return;
    }
    let mut rest = token;
    while let Some(at) = memchr::memmem::find(rest, separator) {
        append(&rest[..at]);
        rest = &rest[at + separator.len()..];
    }
    append(rest);
}
