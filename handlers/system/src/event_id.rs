//! What tells events apart: 22 letters and digits that no other event has.

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// One more. It is not to be kept secret, and need not be hard to guess.
pub(crate) fn next() -> String {
    (0..22)
        .filter_map(|_| LETTERS.get(fastrand::usize(..LETTERS.len())))
        .map(|letter| char::from(*letter))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn has_22_letters_and_is_another_each_time() {
        let (one, other) = (super::next(), super::next());
        assert_eq!((one.len(), other.len()), (22, 22));
        assert_ne!(one, other);
    }
}
