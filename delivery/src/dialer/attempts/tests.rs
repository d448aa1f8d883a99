//! Time and outcomes in, steps out, as text.

use super::{Attempts, DialSettings, Step};
use crate::dialer::DialError;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Host number 3 is `127.0.0.3:1`.
fn address(number: u8) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, number], 1))
}

fn error() -> DialError {
    DialError::Connect {
        address: address(1),
        source: io::ErrorKind::ConnectionRefused.into(),
    }
}

/// Has things happen at these milliseconds, and holds what is done then against what is expected.
#[track_caller]
fn check(settings: DialSettings, random: impl FnMut(u64) -> u64, script: &str) {
    let start = Instant::now();
    let mut attempts = Attempts::new(settings, random);
    let show = |step: Step| {
        let at = |moment: Instant| moment.duration_since(start).as_millis();
        match step {
            Step::Resolve => "resolve".to_owned(),
            Step::Connect(address, until) => {
                format!(
                    "connect {} until {}",
                    address.ip().to_string().replace("127.0.0.", ""),
                    at(until)
                )
            }
            Step::Wait(until) => format!("wait until {}", at(until)),
            Step::GiveUp => "give up".to_owned(),
        }
    };
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (happens, expected) = line.split_once(" -> ").unwrap_or((line, ""));
        let mut words = happens.split_whitespace();
        let milliseconds: u64 = words.next().unwrap().parse().unwrap();
        let now = start + Duration::from_millis(milliseconds);
        let event = words.next().unwrap();
        let numbers: Vec<u8> = words.map(|word| word.parse().unwrap()).collect();
        let error = error();
        let fail = |attempts: &mut Attempts<_>| {
            let (failed, step) = attempts.fail(&error, now);
            let loud = if failed.is_reported { "error" } else { "debug" };
            format!("{loud} {}, {}", failed.number, show(step))
        };
        let done = match event {
            "begin" => show(attempts.begin(now)),
            "found" => {
                let found = numbers.into_iter().map(address).collect();
                match attempts.resolved(found, now) {
                    Some(step) => show(step),
                    None => fail(&mut attempts),
                }
            }
            "unreachable" => match attempts.unreachable(now) {
                Some(step) => show(step),
                None => fail(&mut attempts),
            },
            "connected" => {
                attempts.connected();
                String::new()
            }
            "failed" => fail(&mut attempts),
            "established" => {
                attempts.established();
                String::new()
            }
            "lost" => show(attempts.lost(now)),
            other => panic!("{other}"),
        };
        assert_eq!(done, expected, "{line}");
    }
}

/// Neither mixes nor adds anything.
fn evenly(_: u64) -> u64 {
    0
}

/// Leaves addresses as they are, and adds the most.
fn most(below: u64) -> u64 {
    below - 1
}

fn fixed() -> DialSettings {
    DialSettings {
        longest_delay: Duration::ZERO,
        jitter: Duration::ZERO,
        ..DialSettings::default()
    }
}

#[test]
fn all_addresses_are_tried_before_it_waits() {
    check(
        fixed(),
        most,
        "
        0    begin         -> resolve
        5    found 1 2 3   -> connect 3 until 1005
        10   unreachable   -> connect 2 until 1010
        1010 unreachable   -> connect 1 until 2010
        1020 connected
        1030 established
        9000 lost          -> wait until 10000
        9500 begin         -> wait until 10000
        10000 begin        -> resolve
        10001 found 4      -> connect 4 until 11001
        10002 unreachable  -> error 1, wait until 11002
        ",
    );
}

/// Each order of three addresses comes as often as any other, as nothing but `random` decides.
#[test]
fn addresses_are_tried_in_random_order() {
    let mut first = Vec::new();
    for one in 0..3 {
        for other in 0..2 {
            let mut drawn = [one, other].into_iter();
            let random = move |below: u64| drawn.next().unwrap().min(below - 1);
            let mut attempts = Attempts::new(fixed(), random);
            let now = Instant::now();
            attempts.begin(now);
            let mut order = Vec::new();
            let mut step = attempts.resolved((1..=3).map(address).collect(), now);
            while let Some(Step::Connect(address, _)) = step {
                order.push(address);
                step = attempts.unreachable(now);
            }
            order.dedup();
            assert_eq!(order.len(), 3);
            first.push(order);
        }
    }
    first.sort_unstable();
    first.dedup();
    assert_eq!(first.len(), 6);
}

