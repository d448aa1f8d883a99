//! A change of single keys in the text of a file, which leaves everything else as it is written.
//!
//! Whatever is cut and pasted here, the new text is read again and has to hold exactly what was asked for; if it does
//! not, the file is not changed.

use super::patch::Patch;
use super::render;
use crate::grammar::{Entry, Kind, Map, end_of_value, offset};
use thiserror::Error;

/// The text cannot be changed in this place without changing more than was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the file cannot be changed for {path} alone: {reason}")]
pub struct Uneditable {
    /// The keys that lead to it, with dots between them.
    pub path: String,
    /// Why.
    pub reason: &'static str,
}

/// The text of `file`, which holds `map`, with a patch made to it. `read` reads a text as the file is read.
///
/// # Errors
/// When a key stands in another file, or for a variable, or the text is written so that it cannot be done.
pub fn edit(
    text: &str,
    file: &str,
    map: &Map,
    patch: &Patch,
    read: impl Fn(&str) -> Option<Map>,
) -> Result<String, Uneditable> {
    let mut edits = Vec::new();
    let Patch::Merge(patches) = patch else {
        return Err(fault("", "a patch is a map"));
    };
    collect(text, file, map, patches, "", 0, &mut edits)?;
    // From the end, so that places before stay where they are.
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.start));
    let mut edited = text.to_owned();
    for Edit { start, end, new } in edits {
        edited.replace_range(start..end, &new);
    }
    let wanted = patch.applied_to(map);
    match read(&edited) {
        Some(found) if found.to_json() == wanted.to_json() => Ok(edited),
        _ => Err(fault("these keys", "of the way it is written")),
    }
}

struct Edit {
    start: usize,
    end: usize,
    new: String,
}

fn fault(path: &str, reason: &'static str) -> Uneditable {
    Uneditable {
        path: path.to_owned(),
        reason,
    }
}

fn collect(
    text: &str,
    file: &str,
    map: &Map,
    patches: &[(String, Patch)],
    path: &str,
    depth: usize,
    edits: &mut Vec<Edit>,
) -> Result<(), Uneditable> {
    let mut added = String::new();
    for (key, patch) in patches {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        let Some(entry) = map.find(key) else {
            let alone = Patch::Merge(vec![(key.clone(), patch.clone())]).applied_to(&Map::default());
            for entry in alone.entries() {
                added.push('\n');
                added.push_str(&"  ".repeat(depth));
                added.push_str(&render::entry(&entry.key, &entry.value.kind, depth));
            }
            continue;
        };
        change(text, file, entry, patch, &path, depth, edits)?;
    }
    if added.is_empty() {
        return Ok(());
    }
    if depth == 0 {
        let is_ended = text.is_empty() || text.ends_with('\n');
        let new = if is_ended { &added[1..] } else { &added };
        edits.push(Edit {
            start: text.len(),
            end: text.len(),
            new: format!("{new}\n"),
        });
        return Ok(());
    }
    // Behind the opening brace of the map, which is where its value begins: `change` puts it there.
    edits.push(Edit {
        start: usize::MAX,
        end: usize::MAX,
        new: format!("{added}\n"),
    });
    Ok(())
}

fn change(
    text: &str,
    file: &str,
    entry: &Entry,
    patch: &Patch,
    path: &str,
    depth: usize,
    edits: &mut Vec<Edit>,
) -> Result<(), Uneditable> {
    let lost = || fault(path, "of the way it is written");
    if &*entry.value.place.file != file {
        return Err(fault(path, "it stands in an included file"));
    }
    let start = offset(text, &entry.value.place).ok_or_else(lost)?;
    let end = end_of_value(text, start).ok_or_else(lost)?;
    if text[start..].starts_with('$') {
        return Err(fault(path, "it stands for a variable"));
    }
    match (patch, &entry.value.kind) {
        (Patch::Merge(patches), Kind::Map(map)) if text[start..].starts_with('{') => {
            let first = edits.len();
            collect(text, file, map, patches, path, depth + 1, edits)?;
            for edit in &mut edits[first..] {
                if edit.start == usize::MAX {
                    (edit.start, edit.end) = (start + 1, start + 1);
                }
            }
            Ok(())
        }
        (Patch::Remove, _) => {
            let key = offset(text, &entry.place).ok_or_else(lost)?;
            // The quote of a key stands before its place.
            let key = match text[..key].chars().next_back() {
                Some('"' | '\'') => key - 1,
                _ => key,
            };
            let behind = text[end..].len() - text[end..].trim_start_matches([' ', '\t', ',', ';']).len();
            edits.push(Edit {
                start: key,
                end: end + behind,
                new: String::new(),
            });
            Ok(())
        }
        (patch, _) => {
            let alone = Patch::Merge(vec![(entry.key.clone(), patch.clone())]).applied_to(&Map::default());
            let new = alone.entries().first().ok_or_else(lost)?;
            edits.push(Edit {
                start,
                end,
                new: render::value(&new.value.kind, depth),
            });
            Ok(())
        }
    }
}
