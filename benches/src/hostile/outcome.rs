//! The table, and what the first server promised.

use std::time::Duration;

use super::probes::KINDS;
use super::scene::{KEPT_AT_MOST, Outcome};
use crate::table::Table;

/// Nobody waits longer than this beside an attack, on any server.
pub const LONGEST_WAIT: Duration = Duration::from_millis(300);

/// Waits up to this long are the machine's: on two cores a thread waits so long for its turn.
pub const OF_NO_ACCOUNT: Duration = Duration::from_millis(60);

/// What one attack came to, server by server; an attack that could not be carried out says why.
pub type Row = (&'static str, Vec<(String, Result<Outcome, String>)>);

/// What is wrong with the first server's outcome, beside the best of the others; nothing if it kept its promises.
pub fn broken(first: &Outcome, others: &[&Outcome]) -> Vec<String> {
    let mut broken = Vec::new();
    for (kind, waits) in KINDS.iter().zip(&first.waits) {
        if let Some(failure) = &waits.failure {
            broken.push(format!("{kind}: {failure}"));
            continue;
        }
        let Some(longest) = waits.longest() else { continue };
        let at = KINDS.iter().position(|other| other == kind).unwrap_or_default();
        let theirs = others
            .iter()
            .filter_map(|other| other.waits.get(at)?.longest())
            .min();
        if longest > LONGEST_WAIT {
            broken.push(format!("{kind} waited"));
        } else if longest > OF_NO_ACCOUNT && theirs.is_some_and(|theirs| longest > theirs * 2) {
            broken.push(format!("{kind} waited longer"));
        }
    }
    let [before, _, after] = first.memory;
    if after > before + KEPT_AT_MOST {
        broken.push("memory kept".to_owned());
    }
    broken
}

/// The better of two rounds: what waited least at the worst.
pub fn better(one: Outcome, other: Outcome) -> Outcome {
    let worst = |outcome: &Outcome| {
        let longest = outcome.waits.iter().filter_map(|waits| waits.longest()).max();
        (outcome.waits.iter().any(|waits| waits.failure.is_some()), longest)
    };
    if worst(&other) < worst(&one) { other } else { one }
}

/// The table; and whether the first server kept all its promises.
pub fn render(rows: &[Row], markdown: bool) -> (String, bool) {
    let mut header = vec!["attack", "server"];
    header.extend(KINDS);
    header.extend(["peak", "kept", "verdict"]);
    let mut table = Table::new(&header, 2);
    let mut kept_all = true;
    for (attack, outcomes) in rows {
        let others: Vec<&Outcome> = outcomes[1..]
            .iter()
            .filter_map(|(_, outcome)| outcome.as_ref().ok())
            .collect();
        for (number, (server, outcome)) in outcomes.iter().enumerate() {
            let mut cells = vec![(*attack).to_owned(), server.clone()];
            let mut said = Vec::new();
            match outcome {
                Err(why) => {
                    cells.extend((0..KINDS.len() + 2).map(|_| String::new()));
                    said.push(why.clone());
                    kept_all &= number > 0;
                }
                Ok(outcome) => {
                    cells.extend((0..KINDS.len()).map(|kind| shown_wait(outcome, kind)));
                    let [before, worst, after] = outcome.memory;
                    cells.push(megabytes(worst - before));
                    cells.push(megabytes(after.saturating_sub(before)));
                    if number == 0 {
                        said = broken(outcome, &others);
                        kept_all &= said.is_empty();
                        if said.is_empty() {
                            said.push("ok".to_owned());
                        }
                    }
                    said.extend(Some(outcome.note.clone()).filter(|note| !note.is_empty()));
                }
            }
            cells.push(said.join("; "));
            table.push(cells);
        }
    }
    (table.render(markdown), kept_all)
}

/// Waits and memory as the table has them, in a line.
pub fn in_a_line(outcome: &Outcome) -> String {
    let waits: Vec<String> = (KINDS.iter().enumerate())
        .map(|(at, kind)| format!("{kind} {}", shown_wait(outcome, at)))
        .collect();
    let [before, worst, after] = outcome.memory;
    let (peak, kept) = (megabytes(worst - before), megabytes(after.saturating_sub(before)));
    format!(
        "{}, peak {peak} MB, kept {kept} MB {}",
        waits.join(", "),
        outcome.note
    )
}

fn shown_wait(outcome: &Outcome, kind: usize) -> String {
    let Some(waits) = outcome.waits.get(kind) else {
        return String::new();
    };
    if waits.failure.is_some() {
        return "failed".to_owned();
    }
    waits.longest().map_or_else(
        || "-".to_owned(),
        |longest| format!("{:.0}", longest.as_secs_f64() * 1e3),
    )
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0}", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hostile::probes::Waits;

    fn outcome(waits: [u64; 5], memory: [u64; 3]) -> Outcome {
        let wait = |milliseconds| Waits {
            times: vec![Duration::from_millis(1), Duration::from_millis(milliseconds)],
            failure: None,
        };
        Outcome {
            waits: waits.map(wait).to_vec(),
            memory: memory.map(|megabytes| megabytes * 1024 * 1024),
            note: String::new(),
        }
    }

    #[test]
    fn promises() {
        let check = |ours: &Outcome, theirs: &Outcome, expected: &[&str]| {
            assert_eq!(broken(ours, &[theirs]), expected);
        };
        let fine = outcome([5, 6, 7, 8, 9], [10, 500, 40]);
        let slow = outcome([400, 6, 7, 8, 9], [10, 500, 40]);
        check(&fine, &slow, &[]);
        check(&slow, &fine, &["ping waited"]);
        check(
            &outcome([5, 150, 7, 8, 9], [10, 500, 41]),
            &fine,
            &["message waited longer", "memory kept"],
        );
        let mut failed = fine.clone();
        failed.waits[3].failure = Some("closed".to_owned());
        check(&failed, &fine, &["connect: closed"]);
        assert_eq!(better(failed, fine.clone()), fine);
        assert_eq!(better(fine.clone(), slow), fine);
    }

    #[test]
    fn the_table_says_who_broke_what() {
        let rows = [(
            "storm",
            vec![
                ("ours".to_owned(), Ok(outcome([1, 2, 3, 4, 301], [1, 2, 1]))),
                ("theirs".to_owned(), Err("did not start".to_owned())),
            ],
        )];
        let (text, kept_all) = render(&rows, false);
        assert!(!kept_all);
        assert!(text.contains("health waited"), "{text}");
        assert!(text.contains("did not start"), "{text}");
    }
}
