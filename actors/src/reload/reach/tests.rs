use super::{Confines, real};
use crate::reload::{ReloadError, Source};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use vagus_configs::grammar::{self, Environment, Files};
use vagus_configs::{Config, Loaded};

struct World {
    root: PathBuf,
    file: PathBuf,
}

impl World {
    /// A folder with a configuration, and something beside it that is not to be seen.
    fn new(name: &str, text: &str) -> Self {
        let root = std::env::temp_dir().join(format!("vagus-reach-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("conf/sub")).unwrap();
        fs::create_dir_all(root.join("elsewhere")).unwrap();
        fs::write(root.join("elsewhere/passwd"), "root:x:0\n").unwrap();
        fs::write(root.join("conf/inner.conf"), "hidden_word here\n").unwrap();
        let file = root.join("conf/a.conf");
        fs::write(&file, text).unwrap();
        Self { root, file }
    }

    fn confines(&self) -> Confines {
        Confines::of(self, &Config::default())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

// Sources are sent to other threads; paths can be.
impl Source for World {
    fn file(&self) -> Option<&Path> {
        Some(&self.file)
    }

    fn lay_over(&self, loaded: Loaded) -> Result<(Config, Vec<String>), String> {
        Ok((loaded.config, Vec::new()))
    }

    fn write(&mut self, _: &str) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn files_are_in_the_folder_or_known() {
    let mut world = World::new("files", "");
    let known = world.path("elsewhere/known.log");
    fs::write(&world.file, format!("log_file: '{}'\n", known.display())).unwrap();
    symlink(world.path("elsewhere"), world.path("conf/link")).unwrap();
    symlink(world.path("elsewhere/new"), world.path("conf/dangling")).unwrap();
    let confines = world.confines();
    for (path, taken) in [
        ("conf/inner.conf", true),
        ("conf/new.log", true),
        ("conf/sub/../new.log", true),
        ("conf/sub/new.log", true),
        ("elsewhere/known.log", true),
        ("elsewhere/passwd", false),
        ("elsewhere/new.log", false),
        ("conf/../elsewhere/passwd", false),
        ("conf/link/passwd", false),
        ("conf/link/new.log", false),
        ("conf/link", false),
        ("conf/dangling", false),
        ("conf/nowhere/new.log", true),
        ("conf/nowhere/../../elsewhere/new.log", false),
        ("conf/dangling/new.log", false),
        ("conf2/new.log", false),
    ] {
        assert_eq!(confines.takes(&world.path(path)), taken, "{path}");
    }
    let wanted = |path: &str| Config {
        pid_file: Some(world.path(path)),
        ..Config::default()
    };
    confines.check(&wanted("conf/pid")).unwrap();
    confines.check(&wanted("elsewhere/known.log")).unwrap();
    for path in ["elsewhere/pid", "conf/a.conf"] {
        let error = confines.check(&wanted(path)).unwrap_err();
        assert!(matches!(error, ReloadError::OutOfReach(_)), "{path}: {error}");
    }
    world.file = world.path("conf/none.conf");
    assert!(world.confines().takes(&world.path("conf/new.log")));
}

#[test]
fn nothing_of_a_file_is_told() {
    let world = World::new("told", "");
    symlink(world.path("elsewhere"), world.path("conf/link")).unwrap();
    let confines = world.confines();
    let read = |text: &str| {
        let tree = grammar::parse(text, &world.file, &confines, &confines)
            .map_err(|error| confines.tell_syntax(&error))?;
        let loaded = vagus_configs::skim(tree).map_err(|error| confines.tell(&error))?;
        Ok::<_, String>(loaded.config)
    };
    for (text, told) in [
        ("include inner.conf", "this included file cannot be used"),
        (
            "include ../elsewhere/passwd",
            "not in the folder of the configuration",
        ),
        (
            "include ../elsewhere/none",
            "not in the folder of the configuration",
        ),
        ("include link/passwd", "not in the folder of the configuration"),
        ("include none.conf", "entity not found"),
        ("own_word: 1", "own_word"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains(told), "{text}: {error}");
        assert!(!error.contains("hidden") && !error.contains("root"), "{error}");
    }
}

#[test]
fn variables_are_those_of_the_file() {
    let world = World::new("variables", "server_name: $CARGO_MANIFEST_DIR\n");
    let confines = world.confines();
    assert!(confines.get("CARGO_MANIFEST_DIR").is_some());
    assert_eq!(confines.get("PATH"), None);
}

#[test]
fn lockouts_are_refused() {
    let world = World::new("lockouts", "");
    let mut config = Config::default();
    config.limits.max_control_line = 1;
    let error = world.confines().check(&config).unwrap_err();
    assert!(error.to_string().starts_with("max_control_line"), "{error}");
}

#[test]
fn files_that_are_known_may_be_included() {
    let world = World::new("included", "include ../elsewhere/passwd.conf\n");
    fs::write(world.path("elsewhere/passwd.conf"), "max_payload: 10\n").unwrap();
    assert_eq!(
        world
            .confines()
            .read(&world.path("elsewhere/passwd.conf"))
            .unwrap(),
        "max_payload: 10\n"
    );
    assert_eq!(real(Path::new("/")), Some("/".into()));
}
