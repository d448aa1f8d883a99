//! Texts that are nearly right: whatever they are, reading ends, and gives a valid configuration or an error
//! that names a place in the text.

use super::read;
use crate::{ConfigError, Port};
use fastrand::Rng;

const SEEDS: [&str; 8] = [
    include_str!("../../../server.conf"),
    include_str!("../../../limits.conf"),
    include_str!("../../../users.conf"),
    "authorization { users = { {user u, nkey: U} {user: v, clients: [mqtt]} }, token t }\nno_auth_user u",
    "A { user u, password \"a\\x41\\n\" }\nauthorization: $A // c\nlisten: '[::1]:4222'",
    "{\"max_payload\": 8kb, \"ping_interval\": \"2m\", \"x\": [1, 2.5, {a: (\nblock\n)\n}], b: $x}",
    "include ./none.conf\n a = 2016-05-04T18:53:41Z; b: 127.0.0.1:4222, c: $2a$11$abc",
    "max_conn -1\nmax_subs: 1_0\nlogtime off # c\nwrite_deadline '-5ms'\n}",
];

/// What the grammar gives a meaning to.
const PIECES: [&str; 30] = [
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "\n)",
    "\n",
    "\r\n",
    ",",
    ";",
    ":",
    "=",
    "\"",
    "'",
    "\\",
    "\\x4",
    "$",
    "$A",
    "#",
    "//",
    "/",
    "-",
    ".",
    "9",
    "999999999999999999999",
    "k",
    "include ",
    "\0",
    "é",
];

fn mutate(text: &mut Vec<char>, dice: &mut Rng) {
    let at = dice.usize(..text.len() + 1);
    match dice.usize(..4) {
        0 => {
            text.truncate(at);
        }
        1 => {
            let end = (at + 1 + dice.usize(..8)).min(text.len());
            text.drain(at.min(end)..end);
        }
        2 => {
            let end = (at + dice.usize(..20)).min(text.len());
            let copy = text[at..end].to_vec();
            let to = dice.usize(..text.len() + 1);
            text.splice(to..to, copy);
        }
        _ => {
            let piece = PIECES[dice.usize(..PIECES.len())];
            text.splice(at..at, piece.chars());
        }
    }
}

#[test]
fn nearly_right_texts() {
    let mut dice = Rng::with_seed(1);
    let (mut valid, mut invalid, mut unreadable) = (0, 0, 0);
    for round in 0..20_000 {
        let mut text: Vec<char> = SEEDS[round % SEEDS.len()].chars().collect();
        for _ in 0..=dice.usize(..4) {
            mutate(&mut text, &mut dice);
        }
        let text: String = text.into_iter().collect();
        let lines = text.split('\n').count();
        match read(&text) {
            Ok(loaded) => {
                valid += 1;
                let limits = &loaded.config.limits;
                assert!(
                    limits.max_payload > 0 && limits.max_control_line > 0 && limits.ping_max > 0,
                    "{text}"
                );
                assert!(
                    limits.max_payload <= limits.max_pending || !loaded.obstacles.is_empty(),
                    "{text}"
                );
                assert_ne!(loaded.config.clients.listen.port, Port::Fixed(0), "{text}");
            }
            Err(ConfigError::Invalid(problems)) => {
                invalid += 1;
                assert!(
                    problems
                        .iter()
                        .all(|problem| (1..=lines).contains(&(problem.place.line as usize))),
                    "{text}"
                );
            }
            Err(ConfigError::Syntax(error)) => {
                unreadable += 1;
                assert!((1..=lines).contains(&(error.place.line as usize)), "{text}");
            }
            Err(error @ ConfigError::Unreadable { .. }) => panic!("{error}"),
        }
    }
    // Each kind of text is among them.
    assert!(
        valid > 1000 && invalid > 1000 && unreadable > 1000,
        "{valid} {invalid} {unreadable}"
    );
}
