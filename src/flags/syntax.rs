//! The flag syntax of Go's `flag` package, which operators of NATS know.
//!
//! One dash or two are the same. A value follows as `-x v` or `-x=v`; a boolean takes none, or `-x=false`.
//! The first argument that is no flag ends the flags, and `--` ends them and is dropped.

use thiserror::Error;

/// One flag and all the names it goes by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flag<Id> {
    pub(crate) id: Id,
    pub(crate) names: &'static [&'static str],
    pub(crate) kind: Kind,
}

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Integer,
    Text,
}

/// What a flag was given; its variant is that of the flag's [`Kind`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Bool(bool),
    Integer(i64),
    Text(String),
}

impl Value {
    pub(crate) fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    /// The number, 0 for what is none.
    pub(crate) fn integer(&self) -> i64 {
        match self {
            Self::Integer(number) => *number,
            Self::Bool(_) | Self::Text(_) => 0,
        }
    }

    /// The text, empty for what is none.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Bool(_) | Self::Integer(_) => "",
        }
    }

    /// Whether this is what the flag means when it is not given: false, 0 or nothing.
    pub(crate) fn is_off(&self) -> bool {
        match self {
            Self::Bool(set) => !set,
            Self::Integer(number) => *number == 0,
            Self::Text(text) => text.is_empty(),
        }
    }
}

/// One flag as it was given.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Given<Id> {
    pub(crate) id: Id,
    /// The name that was used, without dashes.
    pub(crate) name: &'static str,
    pub(crate) value: Value,
}

/// The flags in the order they were given, and what came after them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parsed<Id> {
    pub(crate) given: Vec<Given<Id>>,
    pub(crate) rest: Vec<String>,
}

impl<Id: PartialEq> Parsed<Id> {
    /// What `id` was given last, which is what counts.
    pub(crate) fn last(&self, id: Id) -> Option<&Value> {
        self.given
            .iter()
            .rev()
            .find(|given| given.id == id)
            .map(|given| &given.value)
    }

    pub(crate) fn is_true(&self, id: Id) -> bool {
        self.last(id).is_some_and(Value::is_true)
    }

    /// The text given for `id`, if any and not empty.
    pub(crate) fn text(&self, id: Id) -> Option<&str> {
        self.last(id).map(Value::text).filter(|text| !text.is_empty())
    }

    /// The number given for `id`; 0 when there is none.
    pub(crate) fn integer(&self, id: Id) -> i64 {
        self.last(id).map_or(0, Value::integer)
    }
}

/// Arguments that do not follow the syntax.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum SyntaxError {
    #[error("not a flag: {0}")]
    Malformed(String),
    #[error("there is no flag -{0}")]
    Unknown(String),
    #[error("flag -{0} needs a value")]
    MissingValue(&'static str),
    #[error("flag -{0} is either true or false, not {1:?}")]
    NotBoolean(&'static str, String),
    #[error("flag -{0} takes a whole number, not {1:?}")]
    NotInteger(&'static str, String),
}

/// Splits `args` into the flags of `table` and the rest.
pub(crate) fn parse<Id: Copy>(table: &[Flag<Id>], args: &[String]) -> Result<Parsed<Id>, SyntaxError> {
    let mut given = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.clone().next() {
        let Some(body) = arg.strip_prefix('-').filter(|body| !body.is_empty()) else {
            break;
        };
        args.next();
        if body == "-" {
            break;
        }
        let body = body.strip_prefix('-').unwrap_or(body);
        if body.starts_with(['-', '=']) {
            return Err(SyntaxError::Malformed(arg.clone()));
        }
        let (name, inline) = match body.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (body, None),
        };
        let (id, kind, name) = find(table, name)?;
        let text = match (inline, kind) {
            (Some(value), _) => value,
            (None, Kind::Bool) => "true",
            (None, Kind::Integer | Kind::Text) => args.next().ok_or(SyntaxError::MissingValue(name))?,
        };
        let value = read_value(kind, name, text)?;
        given.push(Given { id, name, value });
    }
    Ok(Parsed {
        given,
        rest: args.cloned().collect(),
    })
}

/// Like [`parse`], with flags allowed after and between the other arguments; everything behind `--` is none.
pub(crate) fn parse_interleaved<Id: Copy>(
    table: &[Flag<Id>],
    args: &[String],
) -> Result<Parsed<Id>, SyntaxError> {
    let (args, behind) = match args.iter().position(|arg| arg == "--") {
        Some(end) => (&args[..end], &args[end + 1..]),
        None => (args, &[][..]),
    };
    let mut parsed = parse(table, args)?;
    let mut others = Vec::new();
    while !parsed.rest.is_empty() {
        others.push(parsed.rest.remove(0));
        let mut more = parse(table, &parsed.rest)?;
        parsed.given.append(&mut more.given);
        parsed.rest = more.rest;
    }
    others.extend_from_slice(behind);
    parsed.rest = others;
    Ok(parsed)
}

fn find<Id: Copy>(table: &[Flag<Id>], name: &str) -> Result<(Id, Kind, &'static str), SyntaxError> {
    table
        .iter()
        .find_map(|flag| {
            let known = flag.names.iter().copied().find(|known| *known == name)?;
            Some((flag.id, flag.kind, known))
        })
        .ok_or_else(|| SyntaxError::Unknown(name.to_owned()))
}

fn read_value(kind: Kind, name: &'static str, text: &str) -> Result<Value, SyntaxError> {
    match kind {
        Kind::Text => Ok(Value::Text(text.to_owned())),
        Kind::Bool => match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            _ => Err(SyntaxError::NotBoolean(name, text.to_owned())),
        },
        Kind::Integer => read_integer(text)
            .map(Value::Integer)
            .ok_or_else(|| SyntaxError::NotInteger(name, text.to_owned())),
    }
}

