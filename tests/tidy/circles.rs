//! The modules of a crate have an order: none uses another that uses it, directly or not.

use crate::files::{Source, sources};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Which top-level modules each of them uses.
type Uses = BTreeMap<String, BTreeSet<String>>;

/// The crates of which this is checked, by their folders.
const CHECKED: [&str; 2] = ["actors", "delivery"];

/// A file without its tests, which may use whatever they need, and without what is said about the code.
fn code_of(text: &str) -> String {
    let before_tests = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    before_tests
        .lines()
        .filter(is_code)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The names that follow `crate::`, those in braces included.
fn names_used(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for path in text.split("crate::").skip(1) {
        match path.strip_prefix('{') {
            Some(several) => names.extend(names_in_braces(several)),
            None => names.extend(first_name(path)),
        }
    }
    names
}

fn first_name(path: &str) -> Option<String> {
    let end = path.find(|letter: char| letter != '_' && !letter.is_ascii_alphanumeric());
    let name = &path[..end.unwrap_or(path.len())];
    (!name.is_empty()).then(|| name.to_owned())
}

/// The first name of each path up to the brace that closes.
fn names_in_braces(paths: &str) -> Vec<String> {
    let (mut depth, mut start, mut names) = (1, 0, Vec::new());
    for (place, letter) in paths.char_indices() {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        if depth == 0 || (depth == 1 && letter == ',') {
            names.extend(first_name(paths[start..place].trim_start()));
            start = place + 1;
        }
        if depth == 0 {
            break;
        }
    }
    names
}

/// The top-level module that a file below `src` is part of.
fn module_of(file: &Path) -> String {
    let first = file.iter().next().unwrap_or_default();
    let first = Path::new(first).with_extension("");
    first.to_str().unwrap_or_default().to_owned()
}

fn uses_of(sources: &[Source], folder: &str) -> Uses {
    let files: Vec<(&Path, &Source)> = sources
        .iter()
        .filter_map(|source| {
            Some((
                source.path.strip_prefix(folder).ok()?.strip_prefix("src").ok()?,
                source,
            ))
        })
        .filter(|(file, _)| *file != Path::new("lib.rs"))
        .filter(|(file, _)| !file.with_extension("").iter().any(|part| part == "tests"))
        .collect();
    let modules: BTreeSet<String> = files.iter().map(|(file, _)| module_of(file)).collect();
    let mut uses = Uses::new();
    for (file, source) in files {
        let path = source.path.display();
        let text = code_of(&source.text);
        let above = "super::".repeat(file.iter().count());
        assert!(
            !text.contains(&above),
            "{path} goes above its module: say `crate::`"
        );
        let module = module_of(file);
        let used = uses.entry(module.clone()).or_default();
        for name in names_used(&text) {
            assert!(
                modules.contains(&name),
                "{path} uses crate::{name}, which hides the module that it is from"
            );
            if name != module {
                used.insert(name);
            }
        }
    }
    uses
}

/// A way from a module back to itself, if there is one.
fn circle(uses: &Uses) -> Option<Vec<&str>> {
    let mut done = BTreeSet::new();
    uses.keys()
        .find_map(|module| circle_through(uses, module, &mut Vec::new(), &mut done))
}

fn circle_through<'a>(
    uses: &'a Uses,
    module: &'a str,
    way: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
) -> Option<Vec<&'a str>> {
    if let Some(place) = way.iter().position(|before| *before == module) {
        return Some([&way[place..], &[module]].concat());
    }
    if !done.insert(module) {
        return None;
    }
    way.push(module);
    let found = uses
        .get(module)
        .into_iter()
        .flatten()
        .find_map(|used| circle_through(uses, used, way, done));
    way.pop();
    found
}

#[test]
fn there_are_none() {
    let sources = sources();
    for folder in CHECKED {
        let uses = uses_of(&sources, folder);
        let arrows: usize = uses.values().map(BTreeSet::len).sum();
        assert!(arrows > 10, "only {arrows} arrows were found in {folder}");
        if let Some(circle) = circle(&uses) {
            panic!("{folder} has a circle: {}", circle.join(" → "));
        }
    }
}

#[test]
fn are_found() {
    let uses = |arrows: &[(&str, &str)]| {
        let mut uses = Uses::new();
        for (module, used) in arrows {
            uses.entry((*module).to_owned())
                .or_default()
                .insert((*used).to_owned());
        }
        uses
    };
    let found = |arrows: &[(&str, &str)]| circle(&uses(arrows)).map(|circle| circle.join(" "));
    assert_eq!(found(&[("a", "b"), ("a", "c"), ("b", "c")]), None);
    assert_eq!(found(&[("a", "b"), ("b", "a")]), Some("a b a".to_owned()));
    assert_eq!(
        found(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "b")]),
        Some("b c d b".to_owned())
    );
}

#[test]
fn uses_are_read() {
    let text = "use crate::outbox::{Outbox, Slots};\n\
                use crate::{interest, wire::{Wire, READ_SIZE}, live::Live};\n\
                /// Of a [`crate::router::Router`].\n\
                fn some() -> crate::moment::Moment {}\n\
                #[cfg(test)]\nmod tests { use crate::other; }";
    let names = names_used(&code_of(text)).into_iter();
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["interest", "live", "moment", "outbox", "wire"]
    );
}
