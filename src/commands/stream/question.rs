//! Asking before something is gone for good.

use super::StreamError;
use crate::commands::error::ToolError;
use std::io::{self, BufRead, IsTerminal, Write};

/// Goes on if the question is answered by `y`, or needs not be asked.
pub(in crate::commands) fn ask(question: &str, is_forced: bool) -> Result<(), ToolError> {
    if is_forced {
        return Ok(());
    }
    let input = io::stdin();
    if !input.is_terminal() {
        return Err(StreamError::CannotAsk.into());
    }
    answered(question, &mut input.lock(), &mut io::stderr())
}

fn answered(question: &str, input: &mut impl BufRead, out: &mut impl Write) -> Result<(), ToolError> {
    write!(out, "{question} [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    input.read_line(&mut answer).map_err(ToolError::Terminal)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(StreamError::Declined.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::answered;

    #[test]
    fn only_yes_is_yes() {
        for (answer, goes_on) in [
            ("y\n", true),
            ("YES\n", true),
            ("\n", false),
            ("", false),
            ("no\n", false),
        ] {
            let mut out = Vec::new();
            let result = answered("Sure?", &mut answer.as_bytes(), &mut out);
            assert_eq!(result.is_ok(), goes_on, "{answer:?}");
            assert_eq!(out, b"Sure? [y/N] ");
        }
    }
}
