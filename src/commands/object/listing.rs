//! `vagus object ls` and `watch`.

use super::{ObjectInfo, stream_of};
use crate::commands::arguments::{self, Argument};
use crate::commands::error::ToolError;
use crate::commands::stream::answers::StreamInfo;
use crate::commands::stream::api::{Api, read};
use crate::commands::stream::pulling::Pull;
use crate::commands::stream::table::Table;
use crate::commands::stream::{self, StreamError};
use crate::commands::top::tame;
use crate::flags::syntax::Parsed;
use async_nats::Message;
use serde_json::json;
use std::io::Write;
use vagus_protocol::size::Size;

pub(super) async fn stores(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let request = json!({ "subject": "$O.*.C.>" });
    let found = api.ask_for_all("STREAM.LIST", request, "streams").await?;
    if parsed.is_true(Argument::Json) {
        return stream::json(out, &found);
    }
    let mut table = Table::new(["STORE", "DESCRIPTION", "STORAGE", ">SIZE"]);
    for found in found {
        let found: StreamInfo = read(found)?;
        let Some(store) = found.text("name").strip_prefix("OBJ_") else {
            continue;
        };
        table.row([
            store.to_owned(),
            found.text("description").to_owned(),
            found.text("storage").to_owned(),
            Size(found.state.bytes).to_string(),
        ]);
    }
    Ok(table.write(out)?)
}

fn store(parsed: &Parsed<Argument>) -> Result<&str, ToolError> {
    match &parsed.rest[..] {
        [store] => Ok(store),
        _ => Err(stream::usage("name one store")),
    }
}

/// All that is known of the objects of a store, from the last of each on.
async fn known(api: &mut Api, store: &str) -> Result<Pull, ToolError> {
    let settings =
        json!({ "deliver_policy": "last_per_subject", "filter_subject": format!("$O.{store}.M.>") });
    Pull::through(api, &stream_of(store)?, settings).await
}

fn object(message: &Message) -> Result<ObjectInfo, ToolError> {
    Ok(serde_json::from_slice(&message.payload).map_err(StreamError::Unreadable)?)
}

pub(super) async fn objects(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let mut pull = known(api, store(parsed)?).await?;
    let mut objects = Vec::new();
    while let Some(pulled) = pull.next(api, u64::MAX, None).await? {
        let object = object(&pulled.message)?;
        if !object.deleted {
            objects.push(object);
        }
    }
    pull.end(api).await?;
    objects.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    if parsed.is_true(Argument::Json) {
        return stream::json(out, &objects);
    }
    let mut table = Table::new(["OBJECT", ">SIZE", "DESCRIPTION"]);
    for object in objects {
        table.row([object.name, Size(object.size).to_string(), object.description]);
    }
    Ok(table.write(out)?)
}

pub(super) async fn watch(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let count = arguments::count(parsed, Argument::Count, "count", 0)?;
    let mut pull = known(api, store(parsed)?).await?;
    let mut shown = 0;
    while count == 0 || shown < count {
        let pulled = pull.wait(api).await?;
        let object = object(&pulled.message)?;
        let told = match object.deleted {
            true => format!("{} is deleted", object.name),
            false => format!("{} ({})", object.name, Size(object.size)),
        };
        writeln!(out, "[{}] {}", pulled.sequence, tame(&told))?;
        out.flush()?;
        shown += 1;
    }
    Ok(())
}
