//! Secrets in documents: hidden on the way out, kept on the way back.

use crate::diff::MASK;
use crate::grammar::{Entry, Kind, Map, Value, end_of_value, is_secret, offset};
use std::collections::BTreeSet;
use thiserror::Error;

/// A mask was sent back where there is no secret that it could stand for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path}: {MASK:?} stands for a secret that is not to change, and there is none here")]
pub struct NothingToKeep {
    /// The keys that lead to it, with dots between them.
    pub path: String,
}

/// The document with a mask in place of every secret: what keys of secrets hold, what they got from variables, and
/// passwords within URLs.
pub fn masked(map: &Map) -> Map {
    let mut secrets = BTreeSet::new();
    collect(map, &mut secrets);
    mask_map(map, &secrets)
}

/// The text of a file that holds `map`, every secret in it masked; everything else is as it is written. None where
/// that cannot be done surely: then there is only the document to be shown.
pub fn masked_text(text: &str, file: &str, map: &Map) -> Option<String> {
    let mut secrets = BTreeSet::new();
    collect(map, &mut secrets);
    let mut spans = BTreeSet::new();
    spans_of(text, file, map, &secrets, &mut spans)?;
    let mut shown = String::new();
    let mut at = 0;
    for (start, end) in spans {
        shown.push_str(text.get(at..start)?);
        shown.push('"');
        shown.push_str(MASK);
        shown.push('"');
        at = end;
    }
    shown.push_str(text.get(at..)?);
    // A secret may also stand in a comment, or be set by an entry that a later one replaced.
    let leaks = secrets.iter().any(|secret| shown.contains(*secret));
    (!leaks).then_some(shown)
}

/// The document with the secrets of `old` in place of masks; None if it has no masks.
///
/// # Errors
/// When a mask stands where `old` has no secret.
pub fn restore(new: &Map, old: &Map) -> Result<Option<Map>, NothingToKeep> {
    let mut found = false;
    let map = restore_map(new, Some(old), "", &mut found)?;
    Ok(found.then_some(map))
}

/// The text of a file that was sent with masks, with the secrets of `tree` in their places; `read` reads a text as the
/// file is read.
///
/// # Errors
/// When a mask stands where its secret cannot be written in its place.
pub fn unmask_text(
    text: &str,
    file: &str,
    tree: &Map,
    read: impl Fn(&str) -> Option<Map>,
) -> Result<String, NothingToKeep> {
    let fault = || NothingToKeep {
        path: file.to_owned(),
    };
    let mut found = Vec::new();
    let sent = read(text).ok_or_else(fault)?;
    masks_of(text, file, &sent, tree, &mut found).ok_or_else(fault)?;
    found.sort_by_key(|(start, _, _)| std::cmp::Reverse(*start));
    let mut unmasked = text.to_owned();
    for (start, end, secret) in found {
        unmasked.replace_range(start..end, &super::render::value(&secret, 0));
    }
    let is_same = read(&unmasked).is_some_and(|found| found.to_json() == tree.to_json());
    if is_same { Ok(unmasked) } else { Err(fault()) }
}

/// Where values of `sent` differ from those of `tree`, which has the same keys.
fn masks_of(
    text: &str,
    file: &str,
    sent: &Map,
    tree: &Map,
    found: &mut Vec<(usize, usize, Kind)>,
) -> Option<()> {
    for (sent, wanted) in sent.entries().iter().zip(tree.entries()) {
        mask_of(text, file, &sent.value, &wanted.value, found)?;
    }
    Some(())
}

fn mask_of(
    text: &str,
    file: &str,
    sent: &Value,
    wanted: &Value,
    found: &mut Vec<(usize, usize, Kind)>,
) -> Option<()> {
    match (&sent.kind, &wanted.kind) {
        (Kind::Map(sent), Kind::Map(wanted)) => masks_of(text, file, sent, wanted, found),
        (Kind::Array(sent), Kind::Array(wanted)) => sent
            .iter()
            .zip(wanted)
            .try_for_each(|(sent, wanted)| mask_of(text, file, sent, wanted, found)),
        (Kind::Text(mask), Kind::Text(secret)) if mask != secret => {
            if &*sent.place.file != file {
                return None;
            }
            let start = offset(text, &sent.place)?;
            found.push((start, end_of_value(text, start)?, wanted.kind.clone()));
            Some(())
        }
        _ => Some(()),
    }
}

/// Whether what this key holds is not to be shown.
fn is_hidden(key: &str, text: &str) -> bool {
    // The key of a user is public, unless it is the private one by mistake.
    let is_public = key.eq_ignore_ascii_case("nkey") && !text.starts_with('S');
    is_secret(key) && !is_public && !text.is_empty()
}

fn collect<'m>(map: &'m Map, secrets: &mut BTreeSet<&'m str>) {
    for Entry { key, value, .. } in map.entries() {
        collect_value(key, &value.kind, secrets);
    }
}

fn collect_value<'m>(key: &str, kind: &'m Kind, secrets: &mut BTreeSet<&'m str>) {
    match kind {
        Kind::Text(text) if is_hidden(key, text) => {
            secrets.insert(text);
        }
        Kind::Text(text) => {
            if let Some((start, end)) = password_in_url(text) {
                secrets.insert(&text[start..end]);
            }
        }
        Kind::Array(values) => values
            .iter()
            .for_each(|value| collect_value(key, &value.kind, secrets)),
        Kind::Map(map) => collect(map, secrets),
        _ => {}
    }
}

fn mask_map(map: &Map, secrets: &BTreeSet<&str>) -> Map {
    let mut masked = Map::default();
    for entry in map.entries() {
        let mut entry = entry.clone();
        mask_value(&entry.key, entry.used, &mut entry.value.kind, secrets);
        masked.set(entry);
    }
    masked
}

