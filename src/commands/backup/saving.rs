//! `vagus backup`.

use super::bar::Bar;
use super::folder::Unfinished;
use super::{BackupError, tell};
use crate::commands::arguments::Argument;
use crate::commands::error::ToolError;
use crate::commands::stream::answers::StreamInfo;
use crate::commands::stream::api::{Api, read};
use crate::flags::syntax::Parsed;
use async_nats::Subscriber;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use vagus_jetstream::backup::{Part, Reader};
use vagus_protocol::size::Size;

/// How long a piece is, in bytes, as nats-server's tools ask for it.
const PIECE: u64 = 128 << 10;

/// What is wanted of a backup.
pub(super) struct Wishes {
    is_forced: bool,
    with_consumers: bool,
    with_bar: bool,
}

impl Wishes {
    pub(super) fn of(parsed: &Parsed<Argument>) -> Result<Self, ToolError> {
        Ok(Self {
            is_forced: parsed.is_true(Argument::Force),
            with_consumers: !parsed.is_true(Argument::NoConsumers),
            with_bar: !parsed.is_true(Argument::NoProgress),
        })
    }
}

/// Backs one stream up.
pub(super) async fn save(
    api: &mut Api,
    name: &str,
    folder: &Path,
    wishes: &Wishes,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let mut unfinished = Unfinished::begin(folder, wishes.is_forced)?;
    let (inbox, mut pieces) = api.listen().await?;
    let request = json!({
        "deliver_subject": inbox,
        "no_consumers": !wishes.with_consumers,
        "chunk_size": PIECE,
    });
    let begun = api.ask(&format!("STREAM.SNAPSHOT.{name}"), &request).await?;
    let StreamInfo { state, .. } = read(begun.clone())?;
    let bar = Bar::new(wishes.with_bar, state.messages, "messages");
    take(api, &mut pieces, name, &mut unfinished, bar).await?;
    unfinished.keep(&json!({ "config": begun.get("config"), "state": begun.get("state") }))?;
    let (messages, size) = (state.messages, Size(state.bytes));
    Ok(writeln!(
        out,
        "Backed up {name}, {messages} messages of {size}, to {}",
        folder.display()
    )?)
}

/// Writes what comes. It is read, too: a backup that no stream can be made of again is none.
async fn take(
    api: &mut Api,
    pieces: &mut Subscriber,
    name: &str,
    unfinished: &mut Unfinished,
    mut bar: Bar,
) -> Result<(), ToolError> {
    let mut reader = Reader::new(name);
    let mut messages = 0;
    loop {
        let piece = api.next_within_timeout(pieces).await?;
        if piece.payload.is_empty() {
            return match piece.status.map(|status| status.as_u16()) {
                None | Some(204) => Ok(reader.end().map_err(BackupError::from)?),
                Some(status) => {
                    let why = piece.description.unwrap_or_else(|| status.to_string());
                    Err(BackupError::BrokenOff(why).into())
                }
            };
        }
        // The next one is on its way while this one is written.
        api.answer(&piece).await?;
        unfinished.write(&piece.payload)?;
        reader.push(piece.payload);
        while let Some(part) = reader.next_part().map_err(BackupError::from)? {
            messages += u64::from(matches!(part, Part::Message(_)));
        }
        bar.draw(messages);
    }
}

/// Backs all streams of the account up, each into a folder of its name. One that fails does not keep the others from it.
pub(super) async fn save_all(
    api: &mut Api,
    folder: &Path,
    wishes: &Wishes,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let names = api.ask_for_all("STREAM.NAMES", json!({}), "streams").await?;
    let mut failed = 0;
    for name in names.iter().filter_map(Value::as_str) {
        // What a server says is not to lead out of the folder.
        let name = crate::commands::stream::checked(name)?;
        if let Err(error) = save(api, name, &folder.join(name), wishes, out).await {
            tell(name, error)?;
            failed += 1;
        }
    }
    match (failed, names.len()) {
        (_, 0) => Err(BackupError::NoStreams.into()),
        (0, _) => Ok(()),
        (failed, all) => Err(BackupError::Partly { failed, all }.into()),
    }
}