/// Decimal, or with one of Go's prefixes `0x`, `0o`, `0`, `0b`.
fn read_integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, &lower[..]),
    };
    // The sign was taken already; `from_str_radix` would take another.
    if digits.starts_with(['-', '+']) {
        return None;
    }
    let magnitude = i128::from_str_radix(digits, radix).ok()?;
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Flag<char>] = &[
        Flag {
            id: 'b',
            names: &["b", "bool"],
            kind: Kind::Bool,
        },
        Flag {
            id: 'i',
            names: &["i", "int"],
            kind: Kind::Integer,
        },
        Flag {
            id: 't',
            names: &["t", "text"],
            kind: Kind::Text,
        },
    ];

    fn words(line: &str) -> Vec<String> {
        line.split(' ')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn show(result: Result<Parsed<char>, SyntaxError>) -> String {
        match result {
            Ok(parsed) => {
                let mut shown: Vec<String> = parsed
                    .given
                    .iter()
                    .map(|given| match &given.value {
                        Value::Bool(set) => format!("{}:{set}", given.id),
                        Value::Integer(number) => format!("{}:{number}", given.id),
                        Value::Text(text) => format!("{}:{text}", given.id),
                    })
                    .collect();
                shown.push(format!("{:?}", parsed.rest));
                shown.join(" ")
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn flags_as_go_reads_them() {
        for (line, expected) in [
            ("", "[]"),
            ("-b", "b:true []"),
            ("--bool", "b:true []"),
            ("-b=false -bool=T", "b:false b:true []"),
            ("-b false", r#"b:true ["false"]"#),
            ("-b=perhaps", r#"flag -b is either true or false, not "perhaps""#),
            ("-b=", r#"flag -b is either true or false, not """#),
            ("-i 5 --int=-1 -i -7", "i:5 i:-1 i:-7 []"),
            ("-i 0x1F -i 010 -i 0b11 -i +4", "i:31 i:8 i:3 i:4 []"),
            ("-i abc", r#"flag -i takes a whole number, not "abc""#),
            ("-i --4", r#"flag -i takes a whole number, not "--4""#),
            ("-i 1.5", r#"flag -i takes a whole number, not "1.5""#),
            (
                "-i 99999999999999999999",
                r#"flag -i takes a whole number, not "99999999999999999999""#,
            ),
            ("-i", "flag -i needs a value"),
            ("-t -b", "t:-b []"),
            ("-t= -t=a=b", "t: t:a=b []"),
            ("-b stray -b", r#"b:true ["stray", "-b"]"#),
            ("-b -- -b", r#"b:true ["-b"]"#),
            ("- -b", r#"["-", "-b"]"#),
            ("---b", "not a flag: ---b"),
            ("-=b", "not a flag: -=b"),
            ("--colour blue", "there is no flag -colour"),
            ("-B", "there is no flag -B"),
        ] {
            assert_eq!(show(parse(TABLE, &words(line))), expected, "{line}");
        }
    }

    #[test]
    fn flags_between_other_arguments() {
        for (line, expected) in [
            ("one -b two -i 3 three", r#"b:true i:3 ["one", "two", "three"]"#),
            ("one - -b", r#"b:true ["one", "-"]"#),
            ("one -b -- -t x", r#"b:true ["one", "-t", "x"]"#),
            ("one -t", "flag -t needs a value"),
        ] {
            assert_eq!(show(parse_interleaved(TABLE, &words(line))), expected, "{line}");
        }
    }

    #[test]
    fn the_last_one_counts() {
        let parsed = parse(TABLE, &words("-i 1 -i 2 -t a -t=")).unwrap();
        assert_eq!(parsed.integer('i'), 2);
        assert_eq!(parsed.text('t'), None);
        assert!(!parsed.is_true('b'));
    }
}
