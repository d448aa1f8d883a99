//! Why a consumer is not made, changed or reset.

use super::ApiError;
use std::fmt::Display;

fixed! {
    OF_CONSUMING:
    CONSUMER_NAME_EXISTS = 400 10013 "consumer name already in use";
    CONSUMER_DURABLE_NOT_IN_SUBJECT = 400 10016 "consumer expected to be durable but no durable name set in subject";
    CONSUMER_DURABLE_NOT_MATCHED = 400 10017 "consumer name in subject does not match durable name in request";
    CONSUMER_DURABLE_NOT_SET = 400 10018 "consumer expected to be durable but a durable name was not set";
    CONSUMER_EPHEMERAL_WITH_DURABLE = 400 10020 "consumer expected to be ephemeral but a durable name was set in request";
    CONSUMER_DELIVER_WILDCARDS = 400 10079 "consumer deliver subject has wildcards";
    CONSUMER_PUSH_MAX_WAITING = 400 10080 "consumer in push mode can not set max waiting";
    CONSUMER_DELIVER_CYCLE = 400 10081 "consumer deliver subject forms a cycle";
    CONSUMER_MAX_PENDING_NEEDS_ACKS = 400 10082 "consumer requires ack policy for max ack pending";
    CONSUMER_SMALL_HEARTBEAT = 400 10083 "consumer idle heartbeat needs to be >= 100ms";
    CONSUMER_PULL_REQUIRES_ACKS = 400 10084 "consumer in pull mode requires explicit ack policy on workqueue stream";
    CONSUMER_PULL_RATE_LIMIT = 400 10086 "consumer in pull mode can not have rate limit set";
    CONSUMER_HEARTBEAT_REQUIRES_PUSH = 400 10088 "consumer idle heartbeat requires a push based consumer";
    CONSUMER_FLOW_CONTROL_REQUIRES_PUSH = 400 10089 "consumer flow control requires a push based consumer";
    CONSUMER_DIRECT_REQUIRES_PUSH = 400 10090 "consumer direct requires a push based consumer";
    CONSUMER_DIRECT_REQUIRES_EPHEMERAL = 400 10091 "consumer direct requires an ephemeral consumer";
    WORK_QUEUE_REQUIRES_EXPLICIT_ACKS = 400 10098 "workqueue stream requires explicit ack";
    WORK_QUEUE_SEVERAL_UNFILTERED = 400 10099 "multiple non-filtered consumers not allowed on workqueue stream";
    WORK_QUEUE_NOT_UNIQUE = 400 10100 "filtered consumer not unique on workqueue stream";
    WORK_QUEUE_NOT_DELIVER_ALL = 400 10101 "consumer must be deliver all on workqueue stream";
    CONSUMER_FLOW_CONTROL_NEEDS_HEARTBEATS = 400 10108 "consumer with flow control also needs heartbeats";
    CONSUMER_DELIVER_INVALID = 400 10112 "invalid push consumer deliver subject";
    CONSUMER_EXPIRES_TOO_SMALL = 400 10115 "consumer max request expires needs to be >= 1ms";
    CONSUMER_MAX_DELIVER_BACKOFF = 400 10116 "max deliver is required to be > length of backoff values";
    CONSUMER_REPLICAS_EXCEED_STREAM = 400 10126 "consumer config replica count exceeds parent stream";
    CONSUMER_NAME_CONTAINS_PATH_SEPARATORS = 400 10127 "Consumer name can not contain path separators";
    CONSUMER_FILTER_NOT_MATCHED = 400 10131 "Consumer create request did not match filtered subject from create subject";
    CONSUMER_NAMES_DIFFER = 400 10132 "Consumer Durable and Name have to be equal if both are provided";
    CONSUMER_REPLICAS_NOT_STREAMS = 400 10134 "consumer config replicas must match interest retention stream's replicas";
    CONSUMER_FILTER_AND_FILTERS = 400 10136 "consumer cannot have both FilterSubject and FilterSubjects specified";
    CONSUMER_FILTERS_IN_SUBJECT = 400 10137 "consumer with multiple subject filters cannot use subject based API";
    CONSUMER_FILTERS_OVERLAP = 400 10138 "consumer subject filters cannot overlap";
    CONSUMER_FILTER_EMPTY = 400 10139 "consumer filter in FilterSubjects cannot be empty";
    CONSUMER_EXISTS = 400 10148 "consumer already exists";
    CONSUMER_DOES_NOT_EXIST = 400 10149 "consumer does not exist";
    CONSUMER_POLICY_WITHOUT_GROUP = 400 10159 "Setting PriorityPolicy requires at least one PriorityGroup to be set";
    CONSUMER_GROUP_UNKNOWN = 400 10160 "Provided priority group does not exist for this consumer";
    CONSUMER_GROUP_EMPTY = 400 10161 "Group name cannot be an empty string";
    CONSUMER_GROUP_INVALID = 400 10162 "Valid priority group name must match A-Z, a-z, 0-9, -_/=)+ and may not exceed 16 characters";
    CONSUMER_PUSH_WITH_GROUP = 400 10178 "priority groups can not be used with push consumers";
    CONSUMER_ACK_WAIT_NEGATIVE = 400 10183 "consumer ack wait needs to be positive";
    CONSUMER_BACKOFF_NEGATIVE = 400 10184 "consumer backoff needs to be positive";
    CONSUMER_GROUP_WITHOUT_POLICY = 400 10196 "consumer can not have priority groups when policy is none";
    CONSUMER_PIN_WITHOUT_POLICY = 400 10197 "PinnedTTL cannot be set when PriorityPolicy is none";
    CONSUMER_FLOW_ACKS_REQUIRE_PUSH = 400 10218 "flow control ack policy requires a push based consumer";
    CONSUMER_FLOW_ACKS_REQUIRE_FLOW_CONTROL = 400 10219 "flow control ack policy requires flow control";
    CONSUMER_FLOW_ACKS_REQUIRE_MAX_ACK_PENDING = 400 10220 "flow control ack policy requires max ack pending";
    CONSUMER_FLOW_ACKS_WITHOUT_ACK_WAIT = 400 10221 "flow control ack policy requires unset ack wait";
    CONSUMER_FLOW_ACKS_WITHOUT_MAX_DELIVER = 400 10222 "flow control ack policy requires unset max deliver";
}

told! {
    consumer_create = 500 10012 "";
    consumer_invalid_policy = 400 10094 "";
    consumer_invalid_sampling = 400 10095 "failed to parse consumer sampling configuration: ";
    consumer_name_too_long = 400 10102 "consumer name is too long, maximum allowed is ";
    consumer_description_too_long = 400 10107 "consumer description is too long, maximum allowed is ";
    consumer_max_ack_pending_exceeds = 400 10121 "consumer max ack pending exceeds system limit of ";
    consumer_max_batch_exceeds = 400 10125 "consumer max request batch exceeds server limit of ";
    consumer_metadata_exceeds = 400 10135 "consumer metadata exceeds maximum size of ";
    consumer_inactive_threshold_exceeds = 400 10153 "consumer inactive threshold exceeds system limit of ";
    consumer_invalid_reset = 400 10204 "invalid reset: ";
}
