//! Settings that are one of several words.

use crate::json::Value;

/// One of several words.
macro_rules! words {
    ($(#[$about:meta])* $name:ident as $type:literal, $unknown:expr;
     $($(#[$what:meta])* $variant:ident = $word:literal),* $(,)?) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
        pub enum $name {
            $($(#[$what])* #[serde(rename = $word)] $variant),*
        }

        impl ReadJson for $name {
            const TYPE: &'static str = $type;

            fn read_json(&mut self, value: &Value<'_>, reading: &mut Reading) {
                match value {
                    $(Value::Text(_, raw) if *raw == concat!('"', $word, '"').as_bytes() => *self = Self::$variant,)*
                    other => reading.give_up(|| $unknown(other)),
                }
            }
        }
    };
}
pub(crate) use words;

/// That a word is none of those that are known, as it is written.
pub(crate) fn cannot_read(value: &Value<'_>) -> String {
    let written = written(value);
    format!("can not unmarshal {}", vagus_protocol::quote::Quoted(&written))
}

/// How a value is written, as far as it matters to who reads of it.
pub(crate) fn written(value: &Value<'_>) -> Vec<u8> {
    match value {
        Value::Null => b"null".to_vec(),
        Value::Bool(value) => value.to_string().into_bytes(),
        Value::Number(number) => number.as_bytes().to_vec(),
        Value::Text(_, raw) => raw.to_vec(),
        Value::Array(_) => b"[]".to_vec(),
        Value::Object(_) => b"{}".to_vec(),
    }
}
