//! `vagus backup` and `vagus restore`: streams as folders, as nats-server's tools have them. `backup.json` says what a stream is,
//! `stream.tar.s2` has its messages and consumers.

mod bar;
mod folder;
mod restoring;
mod saving;

use super::arguments::{self, Argument, flag};
use super::block_on;
use super::error::ToolError;
use super::stream::api::Api;
use super::stream::{COMMON, usage};
use super::top::tame;
use crate::flags::syntax::{Flag, Kind};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

pub(super) const HELP: &str = "\
Usage: vagus backup [options] <stream> <folder>    back a stream up into a folder
       vagus backup --all [options] <folder>       back all streams of the account up, each into a folder of its name

        --no-consumers           Leave consumers out
    -f, --force                  Replace what backup there is
        --no-progress            Show no bar
        --domain <name>          Ask in this domain
        --timeout <time>         How long an answer, and each piece, may take (5s)
";

pub(super) const RESTORE_HELP: &str = "\
Usage: vagus restore [options] <folder>            make the stream again that is backed up there
       vagus restore --all [options] <folder>      make those again of which there are backups in its folders

        --config <file>          Have it be this, as JSON, as vagus stream info --json shows it; its name stays
        --no-progress            Show no bar
        --domain <name>          Ask in this domain
        --timeout <time>         How long the answer to each piece may take (5s)
";

/// Why a stream is not backed up, or not made again.
#[derive(Debug, Error)]
pub(super) enum BackupError {
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("there is a backup in {} already; --force replaces it", .0.display())]
    Exists(PathBuf),
    #[error("{} does not say which stream is backed up: {why}", path.display())]
    Undescribed { path: PathBuf, why: String },
    #[error("the server has broken the backup off: {0}")]
    BrokenOff(String),
    #[error("what has come of the backup cannot be made a stream again: {0}")]
    Damaged(#[from] vagus_jetstream::backup::BackupError),
    #[error("there are no streams")]
    NoStreams,
    #[error("there are no backups in the folders of {}", .0.display())]
    NoBackups(PathBuf),
    #[error("that has failed for {failed} of {all} streams")]
    Partly { failed: usize, all: usize },
}

impl BackupError {
    /// What has gone wrong with a file or folder.
    fn at(path: &Path) -> impl Fn(io::Error) -> Self {
        move |error| Self::File {
            path: path.to_owned(),
            error,
        }
    }
}

const ALL: Flag<Argument> = flag(Argument::All, &["all"], Kind::Bool);
const NO_PROGRESS: Flag<Argument> = flag(Argument::NoProgress, &["no-progress"], Kind::Bool);

/// Runs `vagus backup`.
pub(super) fn run(args: &[String], out: &mut impl Write) -> Result<(), ToolError> {
    let mut flags = vec![
        ALL,
        NO_PROGRESS,
        flag(Argument::NoConsumers, &["no-consumers"], Kind::Bool),
        flag(Argument::Force, &["f", "force"], Kind::Bool),
    ];
    flags.extend(asking());
    let parsed = arguments::read(flags, args)?;
    let wishes = saving::Wishes::of(&parsed)?;
    let rest: Vec<&str> = parsed.rest.iter().map(String::as_str).collect();
    match (parsed.is_true(Argument::All), &rest[..]) {
        (false, [stream, folder]) => block_on(async {
            let stream = super::stream::checked(stream)?;
            let mut api = Api::connect(&parsed).await?;
            saving::save(&mut api, stream, Path::new(folder), &wishes, out).await
        }),
        (true, [folder]) => block_on(async {
            let mut api = Api::connect(&parsed).await?;
            saving::save_all(&mut api, Path::new(folder), &wishes, out).await
        }),
        (false, _) => Err(usage("name a stream and a folder, or --all and a folder")),
        (true, _) => Err(usage("name one folder for all streams")),
    }
}

/// Runs `vagus restore`.
pub(super) fn restore(args: &[String], out: &mut impl Write) -> Result<(), ToolError> {
    let mut flags = vec![ALL, NO_PROGRESS, flag(Argument::Config, &["config"], Kind::Text)];
    flags.extend(asking());
    let parsed = arguments::read(flags, args)?;
    let wishes = restoring::Wishes::of(&parsed)?;
    let [folder] = &parsed.rest[..] else {
        return Err(usage(
            "name one folder that has a backup, or --all and a folder of such",
        ));
    };
    let folder = Path::new(folder);
    block_on(async {
        match parsed.is_true(Argument::All) {
            false => {
                let backup = folder::Backup::open(folder)?;
                let mut api = Api::connect(&parsed).await?;
                restoring::restore(&mut api, backup, &wishes, out).await
            }
            true => {
                let folders = folder::backups_in(folder)?;
                let mut api = Api::connect(&parsed).await?;
                restoring::restore_all(&mut api, &folders, &wishes, out).await
            }
        }
    })
}

/// What both understand of how a server is asked.
fn asking() -> impl Iterator<Item = Flag<Argument>> {
    COMMON.into_iter().filter(|flag| flag.id != Argument::Json)
}

/// Tells of what has failed for one of many streams, while the others go on. A server that is not reached fails all of them.
fn tell(name: &str, error: ToolError) -> Result<(), ToolError> {
    match error {
        ToolError::Backup(_) | ToolError::Stream(_) | ToolError::NoAnswer(_) => {
            crate::complain(&format_args!("{}: {error}", tame(name)));
            Ok(())
        }
        error => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::{restore, run};

    #[test]
    fn what_is_not_understood_is_told() {
        let words = |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
        for (line, message) in [
            ("", "name a stream and a folder, or --all and a folder"),
            ("S", "name a stream and a folder, or --all and a folder"),
            ("--all S folder", "name one folder for all streams"),
            ("a.b folder", "\"a.b\" cannot be the name of a stream"),
            ("--json S folder", "there is no flag -json"),
        ] {
            let error = run(&words(line), &mut Vec::new()).unwrap_err();
            assert_eq!(error.to_string(), message, "{line}");
        }
        let error = restore(&words("a b"), &mut Vec::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "name one folder that has a backup, or --all and a folder of such"
        );
    }
}
