//! Any text at all, which may include itself and be the value of any variable: reading ends without a
//! panic, twice in the same way, and every error names a line that there is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::io;
use std::path::Path;
use vagus_configs::grammar::Files;
use vagus_configs::{ConfigError, parse};

/// `half.conf` is the second half of the text, and there is no other file.
struct Half<'t>(&'t str);

impl Files for Half<'_> {
    fn read(&self, path: &Path) -> io::Result<String> {
        if path == Path::new("half.conf") {
            Ok(self.0.to_owned())
        } else {
            Err(io::Error::from(io::ErrorKind::NotFound))
        }
    }
}

fuzz_target!(|text: &str| {
    let (first, second) = text.split_once('\u{1}').unwrap_or((text, ""));
    let read = || {
        let environment = |name: &str| (name.len() == 1).then(|| second.to_owned());
        parse(first, Path::new("whole.conf"), &Half(second), &environment)
    };
    let lines = text.split('\n').count();
    match (read(), read()) {
        (Ok(one), Ok(other)) => assert_eq!(one, other),
        (Err(ConfigError::Invalid(one)), Err(ConfigError::Invalid(other))) => {
            assert_eq!(one, other);
            assert!(one.iter().all(|problem| problem.place.line as usize <= lines));
        }
        (Err(ConfigError::Syntax(one)), Err(ConfigError::Syntax(other))) => {
            assert_eq!(one, other);
            assert!(one.place.line as usize <= lines);
        }
        (one, other) => panic!("{one:?} {other:?}"),
    }
});
