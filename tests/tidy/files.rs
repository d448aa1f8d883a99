//! Files are short, finished, and named after what is in them.

use crate::metadata::root;
use std::fs;
use std::path::{Path, PathBuf};

const LINES_AT_MOST: usize = 600;

/// Names that say nothing.
const NAMELESS: [&str; 6] = ["common", "util", "utils", "helpers", "manager", "misc"];

/// A Rust file of ours.
pub(crate) struct Source {
    /// Below the root.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// All of them.
pub(crate) fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    collect(root(), &mut sources);
    assert!(sources.len() > 100, "only {} files were found", sources.len());
    sources
}

fn collect(folder: &Path, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                collect(&path, sources);
            }
        } else if name.ends_with(".rs") {
            sources.push(Source {
                path: path.strip_prefix(root()).unwrap().to_owned(),
                text: fs::read_to_string(&path).unwrap(),
            });
        }
    }
}

#[test]
fn none_is_long() {
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(
            lines <= LINES_AT_MOST,
            "{} has {lines} lines: split it",
            source.path.display()
        );
    }
}

#[test]
fn none_is_unfinished() {
    // In pieces, as this file is one of those that are looked at.
    let marks = [
        concat!("to", "do!("),
        concat!("to", "do!["),
        concat!("unimple", "mented!("),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("TO", "DO"),
    ];
    for source in sources() {
        for (number, line) in source.text.lines().enumerate() {
            let mark = marks.iter().find(|mark| line.contains(**mark));
            assert_eq!(mark, None, "{}:{}", source.path.display(), number + 1);
        }
    }
}

#[test]
fn none_is_named_after_nothing() {
    for source in sources() {
        for part in source.path.with_extension("").iter() {
            let part = part.to_str().unwrap();
            assert!(
                !NAMELESS.contains(&part),
                "{} says nothing",
                source.path.display()
            );
        }
    }
}

/// A module of several files is `name.rs` beside `name/`; the tests of a file that are too long for it are in there. So
/// where a module is follows from what it is called.
#[test]
fn all_are_where_their_modules_are() {
    let mark = concat!("#[pa", "th");
    for source in sources() {
        let path = source.path.display();
        assert!(!source.path.ends_with("mod.rs"), "{path} is named after nothing");
        assert!(!source.text.contains(mark), "{path} says where a module is");
    }
}

/// No test is left out, and none passes by failing.
#[test]
fn no_test_is_ignored() {
    let marks = [concat!("#[ig", "nore"), concat!("#[should_", "panic")];
    for source in sources() {
        let mark = marks.iter().find(|mark| source.text.contains(**mark));
        assert_eq!(mark, None, "{}", source.path.display());
    }
}
