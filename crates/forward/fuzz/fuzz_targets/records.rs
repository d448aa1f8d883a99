//! Any bytes as a record, and as JSON: what is written is what it has to be, and comes back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vagus_forward::msgpack::{Reader, append_json, append_object};

fuzz_target!(|data: &[u8]| {
    let mut json = Vec::new();
    let mut reader = Reader::new(data);
    if append_json(&mut reader, &mut json) {
        assert_eq!(
            Reader::new(data).skip().map(<[u8]>::len),
            Some(data.len() - reader.rest().len())
        );
        // A time becomes a number: what comes of that is the same from then on.
        let mut again = Vec::new();
        if json.starts_with(b"{") && append_object(&json, &[], &mut again).is_ok() {
            let (mut twice, mut thrice) = (Vec::new(), Vec::new());
            assert!(append_json(&mut Reader::new(&again), &mut twice));
            assert_eq!(append_object(&twice, &[], &mut thrice), Ok(()));
            assert_eq!(again, thrice);
        }
    }
    let mut record = Vec::new();
    if append_object(data, &[("subject", b"a")], &mut record).is_ok() {
        assert_eq!(Reader::new(&record).skip().map(<[u8]>::len), Some(record.len()));
    }
});
