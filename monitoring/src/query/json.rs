//! Options as messages have them: the fields of an object.

use super::json_error;
use crate::page::Page;
use serde_json::Value;

/// What a field has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Flag,
    Whole,
    Text,
    Texts,
    /// A flag that stands for this text.
    Means(&'static str),
    /// The state of connections, which has a number in messages.
    State,
}

/// A field: its name in messages, that of the option, and what it has to be.
type Field = (&'static str, &'static str, Kind);

const CONNZ: &[Field] = &[
    ("sort", "sort", Kind::Text),
    ("auth", "auth", Kind::Flag),
    ("subscriptions", "subs", Kind::Flag),
    ("subscriptions_detail", "subs", Kind::Means("detail")),
    ("offset", "offset", Kind::Whole),
    ("limit", "limit", Kind::Whole),
    ("cid", "cid", Kind::Whole),
    ("mqtt_client", "mqtt_client", Kind::Text),
    ("state", "state", Kind::State),
    ("user", "user", Kind::Text),
    ("acc", "acc", Kind::Text),
    ("filter_subject", "filter_subject", Kind::Text),
];

const SUBSZ: &[Field] = &[
    ("offset", "offset", Kind::Whole),
    ("limit", "limit", Kind::Whole),
    ("subscriptions", "subs", Kind::Flag),
    ("account", "acc", Kind::Text),
    ("test", "test", Kind::Text),
];

const ROUTEZ: &[Field] = &[
    ("subscriptions", "subs", Kind::Flag),
    ("subscriptions_detail", "subs", Kind::Means("detail")),
];

const GATEWAYZ: &[Field] = &[
    ("name", "gw_name", Kind::Text),
    ("accounts", "accs", Kind::Flag),
    ("account_name", "acc_name", Kind::Text),
    ("subscriptions", "subs", Kind::Flag),
    ("subscriptions_detail", "subs", Kind::Means("detail")),
];

const LEAFZ: &[Field] = &[
    ("subscriptions", "subs", Kind::Flag),
    ("account", "acc", Kind::Text),
];

const ACCOUNTZ: &[Field] = &[("account", "acc", Kind::Text)];

const ACCSTATZ: &[Field] = &[
    ("accounts", "acc", Kind::Texts),
    ("include_unused", "unused", Kind::Flag),
];

const JSZ: &[Field] = &[
    ("account", "acc", Kind::Text),
    ("accounts", "accounts", Kind::Flag),
    ("streams", "streams", Kind::Flag),
    ("consumer", "consumers", Kind::Flag),
    ("direct_consumer", "direct-consumers", Kind::Flag),
    ("config", "config", Kind::Flag),
    ("leader_only", "leader-only", Kind::Flag),
    ("offset", "offset", Kind::Whole),
    ("limit", "limit", Kind::Whole),
    ("raft", "raft", Kind::Flag),
    ("stream_leader_only", "stream-leader-only", Kind::Flag),
    ("stream_offset", "stream-offset", Kind::Whole),
    ("stream_limit", "stream-limit", Kind::Whole),
];

const HEALTHZ: &[Field] = &[
    ("js-enabled", "js-enabled", Kind::Flag),
    ("js-enabled-only", "js-enabled-only", Kind::Flag),
    ("js-server-only", "js-server-only", Kind::Flag),
    ("js-meta-only", "js-meta-only", Kind::Flag),
    ("account", "account", Kind::Text),
    ("stream", "stream", Kind::Text),
    ("consumer", "consumer", Kind::Text),
    ("details", "details", Kind::Flag),
];

const IPQUEUESZ: &[Field] = &[("all", "all", Kind::Flag), ("filter", "queues", Kind::Text)];

const RAFTZ: &[Field] = &[("account", "acc", Kind::Text), ("group", "group", Kind::Text)];

fn fields(page: Page) -> &'static [Field] {
    match page {
        Page::Connz => CONNZ,
        Page::Subsz => SUBSZ,
        Page::Routez => ROUTEZ,
        Page::Gatewayz => GATEWAYZ,
        Page::Leafz => LEAFZ,
        Page::Accountz => ACCOUNTZ,
        Page::Accstatz => ACCSTATZ,
        Page::Jsz => JSZ,
        Page::Healthz => HEALTHZ,
        Page::Ipqueuesz => IPQUEUESZ,
        Page::Raftz => RAFTZ,
        _ => &[],
    }
}

