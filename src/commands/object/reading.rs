//! `vagus object get`.

use super::{digest, found, pieces_of, store_and_object, stream_of};
use crate::commands::arguments::Argument;
use crate::commands::error::ToolError;
use crate::commands::stream::StreamError;
use crate::commands::stream::api::Api;
use crate::commands::stream::pulling::Pull;
use crate::flags::syntax::Parsed;
use openssl::sha::Sha256;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

pub(super) async fn get(
    api: &mut Api,
    parsed: &Parsed<Argument>,
    out: &mut impl Write,
) -> Result<(), ToolError> {
    let (store, name) = store_and_object(parsed)?;
    let object = found(api, store, name).await?;
    let settings = json!({ "deliver_policy": "all", "filter_subject": pieces_of(store, &object.nuid) });
    let mut pull = Pull::through(api, &stream_of(store)?, settings).await?;
    // A name is not to lead out of the folder.
    let own = Path::new(name).file_name().and_then(|name| name.to_str());
    let path = parsed.text(Argument::Output).or(own).unwrap_or_default();
    let mut file = match path {
        "-" => None,
        path => Some(open(path, parsed.is_true(Argument::Force)).map_err(ToolError::Output)?),
    };
    let (mut sum, mut size) = (Sha256::new(), 0);
    for number in 0..object.chunks {
        let Some(piece) = pull.next(api, object.chunks - number, None).await? else {
            break;
        };
        let piece = &piece.message.payload;
        sum.update(piece);
        size += piece.len() as u64;
        match &mut file {
            Some(file) => file.write_all(piece)?,
            None => out.write_all(piece)?,
        }
    }
    pull.end(api).await?;
    if size != object.size || (!object.digest.is_empty() && digest(sum.finish()) != object.digest) {
        let damaged = format!("{name} is damaged: it is not what was put there");
        return Err(StreamError::Absent(damaged).into());
    }
    match file {
        Some(_) => Ok(writeln!(out, "Wrote {size} bytes to {path}")?),
        None => Ok(()),
    }
}

fn open(path: &str, is_forced: bool) -> io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.write(true);
    match is_forced {
        true => options.create(true).truncate(true),
        false => options.create_new(true),
    };
    options.open(path)
}
