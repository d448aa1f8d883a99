//! Subjects made of other subjects.
//!
//! A transform has a source, which is a pattern, and a destination: text in which some tokens are functions of what the
//! wildcards of the source matched. `orders.*.*` to `by-customer.$2.{{partition(8,1)}}` makes `by-customer.bob.3` of
//! `orders.17.bob`.

mod error;
mod function;

pub use self::error::TransformError;

use self::function::{Function, WORDS};
use crate::subject::{is_valid_subscription, token_count, tokens};
use smallvec::SmallVec;

/// So many tokens of a subject one destination may name: what one message costs is bounded by it.
pub const TOKENS_NAMED_AT_MOST: usize = 256;

/// How subjects that match a source become others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transform {
    source: Box<str>,
    destination: Box<str>,
    pieces: Box<[Piece]>,
    /// How many tokens the source has.
    source_tokens: usize,
    /// How many tokens of a subject its functions look at.
    tokens_named: usize,
    draws: bool,
}

/// What stands for a token in the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(Box<[u8]>),
    Function(Function),
    /// `>`: what that of the source matched.
    Rest,
}

impl Transform {
    /// The transform of what matches `source` to `destination`. An empty source matches everything.
    ///
    /// # Errors
    /// In nats-server's words: where one of the two is not a subject, only one of them ends in `>`, a function is not
    /// known or has the wrong arguments, or names a wildcard that there is not.
    pub fn new(source: &str, destination: &str) -> Result<Self, TransformError> {
        let source = if source.is_empty() { ">" } else { source };
        if !is_pattern(source) || destination.is_empty() {
            return Err(TransformError::InvalidSubject);
        }
        check_tokens(destination)?;
        let ends_in_rest = |text: &str| text == ">" || text.ends_with(".>");
        let has_star = destination.split('.').any(|token| token == "*");
        if has_star || ends_in_rest(source) != ends_in_rest(destination) {
            return Err(TransformError::InvalidSubject);
        }
        let wildcards: SmallVec<[usize; 16]> = (source.split('.').enumerate())
            .filter_map(|(at, token)| (token == "*").then_some(at))
            .collect();
        let is_literal = wildcards.is_empty() && !ends_in_rest(source);
        let pieces: Box<[Piece]> = destination
            .split('.')
            .map(|token| {
                let piece = match Function::read(token)? {
                    Some(function) if is_literal => Piece::Function(function.of_literal(token)?),
                    Some(function) => Piece::Function(function.placed(token, &wildcards)?),
                    None if token == ">" => Piece::Rest,
                    None => Piece::Text(token.as_bytes().into()),
                };
                Ok(piece)
            })
            .collect::<Result<_, TransformError>>()?;
        let tokens_named: usize = functions(&pieces).map(Function::tokens_named).sum();
        if tokens_named > TOKENS_NAMED_AT_MOST {
            return Err(TransformError::TooManyArguments {
                token: destination.to_owned(),
            });
        }
        let draws = functions(&pieces).any(Function::draws);
        Ok(Self {
            draws,
            tokens_named,
            source_tokens: token_count(source.as_bytes()),
            source: source.into(),
            destination: destination.into(),
            pieces,
        })
    }

    /// A transform for an import, which has to be one that can be [turned round](Self::reversed): that of
    /// [`Transform::new`], if its destination has as many wildcards as the source and no other function.
    ///
    /// # Errors
    /// As [`Transform::new`], and for other destinations.
    pub fn reversible(source: &str, destination: &str) -> Result<Self, TransformError> {
        let transform = Self::new(source, destination)?;
        let other = (destination.split('.').zip(&transform.pieces))
            .find(|(_, piece)| matches!(piece, Piece::Function(function) if function.wildcard().is_none()));
        if let Some((token, _)) = other {
            let token = token.to_owned();
            return Err(TransformError::NotForImports { token });
        }
        let wildcards = tokens(transform.source.as_bytes()).filter(|token| *token == b"*");
        if functions(&transform.pieces).count() < wildcards.count() {
            let token = destination.to_owned();
            return Err(TransformError::NotAllWildcards { token });
        }
        Ok(transform)
    }