/// The options that an object asks for. What it has besides is of no interest.
pub(super) fn options(page: Page, text: &[u8]) -> Result<Vec<(String, String)>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let value: Value =
        serde_json::from_slice(text).map_err(|error| json_error::in_words_of_go(text, &error))?;
    let object = match value {
        Value::Object(object) => object,
        Value::Null => return Ok(Vec::new()),
        other => {
            let kind = json_error::kind(&other);
            return Err(format!("json: cannot unmarshal {kind} into Go value"));
        }
    };
    let mut options = Vec::new();
    for (name, value) in &object {
        let known = fields(page)
            .iter()
            .find(|(known, ..)| known.eq_ignore_ascii_case(name));
        if let Some((known, option, kind)) = known {
            add(&mut options, option, *kind, value).map_err(|wanted| {
                let kind = json_error::kind(value);
                format!("json: cannot unmarshal {kind} into Go struct field .{known} of type {wanted}")
            })?;
        }
    }
    Ok(options)
}

/// Adds what a field says; the error is what it should have been.
fn add(
    options: &mut Vec<(String, String)>,
    option: &str,
    kind: Kind,
    value: &Value,
) -> Result<(), &'static str> {
    let mut push = |text: &str| options.push((option.to_owned(), text.to_owned()));
    match (kind, value) {
        (_, Value::Null) | (Kind::Flag | Kind::Means(_), Value::Bool(false)) => {}
        (Kind::Flag, Value::Bool(true)) => push("1"),
        // It stands for more than what else was asked for.
        (Kind::Means(text), Value::Bool(true)) => options.insert(0, (option.to_owned(), text.to_owned())),
        (Kind::Whole, Value::Number(number)) if number.is_i64() || number.is_u64() => {
            push(&number.to_string())
        }
        (Kind::Text, Value::String(text)) => push(text),
        (Kind::State, Value::Number(number)) => push(match number.as_i64() {
            Some(0) => "open",
            Some(1) => "closed",
            Some(2) => "any",
            _ => return Err("server.ConnState"),
        }),
        (Kind::Texts, Value::Array(texts)) => {
            for text in texts {
                push(text.as_str().ok_or("string")?);
            }
        }
        (Kind::Flag | Kind::Means(_), _) => return Err("bool"),
        (Kind::Whole, _) => return Err("int"),
        (Kind::Text, _) => return Err("string"),
        (Kind::Texts, _) => return Err("[]string"),
        (Kind::State, _) => return Err("server.ConnState"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::page::Page;
    use crate::query::Query;

    #[test]
    fn fields_are_options_by_other_names() {
        let text =
            br#"{"limit":7,"state":2,"acc":"A","auth":true,"subscriptions":true,"subscriptions_detail":true,
            "tags":["x"],"user":null}"#;
        let query = Query::of_message(Page::Connz, text).unwrap();
        assert_eq!(query.integer("limit"), Ok(7));
        assert_eq!(query.text("state"), Some("any"));
        assert_eq!(query.text("acc"), Some("A"));
        assert_eq!(query.flag("auth"), Ok(true));
        assert_eq!(query.subscriptions(), Ok((false, true)));
        assert_eq!(query.text("user"), None);
        let query = Query::of_message(
            Page::Accstatz,
            br#"{"Accounts":["A","B"],"include_unused":false}"#,
        )
        .unwrap();
        assert_eq!(query.texts("acc").collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!(query.flag("unused"), Ok(false));
    }

    #[test]
    fn nothing_asks_for_nothing() {
        for text in ["", "{}", "null", r#"{"limit":true}"#] {
            assert_eq!(
                Query::of_message(Page::Varz, text.as_bytes())
                    .unwrap()
                    .text("limit"),
                None
            );
        }
    }

    #[test]
    fn wrong_kinds_are_refused() {
        for (text, error) in [
            (
                r#"{"limit":"7"}"#,
                "json: cannot unmarshal string into Go struct field .limit of type int",
            ),
            (
                r#"{"auth":1}"#,
                "json: cannot unmarshal number into Go struct field .auth of type bool",
            ),
            (
                r#"{"user":[]}"#,
                "json: cannot unmarshal array into Go struct field .user of type string",
            ),
            ("[]", "json: cannot unmarshal array into Go value"),
        ] {
            assert_eq!(
                Query::of_message(Page::Connz, text.as_bytes()).unwrap_err(),
                error
            );
        }
    }
}
