//! `vagus restore`.

use super::bar::Bar;
use super::folder::Backup;
use super::{BackupError, tell};
use crate::commands::arguments::Argument;
use crate::commands::error::ToolError;
use crate::commands::stream::answers::StreamInfo;
use crate::commands::stream::api::{Api, read};
use crate::commands::stream::{making, usage};
use crate::flags::syntax::Parsed;
use bytes::Bytes;
use serde_json::{Map, Value};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use vagus_protocol::size::Size;

/// How long a piece is, in bytes, where the server takes that.
const PIECE: u64 = 64 << 10;

/// How long a server may take to make a stream of what it has got.
const MADE_WITHIN: Duration = Duration::from_secs(3600);

/// What is wanted of streams that are made again.
pub(super) struct Wishes {
    config: Option<Map<String, Value>>,
    with_bar: bool,
}

impl Wishes {
    pub(super) fn of(parsed: &Parsed<Argument>) -> Result<Self, ToolError> {
        let config = making::from_file(parsed)?;
        if config.is_some() && parsed.is_true(Argument::All) {
            return Err(usage("--config is for one stream"));
        }
        Ok(Self {
            config,
            with_bar: !parsed.is_true(Argument::NoProgress),
        })
    }
}

/// Makes one stream again.
pub(super) async fn restore(
    api: &mut Api,
    mut backup: Backup,
    wishes: &Wishes,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let name = backup.name.clone();
    if let Some(mut config) = wishes.config.clone() {
        if *config.entry("name").or_insert_with(|| name.clone().into()) != *name {
            return Err(usage(&format!(
                "the stream has to be {name}, as it is in the backup"
            )));
        }
        backup
            .description
            .insert("config".to_owned(), Value::Object(config));
    }
    let request = Value::Object(std::mem::take(&mut backup.description));
    let begun = api.ask(&format!("STREAM.RESTORE.{name}"), &request).await?;
    let to = begun["deliver_subject"].as_str().unwrap_or_default().to_owned();
    let length = api.max_payload().clamp(1, PIECE);
    let mut bar = Bar::new(wishes.with_bar, backup.size, "bytes");
    let mut sent = 0;
    loop {
        let piece = backup.next(length)?;
        if piece.is_empty() {
            break;
        }
        sent += piece.len() as u64;
        api.hand_over(&to, piece.into(), None).await?;
        bar.draw(sent);
    }
    drop(bar);
    let made = api.hand_over(&to, Bytes::new(), Some(MADE_WITHIN)).await?;
    let StreamInfo { state, .. } = read(made.unwrap_or_default())?;
    let (messages, consumers, size) = (state.messages, state.consumer_count, Size(state.bytes));
    Ok(writeln!(
        out,
        "Restored {name}, {messages} messages of {size}, {consumers} consumers, from {}",
        backup.folder.display()
    )?)
}

/// Makes all streams again of which there are backups. One that fails does not keep the others from it.
pub(super) async fn restore_all(
    api: &mut Api,
    folders: &[PathBuf],
    wishes: &Wishes,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let mut failed = 0;
    for folder in folders {
        let restored = match Backup::open(folder) {
            Ok(backup) => restore(api, backup, wishes, out).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = restored {
            tell(&folder.to_string_lossy(), error)?;
            failed += 1;
        }
    }
    match failed {
        0 => Ok(()),
        failed => Err(BackupError::Partly {
            failed,
            all: folders.len(),
        }
        .into()),
    }
}
