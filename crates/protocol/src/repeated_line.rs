//! Messages whose control line is that of the message before: those of one publisher on one subject often are as long as
//! each other. Then nothing has to be parsed.

/// The control line of a message, which the next may repeat.
#[derive(Debug, Default, Clone, Copy)]
pub struct RepeatedLine<'a> {
    line: &'a [u8],
    /// The length of the whole frame; 0 where nothing may be repeated.
    frame: usize,
}

impl<'a> RepeatedLine<'a> {
    /// That of a frame, which begins with a line of so many bytes.
    #[inline]
    pub fn of(frame: &'a [u8], line_len: usize) -> Self {
        Self {
            line: frame.get(..line_len).unwrap_or(frame),
            frame: frame.len(),
        }
    }

    /// The length of the frames, in bytes; 0 where nothing may be repeated.
    #[inline]
    pub fn frame(&self) -> usize {
        self.frame
    }

    /// How many frames at the start of `input` repeat the line. What is behind it is shown to `takes`, which may
    /// end the row. `at_most` says how many may be taken; it is asked if there is one.
    #[inline]
    pub fn count(
        &self,
        input: &[u8],
        at_most: impl FnOnce() -> usize,
        takes: impl Fn(&[u8]) -> bool,
    ) -> usize {
        let Some(first) = input.get(..self.frame).filter(|frame| !frame.is_empty()) else {
            return 0;
        };
        let repeats = |frame: &[u8]| {
            frame
                .split_at_checked(self.line.len())
                .is_some_and(|(line, behind)| {
                    is_same(line, self.line) && behind.ends_with(b"\r\n") && takes(behind)
                })
        };
        if !repeats(first) {
            return 0;
        }
        let frames = input.chunks_exact(self.frame).take(at_most());
        frames.take_while(|frame| repeats(frame)).count()
    }
}

/// Whether two texts are the same. Control lines are some ten bytes long and this is asked for each message: a call to
/// compare them would take longer than to compare them.
#[inline]
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let (words, rest) = one.as_chunks::<8>();
    let (other_words, other_rest) = other.as_chunks::<8>();
    if words.iter().zip(other_words).any(|(one, other)| one != other) {
        return false;
    }
    match (one.last_chunk::<8>(), other.last_chunk::<8>()) {
        (Some(one), Some(other)) => one == other,
        _ => rest.iter().zip(other_rest).all(|(one, other)| one == other),
    }
}

#[cfg(test)]
mod tests {
    use super::{RepeatedLine, is_same};

    /// How many of these frames repeat the line of `PUB a 1`, which 9 bytes are.
    #[track_caller]
    fn check(input: &[u8], at_most: usize, expected: usize) {
        let line = RepeatedLine::of(b"PUB a 1\r\nx\r\n", 9);
        let counted = line.count(input, || at_most, |behind| behind.first() != Some(&b'!'));
        assert_eq!(counted, expected, "{}", input.escape_ascii());
    }

    #[test]
    fn frames_in_a_row_are_counted() {
        check(b"PUB a 1\r\ny\r\nPUB a 1\r\nz\r\nPUB a 1\r\n", 9, 2);
        check(b"PUB a 1\r\ny\r\nPUB a 1\r\nz\r\n", 1, 1);
        check(b"PUB a 1\r\ny\r\nPUB b 1\r\nz\r\n", 9, 1);
        check(b"PUB b 1\r\ny\r\nPUB a 1\r\nz\r\n", 9, 0);
        check(b"PUB a 1\r\ny\r", 9, 0);
        check(b"", 9, 0);
    }

    #[test]
    fn what_is_behind_the_line_is_looked_at() {
        check(b"PUB a 1\r\ny\r\nPUB a 1\r\nzz\r", 9, 1);
        check(b"PUB a 1\r\ny\r\nPUB a 1\r\n!\r\n", 9, 1);
        check(b"PUB a 1\r\n!\r\nPUB a 1\r\nz\r\n", 9, 0);
    }

    #[test]
    fn nothing_repeats_no_line() {
        let nothing = RepeatedLine::default();
        assert_eq!(nothing.count(b"PUB a 1\r\ny\r\n", || 9, |_| true), 0);
    }

    #[test]
    fn lines_are_the_same_if_every_byte_is() {
        for length in 0..40 {
            let line: Vec<u8> = (0..length).collect();
            assert!(is_same(&line, &line.clone()));
            assert!(!is_same(&line, &[&line[..], b"x"].concat()));
            for at in 0..line.len() {
                let mut other = line.clone();
                other[at] ^= 1;
                assert!(!is_same(&line, &other), "{length} {at}");
            }
        }
    }
}
