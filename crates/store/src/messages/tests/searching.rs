//! What is found by cursors that are kept while messages come and go.

use super::*;

/// A subject all of whose messages are gone may come again: that everything else matched says nothing of it.
#[test]
fn what_a_filter_does_not_match_is_not_found_when_its_subject_comes_again() {
    for mut world in [World::in_memory(), World::on_disk(1)] {
        let mut append = |sequence, subject| {
            let message = message(sequence, subject, b"");
            world.messages.append(message).unwrap();
        };
        append(1, "a");
        append(2, "b");
        world.messages.remove(2).unwrap();
        let mut cursor = Cursor::new(vec![Bytes::from_static(b"a")], 1);
        assert_eq!(world.messages.next(&mut cursor).unwrap(), Some(1));
        for (sequence, subject) in [(3, "b"), (4, "a"), (5, "b")] {
            let message = message(sequence, subject, b"");
            world.messages.append(message).unwrap();
        }
        cursor.seek(2);
        assert_eq!(world.messages.next(&mut cursor).unwrap(), Some(4));
        cursor.seek(5);
        assert_eq!(world.messages.next(&mut cursor).unwrap(), None);
    }
}
