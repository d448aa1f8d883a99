//! Why a message is not stored.

use super::ApiError;
use std::fmt::Display;

fixed! {
    OF_PUBLISHING:
    MESSAGE_EXCEEDS_MAXIMUM = 400 10054 "message size exceeds maximum allowed";
    EXPECTED_STREAM_NOT_MATCHED = 400 10060 "expected stream does not match";
    HEADER_EXCEEDS_MAXIMUM = 400 10097 "header size exceeds maximum allowed of 64k";
    DUPLICATE_IN_PROCESS = 409 10158 "duplicate message id is in process";
    WRONG_LAST_SEQUENCE_SOMEHOW = 400 10164 "wrong last sequence";
    TTL_INVALID = 400 10165 "invalid per-message TTL";
    TTL_DISABLED = 400 10166 "per-message TTL is disabled";
    COUNTER_DISABLED = 400 10168 "message counters is disabled";
    COUNTER_INCREMENT_MISSING = 400 10169 "message counter increment is missing";
    COUNTER_HAS_PAYLOAD = 400 10170 "message counter has payload";
    COUNTER_INCREMENT_INVALID = 400 10171 "message counter increment is invalid";
    COUNTER_BROKEN = 400 10172 "message counter is broken";
    ATOMIC_DISABLED = 400 10174 "atomic publish is disabled";
    ATOMIC_SEQUENCE_MISSING = 400 10175 "atomic publish sequence is missing";
    ATOMIC_INCOMPLETE = 400 10176 "atomic publish batch is incomplete";
    ATOMIC_ID_INVALID = 400 10179 "atomic publish batch ID is invalid";
    SCHEDULES_DISABLED = 400 10188 "message schedules is disabled";
    SCHEDULE_PATTERN_INVALID = 400 10189 "message schedules pattern is invalid";
    SCHEDULE_TARGET_INVALID = 400 10190 "message schedules target is invalid";
    SCHEDULE_TTL_INVALID = 400 10191 "message schedules invalid per-message TTL";
    SCHEDULE_ROLLUP_INVALID = 400 10192 "message schedules invalid rollup";
    EXPECTED_SUBJECT_SEQUENCE_MISSING = 400 10193 "missing sequence for expected last sequence per subject";
    ATOMIC_COMMIT_INVALID = 400 10200 "atomic publish batch commit is invalid";
    ATOMIC_CONTAINS_DUPLICATE = 400 10201 "atomic publish batch contains duplicate message id";
    SCHEDULE_SOURCE_INVALID = 400 10203 "message schedules source is invalid";
    FAST_DISABLED = 400 10205 "batch publish is disabled";
    FAST_PATTERN_INVALID = 400 10206 "batch publish pattern is invalid";
    FAST_ID_INVALID = 400 10207 "batch publish ID is invalid";
    FAST_ID_UNKNOWN = 400 10208 "batch publish ID unknown";
    ATOMIC_TOO_MANY = 429 10210 "atomic publish too many inflight";
    FAST_TOO_MANY = 429 10211 "batch publish too many inflight";
    SCHEDULER_INVALID = 400 10212 "message schedules invalid scheduler";
    SCHEDULE_TIME_ZONE_INVALID = 400 10223 "message schedules time zone is invalid";
}

told! {
    wrong_last_message_id = 400 10070 "wrong last msg ID: ";
    wrong_last_sequence = 400 10071 "wrong last sequence: ";
    store_failed = 503 10077 "";
    rollup_failed = 500 10111 "";
    atomic_unsupported_header = 400 10177 "atomic publish unsupported header used: ";
    atomic_too_large = 400 10199 "atomic publish batch is too large: ";
}
