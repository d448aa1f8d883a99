//! `vagus mapping`.

use super::error::ToolError;
use crate::flags::syntax::{self, Flag};
use fastrand::Rng;
use std::io::{self, BufRead, Write};
use thiserror::Error;
use vagus_routing::{Transform, TransformError, subject};

pub(super) const HELP: &str = "\
Usage: vagus mapping <source> <destination> [<subject>...]

Prints what a mapping makes of subjects, one a line: those that are given, or those on the lines of standard input. Asks no
server. The destination may have these in the place of a token, where n is the number of a wildcard of the source:

    $n, {{wildcard(n)}}               What the wildcard matched
    {{partition(shares,n,...)}}       One of so many shares, by a hash of these; without any, of the whole subject
    {{split(n,separator)}}            A token for each part
    {{splitFromLeft(n,length)}}       Two tokens, the first of this length; {{splitFromRight}}: the last
    {{sliceFromLeft(n,length)}}       Tokens of this length, the last what is left; {{sliceFromRight}}: the first
    {{left(n,length)}}                The beginning, of this length; {{right}}: the end
    {{random(values)}}                One of so many numbers

Exit status: 0 when done, 1 when the mapping or a subject is not valid or does not match, 2 when the arguments are wrong.
";

/// There are none.
const FLAGS: &[Flag<()>] = &[];

/// Why there is nothing to print, in nats-server's words.
#[derive(Debug, Error)]
pub(super) enum MappingError {
    #[error(transparent)]
    Transform(#[from] TransformError),
    #[error("{subject}: invalid subject")]
    InvalidSubject { subject: String },
    #[error("{subject}: no matching transforms available")]
    NoMatch { subject: String },
    #[error("cannot read the subjects: {0}")]
    Input(io::Error),
}

pub(super) fn run(args: &[String], out: &mut impl Write) -> Result<(), ToolError> {
    run_with(args, io::stdin().lock(), out)
}

fn run_with(args: &[String], input: impl BufRead, out: &mut impl Write) -> Result<(), ToolError> {
    let parsed = syntax::parse(FLAGS, args)?;
    let [source, destination, subjects @ ..] = &*parsed.rest else {
        let message = "mapping takes a source, a destination, and subjects";
        return Err(ToolError::Usage(message.to_owned()));
    };
    let transform = Transform::new(source, destination).map_err(MappingError::Transform)?;
    let mut random = Rng::new();
    for subject in subjects {
        print(&transform, subject, random.u32(..), out)?;
    }
    if subjects.is_empty() {
        for line in input.lines() {
            let line = line.map_err(MappingError::Input)?;
            print(&transform, line.trim(), random.u32(..), out)?;
        }
    }
    Ok(())
}

fn print(transform: &Transform, text: &str, random: u32, out: &mut impl Write) -> Result<(), ToolError> {
    let subject = text.to_owned();
    if !subject::is_valid_subscription(text.as_bytes()) || subject::has_wildcards(text.as_bytes()) {
        return Err(MappingError::InvalidSubject { subject }.into());
    }
    if !subject::matches(transform.source().as_bytes(), text.as_bytes()) {
        return Err(MappingError::NoMatch { subject }.into());
    }
    let mut line = Vec::new();
    transform.append(text.as_bytes(), random, &mut line);
    line.push(b'\n');
    Ok(out.write_all(&line)?)
}

#[cfg(test)]
mod tests {
    use super::run_with;

    fn run(args: &[&str], input: &str) -> (String, Option<String>) {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let mut out = Vec::new();
        let error = run_with(&args, input.as_bytes(), &mut out).err();
        let out = String::from_utf8(out).unwrap();
        (out, error.map(|error| error.to_string()))
    }

    #[test]
    fn subjects_are_mapped_as_they_are_given() {
        let mapping = ["orders.*.*", "by.$2.{{partition(8,1)}}"];
        let arguments = [&mapping[..], &["orders.17.bob", "orders.18.eve"]].concat();
        let expected = "by.bob.1\nby.eve.4\n".to_owned();
        assert_eq!(run(&arguments, "not read"), (expected.clone(), None));
        assert_eq!(run(&mapping, "orders.17.bob\norders.18.eve\n"), (expected, None));
    }

    #[test]
    fn what_cannot_be_is_told() {
        for (args, error) in [
            (&["a"][..], "mapping takes a source, a destination, and subjects"),
            (
                &["a.*", "b.$2"],
                "invalid mapping destination: wildcard index out of range in $2: [2]",
            ),
            (&["a.*", "b.$1", "c"], "c: no matching transforms available"),
            (&["a.*", "b.$1", "a.*"], "a.*: invalid subject"),
            (&["a.*", "b.$1", "a."], "a.: invalid subject"),
        ] {
            assert_eq!(run(args, ""), (String::new(), Some(error.to_owned())));
        }
    }
}
