//! Any bytes as a request of JetStream's API: nothing panics, and a configuration that is understood comes back as it was.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vagus_jetstream::api::{
    DeleteMessageRequest, GetRequest, PurgeRequest, RestoreRequest, SnapshotRequest, StreamInfoRequest,
    StreamsRequest, json,
};
use vagus_jetstream::config::StreamConfigRequest;

fuzz_target!(|data: &[u8]| {
    for is_strict in [false, true] {
        let _ = StreamInfoRequest::from_json(data, is_strict);
        let _ = StreamsRequest::from_json(data, is_strict);
        let _ = PurgeRequest::from_json(data, is_strict);
        let _ = DeleteMessageRequest::from_json(data, is_strict);
        let _ = GetRequest::from_json(data, is_strict);
        let _ = SnapshotRequest::from_json(data, is_strict);
        let _ = RestoreRequest::from_json(data, is_strict);
        if let Ok(read) = StreamConfigRequest::from_json(data, is_strict) {
            let written = json(&read.config);
            let again = StreamConfigRequest::from_json(&written, true).expect("it was written here");
            assert_eq!(json(&again.config), written);
        }
    }
});
