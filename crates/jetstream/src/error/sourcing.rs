//! Why a stream cannot get what others have, or make other subjects of it.

use super::ApiError;
use std::fmt::Display;

fixed! {
    OF_SOURCING:
    MIRROR_MAX_MESSAGE_SIZE_TOO_BIG = 400 10030 "stream mirror must have max message size >= source";
    MIRROR_WITH_SOURCES = 400 10031 "stream mirrors can not also contain other sources";
    MIRROR_WITH_SUBJECTS = 400 10034 "stream mirrors can not contain subjects";
    SOURCE_MAX_MESSAGE_SIZE_TOO_BIG = 400 10046 "stream source must have max message size >= target";
    MIRROR_NOT_UPDATABLE = 400 10055 "stream mirror configuration can not be updated";
    SOURCE_DUPLICATE = 400 10140 "duplicate source configuration detected";
    SOURCE_NAME_INVALID = 400 10141 "sourced stream name is invalid";
    MIRROR_NAME_INVALID = 400 10142 "mirrored stream name is invalid";
    MIRROR_WITH_FIRST_SEQUENCE = 400 10143 "stream mirrors can not have first sequence configured";
    SOURCE_MULTIPLE_FILTERS = 400 10144 "source with multiple subject transforms cannot also have a single subject filter";
    SOURCE_OVERLAPPING_FILTERS = 400 10147 "source filters can not overlap";
    MIRROR_MULTIPLE_FILTERS = 400 10150 "mirror with multiple subject transforms cannot also have a single subject filter";
    MIRROR_OVERLAPPING_FILTERS = 400 10152 "mirror subject filters can not overlap";
    MIRROR_WITH_COUNTERS = 400 10173 "stream mirrors can not also calculate counters";
    MIRROR_WITH_SCHEDULES = 400 10186 "stream mirrors can not also schedule messages";
    SOURCE_WITH_SCHEDULES = 400 10187 "stream source can not also schedule messages";
    MIRROR_WITH_ATOMIC = 400 10198 "stream mirrors can not also use atomic publishing";
    MIRROR_WITH_BATCHES = 400 10209 "stream mirrors can not also use batch publishing";
    MIRROR_CONSUMER_REQUIRES_FLOW_CONTROL = 400 10214 "stream mirror consumer requires flow control ack policy";
    SOURCE_CONSUMER_REQUIRES_FLOW_CONTROL = 400 10217 "stream source consumer requires flow control ack policy";
    CONSUMER_IDENTITY_MISMATCH = 400 10225 "consumer stream identity mismatch";
    MIRROR_CONSUMER_INVALID = 400 10213 "stream mirror consumer config is invalid";
    SOURCE_CONSUMER_INVALID = 400 10215 "stream source consumer config is invalid";
    SOURCE_CONSUMER_DUPLICATE = 400 10216 "duplicate stream source consumer detected";
}

told! {
    mirror_consumer_failed = 500 10029 "";
    source_consumer_failed = 500 10045 "";
    external_api_overlap = 400 10021 "stream external api prefix ";
    external_delivery_overlap = 400 10022 "stream external delivery prefix ";
    external_delivery_invalid = 400 10024 "stream external delivery prefix ";
    source_filter_invalid = 400 10145 "source transform source: ";
    source_destination_invalid = 400 10146 "source transform: ";
    mirror_filter_invalid = 400 10151 "mirror transform source: ";
    mirror_destination_invalid = 400 10154 "mirror transform: ";
    transform_source_invalid = 400 10155 "stream transform source: ";
    transform_destination_invalid = 400 10156 "stream transform: ";
}
