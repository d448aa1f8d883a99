//! What is logged, and where to: all of it can change.

use super::{Shown, Table};
use crate::{LogFormat, LogTime, Logging};

pub(super) fn compare(table: &mut Table, old: &Logging, new: &Logging) {
    let Logging {
        debug,
        trace,
        trace_system_account,
        trace_headers,
        file,
        file_size_limit,
        max_files,
        syslog,
        remote_syslog,
        format,
        time,
        max_traced_payload,
        connect_error_reports,
        reconnect_error_reports,
    } = old;
    let boolean = |set: &bool| Shown::Boolean(*set);
    let count = |count: &usize| Shown::number(*count);
    let reports = |count: &u64| Shown::Number(*count);
    table.reloads("debug", (debug, &new.debug), boolean);
    table.reloads("trace", (trace, &new.trace), boolean);
    table.reloads(
        "trace_verbose",
        (trace_system_account, &new.trace_system_account),
        boolean,
    );
    table.reloads("trace_headers", (trace_headers, &new.trace_headers), boolean);
    table.reloads("log_file", (file, &new.file), |path| {
        Shown::optional(path.as_ref().map(|path| path.display()))
    });
    table.reloads(
        "logfile_size_limit",
        (file_size_limit, &new.file_size_limit),
        count,
    );
    table.reloads("logfile_max_num", (max_files, &new.max_files), count);
    table.reloads("syslog", (syslog, &new.syslog), boolean);
    table.reloads("remote_syslog", (remote_syslog, &new.remote_syslog), |address| {
        Shown::optional(address.as_ref())
    });
    table.reloads("log_format", (format, &new.format), |format| {
        Shown::Text(match format {
            LogFormat::Text => "text".to_owned(),
            LogFormat::Json => "json".to_owned(),
        })
    });
    let shown = |time: LogTime| time != LogTime::None;
    table.reloads("logtime", (&shown(*time), &shown(new.time)), boolean);
    let utc = |time: LogTime| time == LogTime::Utc;
    table.reloads("logtime_utc", (&utc(*time), &utc(new.time)), boolean);
    table.reloads(
        "max_traced_msg_len",
        (max_traced_payload, &new.max_traced_payload),
        count,
    );
    table.reloads(
        "connect_error_reports",
        (connect_error_reports, &new.connect_error_reports),
        reports,
    );
    table.reloads(
        "reconnect_error_reports",
        (reconnect_error_reports, &new.reconnect_error_reports),
        reports,
    );
}