    /// The transform of what matches `pattern` to itself.
    ///
    /// # Errors
    /// If it is no valid subject.
    pub fn identity(pattern: &str) -> Result<Self, TransformError> {
        Self::new(pattern, &with_places(pattern))
    }

    /// The pattern that it is for.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it makes of that, as it was written.
    pub fn destination(&self) -> &str {
        &self.destination
    }

    /// The pattern that all it makes of subjects matches, if each function makes one token of one, as those of
    /// [reversible](Self::reversible) ones do.
    pub fn destination_pattern(&self) -> String {
        let tokens: Vec<&str> = (self.destination.split('.').zip(&self.pieces))
            .map(|(token, piece)| match piece {
                Piece::Function(_) => "*",
                Piece::Text(_) | Piece::Rest => token,
            })
            .collect();
        tokens.join(".")
    }

    /// Whether what it makes of a subject is not always the same.
    pub fn draws(&self) -> bool {
        self.draws
    }

    /// What applying it to a subject of so many bytes is, in units of about a short copy.
    pub fn work(&self, subject: usize) -> usize {
        self.pieces.len() / 8 + (self.tokens_named * subject) / 64
    }

    /// Appends what becomes of `subject`, which matches the source, to `out`. What is to be drawn comes from `random`.
    pub fn append(&self, subject: &[u8], random: u32, out: &mut Vec<u8>) {
        let found: SmallVec<[&[u8]; 16]> = tokens(subject).collect();
        for (at, piece) in self.pieces.iter().enumerate() {
            if at > 0 {
                out.push(b'.');
            }
            match piece {
                Piece::Text(text) => out.extend_from_slice(text),
                Piece::Function(function) => function.append(subject, &found, random, out),
                Piece::Rest => {
                    let rest = found.get(self.source_tokens - 1..).unwrap_or_default();
                    for (at, token) in rest.iter().enumerate() {
                        if at > 0 {
                            out.push(b'.');
                        }
                        out.extend_from_slice(token);
                    }
                }
            }
        }
    }

    /// The transform that makes of what this one has made what it was; None if that cannot be told.
    pub fn reversed(&self) -> Option<Self> {
        // Which wildcard of the reversed source each token of ours becomes: the first that names it.
        let mut places: Vec<Option<usize>> = vec![None; self.source_tokens];
        for (number, function) in functions(&self.pieces).enumerate() {
            places.get_mut(function.wildcard()?)?.get_or_insert(number + 1);
        }
        let destination: Option<Vec<String>> = (self.source.split('.').zip(places))
            .map(|(token, place)| match place {
                Some(number) => Some(format!("${number}")),
                None if token == "*" => None,
                None => Some(token.to_owned()),
            })
            .collect();
        Self::new(&self.destination_pattern(), &destination?.join(".")).ok()
    }
}

/// A destination that is `pattern` again: each `*` becomes the place of what it matched.
fn with_places(pattern: &str) -> String {
    let mut wildcards = 0;
    let tokens: Vec<String> = pattern
        .split('.')
        .map(|token| {
            if token != "*" {
                return token.to_owned();
            }
            wildcards += 1;
            format!("${wildcards}")
        })
        .collect();
    tokens.join(".")
}

fn functions(pieces: &[Piece]) -> impl Iterator<Item = &Function> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Function(function) => Some(function),
        Piece::Text(_) | Piece::Rest => None,
    })
}

fn is_pattern(text: &str) -> bool {
    is_valid_subscription(text.as_bytes())
}

/// No token is empty, has white space outside of a function, or follows `>`; what looks like a function is one.
fn check_tokens(destination: &str) -> Result<(), TransformError> {
    let mut is_over = false;
    for token in destination.split('.') {
        if token.is_empty() || is_over {
            let token = token.to_owned();
            return Err(TransformError::InvalidToken { token });
        }
        if let Some(call) = function::inside(token) {
            if !WORDS.iter().any(|word| word.is_called_by(call)) {
                let token = token.to_owned();
                return Err(TransformError::UnknownFunction { token });
            }
        } else if token.contains(['\t', '\n', '\x0c', '\r', ' ']) {
            let token = String::new();
            return Err(TransformError::InvalidToken { token });
        }
        is_over = token == ">";
    }
    Ok(())
}

#[cfg(test)]
mod tests;
