//! What cargo knows of the workspace.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace, as `cargo metadata` tells it.
pub(crate) struct Workspace {
    metadata: Value,
}

/// A package of the workspace.
pub(crate) struct Member<'a> {
    /// Its folder below the root; empty for the root package.
    pub(crate) folder: String,
    package: &'a Value,
}

fn cargo_metadata(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline"])
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata: {errors}");
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field} in {value}"))
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field]
        .as_array()
        .unwrap_or_else(|| panic!("no {field} in {value}"))
}

impl Workspace {
    /// The packages of the workspace alone.
    pub(crate) fn load() -> Self {
        Self {
            metadata: cargo_metadata(&["--no-deps"]),
        }
    }

    pub(crate) fn members(&self) -> Vec<Member<'_>> {
        let member = |package| {
            let manifest = Path::new(text(package, "manifest_path"));
            let folder = manifest.parent().unwrap().strip_prefix(root()).unwrap();
            Member {
                folder: folder.to_str().unwrap().to_owned(),
                package,
            }
        };
        list(&self.metadata, "packages").iter().map(member).collect()
    }

    /// The ids of the packages that a field of the metadata lists.
    pub(crate) fn listed(&self, field: &str) -> BTreeSet<&str> {
        list(&self.metadata, field)
            .iter()
            .map(|id| id.as_str().unwrap())
            .collect()
    }
}

impl Member<'_> {
    pub(crate) fn manifest(&self) -> PathBuf {
        root().join(&self.folder).join("Cargo.toml")
    }

    /// The folders of the workspace's packages that it depends on, of one kind: `None` for what it is built
    /// from, else "dev" or "build".
    pub(crate) fn uses(&self, kind: Option<&str>) -> Vec<String> {
        let dependencies = list(self.package, "dependencies").iter();
        dependencies
            .filter(|dependency| dependency["kind"].as_str() == kind)
            .filter_map(|dependency| dependency["path"].as_str())
            .map(|path| {
                Path::new(path)
                    .strip_prefix(root())
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    }

    /// The names of everything it depends on directly, to be built.
    pub(crate) fn dependencies(&self) -> Vec<&str> {
        let dependencies = list(self.package, "dependencies").iter();
        dependencies
            .filter(|dependency| dependency["kind"].as_str() != Some("dev"))
            .map(|dependency| text(dependency, "name"))
            .collect()
    }

    /// The main source files: of its library, its programs and its integration tests.
    pub(crate) fn main_files(&self) -> Vec<&str> {
        list(self.package, "targets")
            .iter()
            .map(|target| text(target, "src_path"))
            .collect()
    }
}

/// By package of the workspace: the names of everything it is built from, directly or not, on this platform.
pub(crate) fn built_from() -> BTreeMap<String, BTreeSet<String>> {
    let version = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("rustc tells its host");
    let metadata = cargo_metadata(&["--filter-platform", host]);
    let packages = list(&metadata, "packages").iter();
    let names: BTreeMap<&str, &str> = packages
        .map(|package| (text(package, "id"), text(package, "name")))
        .collect();
    let nodes: BTreeMap<&str, &Value> = list(&metadata["resolve"], "nodes")
        .iter()
        .map(|node| (text(node, "id"), node))
        .collect();
    let members = list(&metadata, "workspace_members")
        .iter()
        .map(|id| id.as_str().unwrap());
    let closure = |member| {
        let (mut found, mut open) = (BTreeSet::new(), vec![member]);
        while let Some(id) = open.pop() {
            for dependency in list(nodes[id], "deps") {
                let built = list(dependency, "dep_kinds")
                    .iter()
                    .any(|kind| kind["kind"].is_null());
                let dependency = text(dependency, "pkg");
                if built && found.insert(names[dependency].to_owned()) {
                    open.push(dependency);
                }
            }
        }
        (names[member].to_owned(), found)
    };
    members.map(closure).collect()
}
