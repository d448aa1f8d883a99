use super::{
    GetRequest, InfoAnswer, NamesAnswer, Paged, PurgeAnswer, PurgeRequest, answer, is_empty,
    requires_other_level, says_something,
};
use crate::error::ApiError;

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn errors_leave_the_rest_as_it_is() {
    assert_eq!(
        text(answer::<InfoAnswer>(Err(ApiError::STREAM_NOT_FOUND))),
        concat!(
            r#"{"type":"io.nats.jetstream.api.v1.stream_info_response","#,
            r#""error":{"code":404,"err_code":10059,"description":"stream not found"},"#,
            r#""total":0,"offset":0,"limit":0}"#
        )
    );
    assert_eq!(
        text(answer::<PurgeAnswer>(Err(ApiError::BAD_REQUEST))),
        concat!(
            r#"{"type":"io.nats.jetstream.api.v1.stream_purge_response","#,
            r#""error":{"code":400,"err_code":10003,"description":"bad request"},"purged":0}"#
        )
    );
}

#[test]
fn lists_are_shown_in_pages() {
    let page = |offset, limit| {
        let paged = Paged::new(["a", "b", "c"].into_iter(), offset, limit);
        let page = paged.page;
        (paged.shown, page.total, page.offset)
    };
    assert_eq!(page(0, 2), (vec!["a", "b"], 3, 0));
    assert_eq!(page(1, 2), (vec!["b", "c"], 3, 1));
    assert_eq!(page(-1, 9), (vec!["a", "b", "c"], 3, 0));
    assert_eq!(page(50, 9), (vec![], 3, 3));
    assert_eq!(
        text(answer(Ok(NamesAnswer::default()))),
        r#"{"type":"io.nats.jetstream.api.v1.stream_names_response","total":0,"offset":0,"limit":0,"streams":null}"#
    );
}

#[test]
fn what_says_nothing_is_told_apart() {
    for (request, says, empty) in [
        ("", false, true),
        ("{}", true, true),
        (" {\n} ", true, true),
        ("[]", true, false),
        ("nonsense", false, false),
        ("null", false, false),
        ("{\"a\":1}", true, false),
    ] {
        assert_eq!(says_something(request.as_bytes()), says, "{request:?}");
        assert_eq!(is_empty(request.as_bytes()), empty, "{request:?}");
    }
}

#[test]
fn levels_that_are_not_known_are_refused() {
    for (level, is_refused) in [("", false), ("0", false), ("4", false), ("5", true), ("x", true)] {
        let headers = format!("NATS/1.0\r\nNats-Required-Api-Level: {level}\r\n\r\n");
        assert_eq!(requires_other_level(headers.as_bytes()), is_refused, "{level:?}");
    }
    assert!(!requires_other_level(b""));
}

#[test]
fn numbers_have_to_be_such() {
    let said = |outcome: Result<_, ApiError>| outcome.unwrap_err().description.into_owned();
    assert_eq!(
        said(PurgeRequest::from_json(br#"{"seq":-1}"#, true)),
        "invalid JSON: json: cannot unmarshal number -1 into Go struct field JSApiStreamPurgeRequest.seq of type uint64"
    );
    assert!(PurgeRequest::from_json(br#"{"colour":1,"keep":2}"#, false).is_ok());
    let request = PurgeRequest::from_json(br#"{"Seq":3,"filter":null}{"keep":1}"#, true).unwrap();
    assert_eq!((request.sequence, request.keep), (3, 1));
}

#[test]
fn one_message_is_asked_for_in_one_way() {
    for (request, is_good) in [
        (r#"{"seq":1}"#, true),
        (r#"{"last_by_subj":"a"}"#, true),
        (r#"{"next_by_subj":"a"}"#, true),
        (r#"{"seq":2,"next_by_subj":"a"}"#, true),
        (r#"{"start_time":"2026-01-01T00:00:00Z"}"#, true),
        (r#"{"seq":0}"#, false),
        (r#"{"seq":1,"last_by_subj":"a"}"#, false),
        (r#"{"next_by_subj":"a","last_by_subj":"a"}"#, false),
        (r#"{"seq":1,"batch":2}"#, false),
        (r#"{"multi_last":["a"]}"#, false),
    ] {
        let request_read = GetRequest::from_json(request.as_bytes(), true).unwrap();
        assert_eq!(request_read.check_single().is_ok(), is_good, "{request}");
    }
}
