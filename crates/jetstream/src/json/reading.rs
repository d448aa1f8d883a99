//! Values of JSON as values of ours, with the leniency and the complaints of Go's decoder: names match in any case, null
//! changes nothing, of several complaints the first is told.

use super::{Value, values};
use crate::error::ApiError;
use std::collections::BTreeMap;

/// A value that can be read. What is not mentioned stays as it was.
pub(crate) trait ReadJson {
    /// What Go calls the type.
    const TYPE: &'static str;

    fn read_json(&mut self, value: &Value<'_>, reading: &mut Reading);
}

/// Reads a request. Strictly: no field may be unknown.
pub(crate) fn read<T: ReadJson + Default>(text: &[u8], is_strict: bool) -> Result<T, ApiError> {
    let mut request = T::default();
    let mut reading = Reading::new(is_strict);
    for value in values(text) {
        request.read_json(&value.map_err(ApiError::invalid_json)?, &mut reading);
        if let Some(complaint) = reading.complaint() {
            return Err(ApiError::invalid_json(complaint));
        }
    }
    Ok(request)
}

/// Where one is while reading, and what was wrong so far.
#[derive(Debug)]
pub(crate) struct Reading {
    is_strict: bool,
    /// The innermost object's name.
    object: &'static str,
    path: Vec<&'static str>,
    /// What ended the reading.
    fatal: Option<String>,
    first: Option<String>,
}

impl Reading {
    fn new(is_strict: bool) -> Self {
        Self {
            is_strict,
            object: "",
            path: Vec::new(),
            fatal: None,
            first: None,
        }
    }

    fn complaint(&mut self) -> Option<String> {
        self.fatal.take().or_else(|| self.first.take())
    }

    /// Something is wrong, but what else there is counts.
    fn complain(&mut self, complaint: impl FnOnce() -> String) {
        if self.first.is_none() && self.fatal.is_none() {
            self.first = Some(complaint());
        }
    }

    /// Something is wrong, and nothing that follows counts.
    pub(crate) fn give_up(&mut self, complaint: impl FnOnce() -> String) {
        if self.fatal.is_none() {
            self.fatal = Some(complaint());
        }
    }

    /// The value is not of the type. `shown`: whether a number is to be shown.
    pub(crate) fn mismatch(&mut self, value: &Value<'_>, wanted: &str, shown: bool) {
        let found = match value {
            Value::Null => return,
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(number) if shown => format!("number {number}"),
            Value::Number(_) => "number".to_owned(),
            Value::Text(..) => "string".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) => "object".to_owned(),
        };
        let place = match self.path.is_empty() {
            true => "value".to_owned(),
            false => format!("struct field {}.{}", self.object, self.path.join(".")),
        };
        self.complain(|| format!("json: cannot unmarshal {found} into Go {place} of type {wanted}"));
    }

    /// Reads the fields of an object: those that are known by `names`, each by `read`.
    pub(crate) fn object(
        &mut self,
        value: &Value<'_>,
        wanted: &'static str,
        names: &[&'static str],
        mut read: impl FnMut(&str, &Value<'_>, &mut Self),
    ) {
        let Value::Object(fields) = value else {
            return self.mismatch(value, wanted, false);
        };
        let outer = std::mem::replace(&mut self.object, wanted.rsplit('.').next().unwrap_or(wanted));
        for (key, value) in fields {
            let exact = names.iter().find(|name| *name == key);
            let known = exact.or_else(|| names.iter().find(|name| name.eq_ignore_ascii_case(key)));
            match known {
                Some(name) => {
                    self.path.push(name);
                    read(name, value, self);
                    self.path.pop();
                }
                None if self.is_strict => {
                    let key = vagus_protocol::quote::Quoted(key.as_bytes());
                    self.complain(|| format!("json: unknown field {key}"));
                }
                None => {}
            }
            if self.fatal.is_some() {
                break;
            }
        }
        self.object = outer;
    }
}

/// Has an object be read: which of its fields goes where.
macro_rules! read_object {
    ($of:ty as $type:literal: $($key:literal => $($place:ident).+),* $(,)?) => {
        impl $crate::json::reading::ReadJson for $of {
            const TYPE: &'static str = $type;

            fn read_json(
                &mut self,
                value: &$crate::json::Value<'_>,
                reading: &mut $crate::json::reading::Reading,
            ) {
                reading.object(value, Self::TYPE, &[$($key),*], |key, value, reading| match key {
                    $($key => self.$($place).+.read_json(value, reading),)*
                    _ => {}
                });
            }
        }
    };
}
pub(crate) use read_object;

impl ReadJson for String {
    const TYPE: &'static str = "string";

    fn read_json(&mut self, value: &Value<'_>, reading: &mut Reading) {
        match value {
            Value::Text(text, _) => text.as_ref().clone_into(self),
            _ => reading.mismatch(value, Self::TYPE, false),
        }
    }
}

impl ReadJson for bool {
    const TYPE: &'static str = "bool";

    fn read_json(&mut self, value: &Value<'_>, reading: &mut Reading) {
        match value {
            Value::Bool(value) => *self = *value,
            _ => reading.mismatch(value, Self::TYPE, false),
        }
    }
}

macro_rules! read_number {
    ($($of:ty = $name:literal),*) => {
        $(impl ReadJson for $of {
            const TYPE: &'static str = $name;

            fn read_json(&mut self, value: &Value<'_>, reading: &mut Reading) {
                match value {
                    Value::Number(number) => match number.parse() {
                        Ok(number) => *self = number,
                        Err(_) => reading.mismatch(value, Self::TYPE, true),
                    },
                    _ => reading.mismatch(value, Self::TYPE, false),
                }
            }
        })*
    };
}

read_number!(i64 = "int64", i32 = "int32", u64 = "uint64", isize = "int");

impl<T: ReadJson + Default> ReadJson for Option<T> {
    const TYPE: &'static str = T::TYPE;

    fn read_json(&mut self, value: &Value<'_>, reading: &mut Reading) {
        match value {
            Value::Null => *self = None,
            _ => self.get_or_insert_default().read_json(value, reading),
        }
    }
}

impl<T: ReadJson + ReadJsonList> ReadJson for Vec<T> {
    const TYPE: &'static str = T::LIST;

    fn read_json(&mut self, value: &Value<'_>, reading: &mut Reading) {
        match value {
            Value::Null => self.clear(),
            Value::Array(items) => {
                self.clear();
                for item in items {
                    let mut read = T::default();
                    read.read_json(item, reading);
                    self.push(read);
                }
            }
            _ => reading.mismatch(value, Self::TYPE, false),
        }
    }
}

/// A value of which there are lists.
pub(crate) trait ReadJsonList: Default {
    /// What Go calls the type of a list of them.
    const LIST: &'static str;
}

impl ReadJsonList for String {
    const LIST: &'static str = "[]string";
}

impl ReadJson for BTreeMap<String, String> {
    const TYPE: &'static str = "map[string]string";

    fn read_json(&mut self, value: &Value<'_>, reading: &mut Reading) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    let mut text = String::new();
                    text.read_json(value, reading);
                    self.insert(key.clone().into_owned(), text);
                }
            }
            _ => reading.mismatch(value, Self::TYPE, false),
        }
    }
}
