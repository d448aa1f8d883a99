//! Values without parts: numbers, sizes, dates, words and texts.

use super::cursor::{Cursor, Flaw, Mark, is_blank, is_new_line};
use super::error::Fault;

/// What a word or text stands for.
#[derive(PartialEq)]
pub(super) enum Scalar {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Date(String),
    /// The name of a variable, without `$`.
    Variable(String),
}

/// Reads a number, a date, or a word or address that begins with digits.
pub(super) fn number(cursor: &mut Cursor<'_>) -> Result<Scalar, Flaw> {
    let start = cursor.mark();
    let negative = cursor.take('-');
    if !cursor.peek().is_some_and(|sign| sign.is_ascii_digit()) {
        return Err(cursor.expected("a digit"));
    }
    let digits = digits(cursor);
    match cursor.peek() {
        Some('-') if !negative => {
            if digits.len() != 4 {
                return Err((start, Fault::Date));
            }
            date(cursor, start)
        }
        Some('.') => fraction(cursor, start),
        Some(unit) if power_of(unit).is_some() => size(cursor, start),
        next if negative || ends_word(next) => integer(cursor.since(start), 1, start),
        _ => word(cursor, start),
    }
}

fn digits<'t>(cursor: &mut Cursor<'t>) -> &'t str {
    cursor.take_while(|sign| sign.is_ascii_digit())
}

fn ends_word(next: Option<char>) -> bool {
    next.is_none_or(|sign| is_new_line(sign) || is_blank(sign) || matches!(sign, '}' | ']' | ';' | ','))
}

fn integer(digits: &str, factor: i64, start: Mark) -> Result<Scalar, Flaw> {
    digits
        .parse::<i64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .map(Scalar::Integer)
        .ok_or((start, Fault::Range))
}

/// Which power of 1000 or 1024 a unit begins with.
fn power_of(unit: char) -> Option<u32> {
    Some(match unit.to_ascii_lowercase() {
        'k' => 1,
        'm' => 2,
        'g' => 3,
        't' => 4,
        'p' => 5,
        'e' => 6,
        _ => return None,
    })
}

/// A number with a unit: `8k`, `8kb`; what only begins like one is a word.
fn size(cursor: &mut Cursor<'_>, start: Mark) -> Result<Scalar, Flaw> {
    let digits = cursor.since(start);
    let Some(power) = cursor.next().and_then(power_of) else {
        return Err((start, Fault::Unit));
    };
    let ending = cursor.take_while(|sign| matches!(sign, 'b' | 'B' | 'i' | 'I'));
    let next = cursor.peek();
    if !ends_word(next) && !next.is_some_and(|sign| sign.is_ascii_digit()) {
        return word(cursor, start);
    }
    let base: i64 = match ending.to_ascii_lowercase().as_str() {
        "" => 1000,
        "b" | "i" | "ib" => 1024,
        _ => return Err((start, Fault::Unit)),
    };
    let factor = base.checked_pow(power).ok_or((start, Fault::Range))?;
    integer(digits, factor, start)
}

/// Behind the first digits: a decimal fraction, or an IP address with or without a port.
fn fraction(cursor: &mut Cursor<'_>, start: Mark) -> Result<Scalar, Flaw> {
    cursor.take('.');
    if digits(cursor).is_empty() {
        return Err(cursor.expected("a digit after the decimal point"));
    }
    if cursor.peek() == Some('.') {
        cursor.take_while(|sign| sign.is_ascii_digit() || matches!(sign, '.' | ':' | '-'));
        return Ok(Scalar::Text(cursor.since(start).to_owned()));
    }
    match cursor.since(start).parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Scalar::Float(number)),
        _ => Err((start, Fault::Range)),
    }
}

/// Behind the year.
fn date(cursor: &mut Cursor<'_>, start: Mark) -> Result<Scalar, Flaw> {
    for wanted in "-00-00T00:00:00Z".chars() {
        let next = cursor.peek();
        let good = match wanted {
            '0' => next.is_some_and(|sign| sign.is_ascii_digit()),
            _ => next == Some(wanted),
        };
        if !good {
            return Err((start, Fault::Date));
        }
        cursor.next();
    }
    let text = cursor.since(start);
    if is_date(text) {
        Ok(Scalar::Date(text.to_owned()))
    } else {
        Err((start, Fault::Date))
    }
}

