//! Paths of included files.

use std::path::{Component, Path, PathBuf};

/// `name` below `folder`, also when it begins with a slash, without `.` and without `..` where possible:
/// the path that nats-server would open, and name in errors.
pub(super) fn below(folder: &Path, name: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for part in folder
        .components()
        .chain(Path::new(name).components().filter(is_relative))
    {
        match part {
            Component::CurDir => {}
            Component::ParentDir if path.file_name().is_some() => {
                path.pop();
            }
            Component::ParentDir if path.has_root() => {}
            other => path.push(other),
        }
    }
    path
}

fn is_relative(part: &Component<'_>) -> bool {
    !matches!(part, Component::RootDir | Component::Prefix(_))
}

#[cfg(test)]
mod tests {
    use super::below;
    use std::path::Path;

    #[test]
    fn paths_as_nats_server_joins_them() {
        for (folder, name, expected) in [
            ("", "a.conf", "a.conf"),
            ("", "./a.conf", "a.conf"),
            (".", "sub/./a.conf", "sub/a.conf"),
            ("/etc", "./a.conf", "/etc/a.conf"),
            ("/etc", "/a.conf", "/etc/a.conf"),
            ("/etc/nats", "../a.conf", "/etc/a.conf"),
            ("/etc", "../../a.conf", "/a.conf"),
            ("etc", "../../a.conf", "../a.conf"),
            ("..", "../a.conf", "../../a.conf"),
        ] {
            assert_eq!(
                below(Path::new(folder), name),
                Path::new(expected),
                "{folder} {name}"
            );
        }
    }
}
