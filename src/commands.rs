//! The commands for people: publish, subscribe, request, reply, measure, see to streams, consumers and buckets, back streams up, watch a
//! server, see whether it is well, hash a password, try a mapping.

mod address;
mod arguments;
mod backup;
mod bench;
mod consumer;
mod error;
mod healthcheck;
mod http;
mod kv;
mod mapping;
mod object;
mod output;
mod password;
mod publish;
mod reply;
mod request;
mod session;
mod stream;
mod subscribe;
mod top;

use crate::flags::Tool;
use error::ToolError;
use std::io::{self, Write};
use std::process::ExitCode;

/// The status of a command that was not given what it needs.
const USAGE: u8 = 2;

/// Runs one tool to its end.
pub(crate) fn run(tool: Tool, args: &[String]) -> ExitCode {
    let mut out = io::stdout().lock();
    let result = match tool {
        Tool::Pub => publish::run(args, &mut out),
        Tool::Sub => subscribe::run(args, &mut out),
        Tool::Req => request::run(args, &mut out),
        Tool::Reply => reply::run(args, &mut out),
        Tool::Bench => bench::run(args, &mut out),
        Tool::Top => top::run(args, &mut out),
        Tool::Healthcheck => healthcheck::run(args, &mut out),
        Tool::Password => password::run(args, &mut out),
        Tool::Mapping => mapping::run(args, &mut out),
        Tool::Stream => stream::run(args, &mut out),
        Tool::Consumer => consumer::run(args, &mut out),
        Tool::KeyValue => kv::run(args, &mut out),
        Tool::Object => object::run(args, &mut out),
        Tool::Backup => backup::run(args, &mut out),
        Tool::Restore => backup::restore(args, &mut out),
    };
    match result.and_then(|()| Ok(out.flush()?)) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of our output has seen enough: `vagus sub foo | head -1`.
        Err(ToolError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            crate::complain(&error);
            if matches!(error, ToolError::Usage(_) | ToolError::Arguments(_)) {
                ExitCode::from(USAGE)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// The help of one tool.
pub(crate) fn help(tool: Tool) -> (&'static str, &'static str) {
    let own = match tool {
        Tool::Pub => publish::HELP,
        Tool::Sub => subscribe::HELP,
        Tool::Req => request::HELP,
        Tool::Reply => reply::HELP,
        Tool::Bench => bench::HELP,
        Tool::Stream => stream::HELP,
        Tool::Consumer => consumer::HELP,
        Tool::KeyValue => kv::HELP,
        Tool::Object => object::HELP,
        Tool::Backup => backup::HELP,
        Tool::Restore => backup::RESTORE_HELP,
        // These talk to no client port.
        Tool::Top => return (top::HELP, ""),
        Tool::Healthcheck => return (healthcheck::HELP, ""),
        Tool::Password => return (password::HELP, ""),
        Tool::Mapping => return (mapping::HELP, ""),
    };
    (own, arguments::HELP)
}

/// Runs a tool that waits for several things at once.
fn block_on<F>(work: F) -> Result<(), ToolError>
where
    F: Future<Output = Result<(), ToolError>>,
{
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ToolError::Runtime)?
        .block_on(work)
}