/// Whether the calendar has this day and the day this second.
fn is_date(text: &str) -> bool {
    let part = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse::<u32>().ok());
    let (Some(year), Some(month), Some(day)) = (part(0, 4), part(5, 7), part(8, 10)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
        && part(11, 13).is_some_and(|hour| hour < 24)
        && part(14, 16).is_some_and(|minute| minute < 60)
        && part(17, 19).is_some_and(|second| second < 60)
}

/// Reads a bare word, the beginning of which, from `start`, may have been taken already.
pub(super) fn word(cursor: &mut Cursor<'_>, start: Mark) -> Result<Scalar, Flaw> {
    let mut text = cursor.since(start).as_bytes().to_vec();
    let mut escaped = false;
    loop {
        match cursor.peek() {
            Some('\\') => {
                escaped = true;
                escape(cursor, &mut text)?;
            }
            // A single quote ends a word and is dropped.
            Some('\'') => {
                let text = utf8(text, start)?;
                cursor.next();
                return Ok(Scalar::Text(text));
            }
            next if ends_word(next) => break,
            _ => push(cursor, &mut text),
        }
    }
    let text = utf8(text, start)?;
    if escaped {
        return Ok(Scalar::Text(text));
    }
    if let Some(name) = text.strip_prefix('$') {
        return Ok(Scalar::Variable(name.to_owned()));
    }
    Ok(match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Scalar::Boolean(true),
        "false" | "no" | "off" => Scalar::Boolean(false),
        _ => Scalar::Text(text),
    })
}

/// Reads `"…"`, with escapes.
pub(super) fn double_quoted(cursor: &mut Cursor<'_>) -> Result<Scalar, Flaw> {
    cursor.take('"');
    let start = cursor.mark();
    let mut text = Vec::new();
    loop {
        match cursor.peek() {
            None => return Err(cursor.expected("the closing \" of a text")),
            Some('"') => break,
            Some('\\') => escape(cursor, &mut text)?,
            Some(_) => push(cursor, &mut text),
        }
    }
    cursor.take('"');
    utf8(text, start).map(Scalar::Text)
}

/// Reads `'…'`, in which nothing has a special meaning.
pub(super) fn single_quoted(cursor: &mut Cursor<'_>) -> Result<Scalar, Flaw> {
    cursor.take('\'');
    let text = cursor.take_while(|sign| sign != '\'').to_owned();
    if !cursor.take('\'') {
        return Err(cursor.expected("the closing ' of a text"));
    }
    Ok(Scalar::Text(text))
}

/// Reads `(…)`, which ends with a `)` alone on a line; the line ends before and behind the text belong to it.
pub(super) fn block(cursor: &mut Cursor<'_>) -> Result<Scalar, Flaw> {
    cursor.take('(');
    let start = cursor.mark();
    loop {
        match cursor.next() {
            None => return Err(cursor.expected("a ) alone on a line")),
            Some('\n') if cursor.peek() == Some(')') => {
                let text = cursor.since(start);
                cursor.next();
                if cursor.peek().is_none_or(is_new_line) {
                    return Ok(Scalar::Text(text.to_owned()));
                }
            }
            Some(_) => {}
        }
    }
}

fn push(cursor: &mut Cursor<'_>, text: &mut Vec<u8>) {
    if let Some(sign) = cursor.next() {
        text.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// Takes a backslash and what belongs to it.
fn escape(cursor: &mut Cursor<'_>, text: &mut Vec<u8>) -> Result<(), Flaw> {
    let start = cursor.mark();
    cursor.next();
    let byte = match cursor.next() {
        Some('n') => b'\n',
        Some('t') => b'\t',
        Some('r') => b'\r',
        Some('"') => b'"',
        Some('\\') => b'\\',
        Some('x') => {
            let mut digit = || cursor.next().and_then(|sign| sign.to_digit(16));
            match (digit(), digit()) {
                (Some(high), Some(low)) => (high << 4 | low) as u8,
                _ => return Err((start, Fault::Escape)),
            }
        }
        _ => return Err((start, Fault::Escape)),
    };
    text.push(byte);
    Ok(())
}

fn utf8(bytes: Vec<u8>, start: Mark) -> Result<String, Flaw> {
    String::from_utf8(bytes).map_err(|_| (start, Fault::NotText))
}
