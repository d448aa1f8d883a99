//! `vagus bench`: load over raw sockets, so that what is measured is the server and not a client library.

mod connection;
mod error;
mod frames;
mod latency;
mod options;
mod progress;
mod publisher;
mod reader;
mod report;
mod requester;
mod responder;
mod stamp;
mod stop;
mod subscriber;
mod workers;

pub(super) use error::BenchError;
pub(super) use options::HELP;

use super::arguments;
use super::error::ToolError;
use options::Plan;
use std::io::Write;

pub(super) fn run(args: &[String], out: &mut impl Write) -> Result<(), ToolError> {
    let parsed = arguments::read(options::flags(), args)?;
    let server = arguments::server(&parsed, arguments::environment())?;
    let plan = Plan::read(&parsed)?;
    report::announce(out, &plan)?;
    out.flush()?;
    let outcome = workers::run(&plan, &server)?;
    report::print(out, &plan, &outcome)?;
    Ok(())
}