#[test]
fn it_waits_twice_as_long_each_time_up_to_a_bound() {
    let settings = DialSettings {
        longest_delay: Duration::from_secs(5),
        ..DialSettings::default()
    };
    check(
        settings,
        most,
        "
        0     begin   -> resolve
        0     failed  -> error 1, wait until 1100
        1100  begin   -> resolve
        1100  failed  -> debug 2, wait until 3200
        3200  begin   -> resolve
        3200  failed  -> debug 3, wait until 7300
        7300  begin   -> resolve
        7300  failed  -> debug 4, wait until 12400
        12400 begin   -> resolve
        12400 failed  -> debug 5, wait until 17500
        17500 begin   -> resolve
        17500 found 1 -> connect 1 until 18500
        17501 connected
        17502 failed  -> debug 6, wait until 18602
        18602 begin   -> resolve
        18602 found 1 -> connect 1 until 19602
        18603 connected
        18604 established
        18605 lost    -> wait until 19705
        ",
    );
}

/// Who answers, but is never who is looked for, is left alone for longer each time, however soon others are tried again.
#[test]
fn it_waits_longer_where_connections_come_to_nothing() {
    check(
        fixed(),
        most,
        "
        0     begin       -> resolve
        0     found 1     -> connect 1 until 1000
        0     connected
        10    failed      -> error 1, wait until 1010
        1010  begin       -> resolve
        1010  found 1     -> connect 1 until 2010
        1010  connected
        1020  failed      -> debug 2, wait until 3020
        3020  begin       -> resolve
        3020  found 1     -> connect 1 until 4020
        3020  connected
        3030  failed      -> debug 3, wait until 7030
        7030  begin       -> resolve
        7030  found 1     -> connect 1 until 8030
        7030  unreachable -> debug 4, wait until 8030
        8030  begin       -> resolve
        8030  found 1     -> connect 1 until 9030
        8030  connected
        8040  failed      -> debug 5, wait until 9040
        9040  begin       -> resolve
        9040  found 1     -> connect 1 until 10040
        9040  connected
        9050  established
        9060  lost        -> wait until 10060
        ",
    );
}

/// For ever: no number of attempts is too large to reckon with.
#[test]
fn it_goes_on_for_ever() {
    let mut attempts = Attempts::new(DialSettings::default(), evenly);
    let (mut now, error) = (Instant::now(), error());
    for _ in 0..10_000 {
        assert_eq!(attempts.begin(now), Step::Resolve);
        let (_, Step::Wait(until)) = attempts.fail(&error, now) else {
            panic!("it gives up");
        };
        assert!(until - now <= DialSettings::default().longest_delay);
        now = until;
    }
}

#[test]
fn what_is_reported() {
    let settings = DialSettings {
        connect_error_reports: 3,
        reconnect_error_reports: 2,
        ..fixed()
    };
    check(
        settings,
        evenly,
        "
        0    failed -> error 1, wait until 1000
        1000 failed -> debug 2, wait until 2000
        2000 failed -> error 3, wait until 3000
        3000 failed -> debug 4, wait until 4000
        4000 failed -> debug 5, wait until 5000
        5000 failed -> error 6, wait until 6000
        6000 connected
        6000 established
        6000 lost   -> wait until 7000
        7000 failed -> error 1, wait until 8000
        8000 failed -> error 2, wait until 9000
        9000 failed -> debug 3, wait until 10000
        ",
    );
}

#[test]
fn it_is_given_up_where_that_is_asked_for() {
    let settings = DialSettings {
        attempts_at_most: Some(2),
        ..fixed()
    };
    check(
        settings,
        evenly,
        "
        0    begin   -> resolve
        0    found   -> error 1, wait until 1000
        1000 begin   -> resolve
        1000 found 1 -> connect 1 until 2000
        2000 unreachable -> debug 2, give up
        3000 begin   -> give up
        ",
    );
}
