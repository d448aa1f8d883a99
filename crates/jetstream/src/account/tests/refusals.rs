use super::{account, create, said};

/// What nats-server answers to the wish for a stream, where there is already `O` of `o.>`.
const CREATED: &[(&str, &str, &str)] = &[
    (
        r#"S_T"#,
        r#"{"name": "S.T"}"#,
        r#"400 10056 stream name in subject does not match request"#,
    ),
    (
        r#"S_T"#,
        r#"{"name": "S T"}"#,
        r#"400 10056 stream name in subject does not match request"#,
    ),
    (
        r#"S*"#,
        r#"{"name": "S*"}"#,
        r#"500 10052 stream name is required and can not contain '.', '*', '>', '\', '/'"#,
    ),
    (
        r#"S/T"#,
        r#"{"name": "S/T"}"#,
        r#"400 10128 Stream name can not contain path separators"#,
    ),
    (
        r#"S"#,
        r#"{"name": ""}"#,
        r#"400 10056 stream name in subject does not match request"#,
    ),
    (
        r#"S"#,
        r#"{"storage": "memory", "subjects": ["s"]}"#,
        r#"400 10056 stream name in subject does not match request"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "subjects": ["s..t"]}"#,
        r#"500 10052 invalid subject"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "subjects": [""]}"#,
        r#"500 10052 invalid subject"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "subjects": ["s", "s"]}"#,
        r#"500 10052 subject "s" overlaps with "s""#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "subjects": ["s.*", "s.x"]}"#,
        r#"500 10052 subject "s.*" overlaps with "s.x""#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "subjects": [">"]}"#,
        r#"500 10052 capturing all subjects requires no-ack to be true"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "subjects": [">"], "no_ack": true}"#,
        r#"400 10065 subjects overlap with an existing stream"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "subjects": ["$JS.API.>"]}"#,
        r#"500 10052 subjects that overlap with jetstream api require no-ack to be true"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "subjects": ["$SYS.>"]}"#,
        r#"500 10052 subjects that overlap with system api require no-ack to be true"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "subjects": ["$JS.EVENT.ADVISORY.>"]}"#,
        r#""#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "retention": "forever"}"#,
        r#"400 10025 invalid JSON: can not unmarshal "\"forever\"""#,
    ),
    (
        r#"S"#,
        r#"{"storage": "tape", "name": "S"}"#,
        r#"400 10025 invalid JSON: can not unmarshal "\"tape\"""#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "discard": "maybe"}"#,
        r#"400 10025 invalid JSON: can not unmarshal "\"maybe\"""#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "compression": "zip"}"#,
        r#"400 10025 invalid JSON: unknown compression algorithm"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "num_replicas": 2}"#,
        r#"500 10074 replicas > 1 not supported in non-clustered mode"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "num_replicas": 6}"#,
        r#"500 10052 maximum replicas is 5"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "num_replicas": -1}"#,
        r#"400 10133 replicas count cannot be negative"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "max_msgs": -5, "max_bytes": -5, "max_consumers": -5}"#,
        r#""#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "max_age": 1000}"#,
        r#"500 10052 max age needs to be >= 100ms"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "max_age": -1000000000}"#,
        r#"500 10052 max age can not be negative"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "max_age": 1000000000, "duplicate_window": 2000000000}"#,
        r#"500 10052 duplicates window can not be larger then max age"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "duplicate_window": 1000}"#,
        r#"500 10052 duplicates window needs to be >= 100ms"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "duplicate_window": -1}"#,
        r#"500 10052 duplicates window can not be negative"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "discard_new_per_subject": true}"#,
        r#"500 10052 discard new per subject requires discard new policy to be set"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "discard": "new", "discard_new_per_subject": true}"#,
        r#"500 10052 discard new per subject requires max msgs per subject > 0"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "sealed": true}"#,
        r#"500 10052 stream configuration for create can not be sealed"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "allow_rollup_hdrs": true, "deny_purge": true}"#,
        r#"500 10052 roll-ups require the purge permission"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "max_msg_size": 1099511627776}"#,
        r#"400 10025 invalid JSON: json: cannot unmarshal number 1099511627776 into Go struct field StreamConfigRequest.max_msg_size of type int32"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "subjects": ["s"], "mirror": {"name": "O"}}"#,
        r#"400 10034 stream mirrors can not contain subjects"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "mirror": {"name": "O"}, "sources": [{"name": "P"}]}"#,
        r#"400 10031 stream mirrors can not also contain other sources"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "mirror": {"name": "S"}}"#,
        r#"500 10052 detected cycle"#,
    ),
    (r#"S"#, r#"{"name": "S", "mirror": {"name": "NONE"}}"#, r#""#),
    (
        r#"S"#,
        r#"{"name": "S", "mirror": {"name": "a.b"}}"#,
        r#"400 10142 mirrored stream name is invalid"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "mirror": {"name": "O", "filter_subject": "a..b"}}"#,
        r#"500 10049 subject filter 'a..b' for the mirror invalid subject"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "mirror": {"name": "O"}, "first_seq": 5}"#,
        r#"400 10143 stream mirrors can not have first sequence configured"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "sources": [{"name": "S"}]}"#,
        r#"500 10052 detected cycle"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "sources": [{"name": "O"}, {"name": "O"}]}"#,
        r#"400 10140 duplicate source configuration detected"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "sources": [{"name": "O", "filter_subject": "a..b"}]}"#,
        r#"500 10049 subject filter 'a..b' for the source: invalid subject"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "subjects": ["s.>"], "republish": {"src": "s.>", "dest": "s.>"}}"#,
        r#"500 10052 stream configuration for republish destination forms a cycle"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "subjects": ["s.>"], "republish": {"src": "a..b", "dest": "c"}}"#,
        r#"500 10052 stream configuration for republish with transform from 'a..b' to 'c' not valid"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "subjects": ["s.*"], "subject_transform": {"src": "s.*", "dest": "t.{{wildcard(9)}}"}}"#,
        r#"400 10156 stream transform: invalid mapping destination: wildcard index out of range in {{wildcard(9)}}: [9]"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "metadata": {"_nats.level": "99"}}"#,
        r#""#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "subject_delete_marker_ttl": 1000000000}"#,
        r#""#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "allow_msg_ttl": true, "subject_delete_marker_ttl": 1}"#,
        r#"500 10052 subject delete marker TTL must be at least 1 second"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "allow_msg_counter": true, "discard": "new"}"#,
        r#"500 10052 counter stream cannot use discard new"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "allow_msg_counter": true, "allow_msg_ttl": true}"#,
        r#"500 10052 counter stream cannot use message TTLs"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "max_bytes": 1125899906842624}"#,
        r#"500 10028 insufficient memory resources available"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "colour": "blue"}"#,
        r#"400 10025 invalid JSON: json: unknown field "colour""#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "max_msgs": "many"}"#,
        r#"400 10025 invalid JSON: json: cannot unmarshal string into Go struct field StreamConfigRequest.max_msgs of type int64"#,
    ),
    (
        r#"5"#,
        r#"{"name": 5}"#,
        r#"400 10025 invalid JSON: json: cannot unmarshal number into Go struct field StreamConfigRequest.name of type string"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "subjects": "s"}"#,
        r#"400 10025 invalid JSON: json: cannot unmarshal string into Go struct field StreamConfigRequest.subjects of type []string"#,
    ),
    (
        r#"S"#,
        r#"{"name": "S", "first_seq": -5}"#,
        r#"400 10025 invalid JSON: json: cannot unmarshal number -5 into Go struct field StreamConfigRequest.first_seq of type uint64"#,
    ),
    (
        r#"S"#,
        r#"{"name":"S","subjects":["s",">","$SYS.x"]}"#,
        r#"500 10052 subject "s" overlaps with ">""#,
    ),
    (
        r#"S"#,
        r#""name": "S""#,
        r#"400 10025 invalid JSON: json: cannot unmarshal string into Go value of type server.StreamConfigRequest"#,
    ),
    (
        r#"S"#,
        r#"{"name":"S","sources":[{"name":"R","external":{"api":"$JS.API","deliver":"d"}}]}"#,
        r#"400 10021 stream external api prefix $JS.API must not overlap with $JS.API"#,
    ),
];

#[test]
fn what_cannot_be_is_refused_in_the_words_that_clients_know() {
    for (name, body, expect) in CREATED {
        let mut account = account();
        create(&mut account, "O", r#"{"name":"O","subjects":["o.>"]}"#).unwrap();
        let body = match body.contains("1125899906842624") {
            true => body.replace("\"S\"", "\"S\",\"storage\":\"memory\""),
            false => (*body).to_owned(),
        };
        assert_eq!(said(create(&mut account, name, &body)), *expect, "{body}");
        assert_eq!(account.stream(name).is_ok(), expect.is_empty(), "{body}");
    }
}
