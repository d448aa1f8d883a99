//! Configurations as JSON: out with masks, in as patches.

use serde_json::{Map as Object, Number, Value as Json};
use thiserror::Error;
use vagus_configs::document::{Patch, masked, render};
use vagus_configs::grammar::{Kind, Map, Place, Value};

/// What is no patch.
#[derive(Debug, Error)]
pub(crate) enum PatchError {
    /// It is no JSON.
    #[error("the patch is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A merge patch of a configuration is an object.
    #[error("a patch of a configuration is an object")]
    NoObject,
    /// A number that no setting could have.
    #[error("the number {0} is out of range")]
    Range(Number),
    /// `null` in an array stands for nothing.
    #[error("an array cannot hold null")]
    Null,
}

/// The document as JSON, without its secrets.
pub(super) fn masked_json(tree: &Map) -> Json {
    object(&masked(tree))
}

/// The document as text, without its secrets.
pub(super) fn masked_render(tree: &Map) -> String {
    render(&masked(tree))
}

fn object(map: &Map) -> Json {
    let entries = map.entries().iter();
    let fields = entries.map(|entry| (entry.key.clone(), json(&entry.value.kind)));
    Json::Object(fields.collect())
}

fn json(kind: &Kind) -> Json {
    match kind {
        Kind::Text(text) | Kind::Date(text) => Json::String(text.clone()),
        Kind::Integer(number) => Json::from(*number),
        Kind::Float(number) => Json::from(*number),
        Kind::Boolean(set) => Json::Bool(*set),
        Kind::Array(values) => values.iter().map(|value| json(&value.kind)).collect(),
        Kind::Map(map) => object(map),
    }
}

/// A merge patch (RFC 7396).
pub(crate) fn patch(text: &str) -> Result<Patch, PatchError> {
    match serde_json::from_str(text)? {
        Json::Object(fields) => merge(&fields),
        _ => Err(PatchError::NoObject),
    }
}

fn merge(fields: &Object<String, Json>) -> Result<Patch, PatchError> {
    let one = |(key, value): (&String, &Json)| {
        let patch = match value {
            Json::Null => Patch::Remove,
            Json::Object(fields) => merge(fields)?,
            other => Patch::Replace(kind(other)?),
        };
        Ok((key.clone(), patch))
    };
    let patches: Result<Vec<_>, PatchError> = fields.iter().map(one).collect();
    patches.map(Patch::Merge)
}

fn kind(value: &Json) -> Result<Kind, PatchError> {
    Ok(match value {
        Json::Null => return Err(PatchError::Null),
        Json::Bool(set) => Kind::Boolean(*set),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Kind::Integer(number),
            (None, Some(float)) if !number.is_u64() => Kind::Float(float),
            _ => return Err(PatchError::Range(number.clone())),
        },
        Json::String(text) => Kind::Text(text.clone()),
        Json::Array(values) => {
            let one = |value| {
                Ok(Value {
                    kind: kind(value)?,
                    place: Place::of_request(),
                    variable: None,
                })
            };
            let values: Result<_, PatchError> = values.iter().map(one).collect();
            Kind::Array(values?)
        }
        Json::Object(fields) => Kind::Map(merge(fields)?.applied_to(&Map::default())),
    })
}
