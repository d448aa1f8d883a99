use super::*;

const MILLISECOND: Duration = Duration::from_millis(1);

/// Some moment.
const START: Duration = Duration::from_secs(1_000);

fn responses(max: i64, expires: Duration, limit: usize) -> (Responses, Duration) {
    let permission = ResponsePermission::from_config(max, expires.as_nanos() as i64);
    (Responses::new(permission, limit), START)
}

#[test]
fn a_request_entitles_to_its_answers_on_its_subject() {
    for (max, expected) in [(0, 1), (1, 1), (3, 3), (-1, 5)] {
        let (mut responses, now) = responses(max, Duration::ZERO, 8);
        assert!(!responses.answer(b"inbox.1", now), "too early");
        responses.record(b"inbox.1", now);
        let answers = (0..5).filter(|_| responses.answer(b"inbox.1", now)).count();
        assert_eq!(answers, expected, "max {max}");
        assert!(!responses.answer(b"inbox.2", now), "not asked");
        assert!(!responses.answer(b"inbox", now));
    }
}

#[test]
fn an_entitlement_expires() {
    let (mut responses, start) = responses(10, 100 * MILLISECOND, 8);
    responses.record(b"inbox.1", start);
    assert!(responses.answer(b"inbox.1", start + 100 * MILLISECOND));
    assert!(!responses.answer(b"inbox.1", start + 101 * MILLISECOND));
    assert!(responses.is_empty());
}

#[test]
fn the_defaults_are_one_answer_in_two_minutes() {
    let (mut responses, start) = responses(0, Duration::ZERO, 8);
    for (after, expected) in [(120, true), (121, false)] {
        responses.record(b"r", start);
        assert_eq!(
            responses.answer(b"r", start + Duration::from_secs(after)),
            expected
        );
        assert!(!responses.answer(b"r", start));
    }
}

#[test]
fn without_an_expiry_it_stays() {
    let mut responses = Responses::new(ResponsePermission::from_config(1, -1), 8);
    let start = START;
    responses.record(b"r", start);
    responses.record(b"s", start + Duration::from_secs(1_000_000));
    assert!(responses.answer(b"r", start + Duration::from_secs(1_000_000)));
}

#[test]
fn a_second_request_with_the_same_reply_begins_anew() {
    let (mut responses, start) = responses(2, 100 * MILLISECOND, 8);
    responses.record(b"r", start);
    assert!(responses.answer(b"r", start));
    responses.record(b"r", start + 60 * MILLISECOND);
    assert_eq!(responses.len(), 1);
    let late = start + 150 * MILLISECOND;
    responses.record(b"other", late);
    assert!(responses.answer(b"r", late) && responses.answer(b"r", late));
    assert!(!responses.answer(b"r", late));
}

#[test]
fn past_the_limit_the_oldest_request_is_forgotten() {
    let (mut responses, now) = responses(1, Duration::ZERO, 3);
    for reply in ["a", "b", "c"] {
        responses.record(reply.as_bytes(), now);
    }
    responses.record(b"a", now);
    responses.record(b"d", now);
    assert_eq!(responses.len(), 3);
    assert!(!responses.answer(b"b", now));
    assert!(
        ["a", "c", "d"]
            .iter()
            .all(|reply| responses.answer(reply.as_bytes(), now))
    );
}

#[test]
fn expired_requests_give_their_room_back() {
    let (mut responses, start) = responses(1, 100 * MILLISECOND, 1000);
    for reply in 0..500u32 {
        responses.record(&reply.to_be_bytes(), start);
    }
    responses.record(b"r", start + 101 * MILLISECOND);
    assert_eq!((responses.len(), responses.order.len()), (1, 1));
}

#[test]
fn answered_requests_leave_nothing() {
    let mut responses = Responses::new(ResponsePermission::from_config(1, -1), 1000);
    let now = START;
    responses.record(b"never answered", now);
    for reply in 0..10_000u32 {
        responses.record(&reply.to_be_bytes(), now);
        assert!(responses.answer(&reply.to_be_bytes(), now));
        assert!(responses.order.len() <= 2 * responses.len() + 66);
    }
    assert_eq!(responses.len(), 1);
    assert!(responses.answer(b"never answered", now));
}

#[test]
fn a_clock_that_stands_or_lags_costs_nothing() {
    let (mut responses, start) = responses(1, MILLISECOND, 8);
    responses.record(b"r", start);
    responses.record(b"s", start - MILLISECOND);
    assert!(responses.answer(b"r", start - MILLISECOND));
    assert!(responses.answer(b"s", start));
}

#[test]
fn long_replies_are_bounded_in_bytes() {
    let mut responses = Responses::new(ResponsePermission::default(), DEFAULT_LIMIT);
    let reply = |number: usize| format!("{number:04096}").into_bytes();
    for number in 0..10_000 {
        responses.record(&reply(number), Duration::ZERO);
        assert!(responses.bytes <= BYTES_AT_MOST);
    }
    assert_eq!(responses.len(), BYTES_AT_MOST / (4096 + ENTRY));
    assert!(
        !responses.answer(&reply(0), Duration::ZERO),
        "the oldest is forgotten"
    );
    assert!(responses.answer(&reply(9_999), Duration::ZERO));
    // What is answered makes room, and one that takes more than there is is not remembered.
    responses.record(&vec![b'x'; BYTES_AT_MOST], Duration::ZERO);
    assert_eq!((responses.len(), responses.bytes), (0, 0));
    for _ in 0..10_000 {
        responses.record(b"again", Duration::ZERO);
    }
    assert_eq!(responses.len(), 1);
    assert!(responses.order.len() <= 66 && responses.bytes == responses.order.len() * cost(b"again"));
}

#[test]
fn usual_replies_fit_as_many_as_may_be() {
    let mut responses = Responses::new(ResponsePermission::default(), DEFAULT_LIMIT);
    for number in 0..DEFAULT_LIMIT {
        responses.record(
            format!("_INBOX.{number:022}.{number:08}").as_bytes(),
            Duration::ZERO,
        );
    }
    assert_eq!(responses.len(), DEFAULT_LIMIT);
}