fn mask_value(key: &str, used: bool, kind: &mut Kind, secrets: &BTreeSet<&str>) {
    match kind {
        Kind::Text(text) => {
            if is_hidden(key, text) || (used && secrets.contains(text.as_str())) {
                MASK.clone_into(text);
            } else if let Some((start, end)) = password_in_url(text) {
                text.replace_range(start..end, MASK);
            }
        }
        Kind::Array(values) => values
            .iter_mut()
            .for_each(|value| mask_value(key, used, &mut value.kind, secrets)),
        Kind::Map(map) => *map = mask_map(map, secrets),
        _ => {}
    }
}

/// Where the texts of a file hold secrets.
fn spans_of(
    text: &str,
    file: &str,
    map: &Map,
    secrets: &BTreeSet<&str>,
    spans: &mut BTreeSet<(usize, usize)>,
) -> Option<()> {
    for entry in map.entries() {
        span_of(text, file, entry, &entry.value, secrets, spans)?;
    }
    Some(())
}

fn span_of(
    text: &str,
    file: &str,
    entry: &Entry,
    value: &Value,
    secrets: &BTreeSet<&str>,
    spans: &mut BTreeSet<(usize, usize)>,
) -> Option<()> {
    if &*value.place.file != file {
        return Some(());
    }
    match &value.kind {
        Kind::Text(words) => {
            let hidden = is_hidden(&entry.key, words)
                || (entry.used && secrets.contains(words.as_str()))
                || password_in_url(words).is_some();
            if hidden {
                let start = offset(text, &value.place)?;
                // The name of a variable is no secret.
                if !text.get(start..)?.starts_with('$') {
                    spans.insert((start, end_of_value(text, start)?));
                }
            }
            Some(())
        }
        Kind::Array(values) => values
            .iter()
            .try_for_each(|value| span_of(text, file, entry, value, secrets, spans)),
        Kind::Map(map) => spans_of(text, file, map, secrets, spans),
        _ => Some(()),
    }
}

/// Where the password is in `scheme://user:password@host`.
fn password_in_url(text: &str) -> Option<(usize, usize)> {
    let login = text.find("://")? + 3;
    let authority = &text[login..];
    let authority = &authority[..authority.find(['/', '?', '#']).unwrap_or(authority.len())];
    let end = authority.rfind('@')?;
    let colon = authority[..end].find(':')?;
    (colon + 1 < end).then_some((login + colon + 1, login + end))
}

fn restore_map(new: &Map, old: Option<&Map>, path: &str, found: &mut bool) -> Result<Map, NothingToKeep> {
    let mut restored = Map::default();
    for entry in new.entries() {
        let mut entry = entry.clone();
        let path = if path.is_empty() {
            entry.key.clone()
        } else {
            format!("{path}.{}", entry.key)
        };
        let known = old
            .and_then(|old| old.find(&entry.key))
            .map(|entry| &entry.value.kind);
        entry.value.kind = restore_value(&entry.value.kind, known, &path, found)?;
        restored.set(entry);
    }
    Ok(restored)
}

fn restore_value(
    new: &Kind,
    old: Option<&Kind>,
    path: &str,
    found: &mut bool,
) -> Result<Kind, NothingToKeep> {
    let nothing = || NothingToKeep {
        path: path.to_owned(),
    };
    match new {
        Kind::Text(text) if text.contains(MASK) => {
            *found = true;
            match old {
                Some(Kind::Text(known)) if text == MASK && !known.is_empty() => Ok(Kind::Text(known.clone())),
                Some(Kind::Text(known)) if masked_url(known).as_ref() == Some(text) => {
                    Ok(Kind::Text(known.clone()))
                }
                _ => Err(nothing()),
            }
        }
        Kind::Map(map) => {
            let old = match old {
                Some(Kind::Map(old)) => Some(old),
                _ => None,
            };
            restore_map(map, old, path, found).map(Kind::Map)
        }
        Kind::Array(values) => {
            let old: &[Value] = match old {
                Some(Kind::Array(old)) => old,
                _ => &[],
            };
            let restore = |(number, value): (usize, &Value)| {
                let path = format!("{path}[{number}]");
                let known = counterpart(&value.kind, old);
                let kind = restore_value(&value.kind, known, &path, found)?;
                Ok(Value {
                    kind,
                    place: value.place.clone(),
                    variable: value.variable.clone(),
                })
            };
            let values: Result<_, _> = values.iter().enumerate().map(restore).collect();
            values.map(Kind::Array)
        }
        other => Ok(other.clone()),
    }
}

fn masked_url(text: &str) -> Option<String> {
    let (start, end) = password_in_url(text)?;
    let mut masked = text.to_owned();
    masked.replace_range(start..end, MASK);
    Some(masked)
}

/// The value of an array that is about the same: a map of the same name, or a URL that is the same but for its
/// password. Never merely the one at the same place, lest somebody gets the password of somebody else.
fn counterpart<'v>(new: &Kind, old: &'v [Value]) -> Option<&'v Kind> {
    let mut kinds = old.iter().map(|value| &value.kind);
    match new {
        Kind::Map(map) => {
            let name = name_of(map)?;
            kinds.find(|kind| matches!(kind, Kind::Map(other) if name_of(other) == Some(name)))
        }
        Kind::Text(text) => {
            kinds.find(|kind| matches!(kind, Kind::Text(known) if masked_url(known).as_ref() == Some(text)))
        }
        _ => None,
    }
}

/// What tells a map in an array from the others.
fn name_of(map: &Map) -> Option<&str> {
    ["user", "username", "nkey", "name"]
        .into_iter()
        .find_map(|key| match &map.find(key)?.value.kind {
            Kind::Text(text) => Some(text.as_str()),
            _ => None,
        })
}
