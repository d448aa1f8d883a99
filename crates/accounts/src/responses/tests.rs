use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn terms(list: u32, response_type: ResponseType) -> Terms {
    Terms {
        list,
        response_type,
        threshold: 10 * SECOND,
    }
}

fn ask(responses: &mut Responses<u32>, terms: Terms, request: u32, now: Duration) -> Vec<u8> {
    let mut subject = Vec::new();
    let given_up = responses.wait(terms, (b"inbox", false), request, now, &mut subject);
    assert_eq!(given_up, [0_u32; 0]);
    subject
}

fn requests(answers: impl IntoIterator<Item = Option<Answer<u32>>>) -> Vec<Option<u32>> {
    let requests = answers
        .into_iter()
        .map(|answer| answer.map(|answer| answer.request));
    requests.collect()
}

#[test]
fn one_answer_is_all_there_is() {
    let mut responses = Responses::default();
    let subject = ask(&mut responses, terms(7, ResponseType::Singleton), 1, SECOND);
    assert!(
        subject.starts_with(&responses.prefix)
            && vagus_routing::subject::matches(&responses.pattern(), &subject)
    );
    let answer = responses.answer(&subject, false, 2 * SECOND).unwrap();
    assert_eq!(
        (&*answer.reply, answer.request, answer.list),
        (&b"inbox"[..], 1, 7)
    );
    assert_eq!(responses.answer(&subject, false, 2 * SECOND), None);
    assert!(responses.is_empty());
}

#[test]
fn several_answers_are_taken_until_there_are_none_for_a_while() {
    for response_type in [ResponseType::Stream, ResponseType::Chunked] {
        let mut responses = Responses::default();
        let ended = ask(&mut responses, terms(1, response_type), 1, Duration::ZERO);
        let subject = ask(&mut responses, terms(1, response_type), 2, Duration::ZERO);
        let answers = [9, 18, 27].map(|at| responses.answer(&subject, false, at * SECOND));
        assert_eq!(requests(answers), [Some(2); 3]);
        // Not given up yet, and late all the same.
        assert_eq!(responses.answer(&ended, false, 10 * SECOND), None);
        assert_eq!(responses.answer(&subject, false, 37 * SECOND), None);
        let subject = ask(&mut responses, terms(1, response_type), 3, 40 * SECOND);
        let ends = [false, true, false].map(|is_end| responses.answer(&subject, is_end, 41 * SECOND));
        assert_eq!(requests(ends), [Some(3), Some(3), None]);
    }
}

#[test]
fn what_is_not_answered_is_given_up_in_parts() {
    let mut responses = Responses::default();
    for request in 0..10 {
        let list = terms(request % 2, ResponseType::Singleton);
        ask(&mut responses, list, request, request * SECOND);
    }
    assert_eq!(responses.expire(9 * SECOND, 100), [0_u32; 0]);
    let mut expired = responses.expire(14 * SECOND, 100);
    expired.sort_unstable();
    assert_eq!((expired, responses.len()), (vec![0, 1, 2, 3, 4], 5));
    assert_eq!(responses.expire(60 * SECOND, 3).len(), 3);
    assert_eq!(responses.expire(60 * SECOND, 3).len(), 2);
    assert!(responses.is_empty() && responses.lists.is_empty());
}

/// Who asks without end takes from nobody else.
#[test]
fn the_oldest_of_the_same_import_makes_room() {
    let mut responses = Responses::default();
    let other = ask(&mut responses, terms(1, ResponseType::Singleton), 0, SECOND);
    let first = ask(&mut responses, terms(2, ResponseType::Singleton), 1, SECOND);
    let second = ask(&mut responses, terms(2, ResponseType::Singleton), 2, SECOND);
    let mut subject = Vec::new();
    let wait = |responses: &mut Responses<u32>, reply: &[u8], subject: &mut Vec<u8>| {
        subject.clear();
        responses.wait(
            terms(2, ResponseType::Singleton),
            (reply, false),
            3,
            SECOND,
            subject,
        )
    };
    for _ in 2..AWAITED_AT_MOST {
        assert_eq!(wait(&mut responses, b"r", &mut subject), [0_u32; 0]);
    }
    assert_eq!(wait(&mut responses, b"r", &mut subject), [1]);
    let answers = [&first, &second, &other].map(|subject| responses.answer(subject, false, SECOND));
    assert_eq!(requests(answers), [None, Some(2), Some(0)]);
    // By bytes as well.
    let long = vec![b'r'; 4096];
    for _ in 0..AWAITED_AT_MOST {
        wait(&mut responses, &long, &mut subject);
    }
    assert_eq!(responses.lists[&2].bytes, REPLY_BYTES_AT_MOST);
    assert_eq!(responses.len(), REPLY_BYTES_AT_MOST / 4096);
}

#[test]
fn what_no_one_was_told_is_no_answer() {
    let mut responses = Responses::default();
    let subject = ask(&mut responses, terms(61, ResponseType::Singleton), 1, SECOND);
    let prefix = responses.prefix.clone();
    let wrong: [Vec<u8>; 5] = [
        prefix.to_vec(),
        [&*prefix, b"short"].concat(),
        [&*prefix, &[b'z'; 40]].concat(),
        [&subject[..], b"z"].concat(),
        [&subject[..], b".T"].concat(),
    ];
    for wrong in &wrong {
        assert_eq!(responses.answer(wrong, false, SECOND), None);
    }
    let mut changed = subject.clone();
    changed[prefix.len()] = if changed[prefix.len()] == b'0' { b'1' } else { b'0' };
    assert_eq!(responses.answer(&changed, false, SECOND), None);
    assert_eq!(responses.forget(&subject), Some(1));
    assert_eq!(responses.forget(&subject), None);
}

#[test]
fn replies_that_are_marked_are_known_by_it_and_answered_as_others() {
    let mut responses = Responses::default();
    responses.set_mark(b".S.T");
    let (mut marked, mut plain) = (Vec::new(), Vec::new());
    let terms = terms(5, ResponseType::Singleton);
    responses.wait(terms, (b"a", true), 1, SECOND, &mut marked);
    responses.wait(terms, (b"b", false), 2, SECOND, &mut plain);
    assert!(marked.ends_with(b".S.T") && !plain.ends_with(b".S.T"));
    assert!(responses.is_awaited(&marked) && responses.is_awaited(&plain));
    assert!(!responses.is_awaited(b"_R_.x"));
    let answers = [&marked, &plain].map(|subject| responses.answer(subject, false, SECOND));
    assert_eq!(requests(answers), [Some(1), Some(2)]);
    assert!(!responses.is_awaited(&marked));
}
