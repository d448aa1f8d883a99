//! Every package is a full member: built, tested and linted with the others.

use crate::metadata::Workspace;
use std::fs;

#[test]
fn all_members_are_built_by_default() {
    let workspace = Workspace::load();
    let members = workspace.listed("workspace_members");
    assert!(members.len() >= 8);
    assert_eq!(workspace.listed("workspace_default_members"), members);
}

#[test]
fn all_members_have_the_workspace_lints() {
    for member in Workspace::load().members() {
        let manifest = fs::read_to_string(member.manifest()).unwrap();
        assert!(
            manifest.contains("\n[lints]\nworkspace = true\n"),
            "{} does not inherit the lints",
            member.manifest().display()
        );
    }
}

/// Versions, editions and licenses are said once.
#[test]
fn all_members_share_what_is_said_of_them() {
    for member in Workspace::load().members() {
        let manifest = fs::read_to_string(member.manifest()).unwrap();
        for field in ["version", "edition", "rust-version", "license", "publish"] {
            assert!(
                manifest.contains(&format!("\n{field}.workspace = true\n")),
                "{} says its own {field}",
                member.manifest().display()
            );
        }
    }
}

/// The first thing a library, a program or a test says is what it is.
#[test]
fn every_crate_begins_with_what_it_is() {
    let mut files = 0;
    for member in Workspace::load().members() {
        for file in member.main_files() {
            let text = fs::read_to_string(file).unwrap();
            assert!(text.starts_with("//! "), "{file} does not begin with //!");
            files += 1;
        }
    }
    assert!(files > 15, "only {files} were found");
}
