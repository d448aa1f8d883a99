//! With which message a consumer begins.

use super::config::{ConsumerConfig, DeliverPolicy};
use super::filter::Filter;
use super::progress::{LastOfEach, Progress};
use super::view::View;
use crate::held::Messages;

/// Where a consumer begins that is made now. `max_per_subject`: how many messages of a subject the stream keeps; `gathered`: the
/// last message of each subject, where that is known already.
pub(crate) fn start<M: Messages>(
    config: &ConsumerConfig,
    view: &View<'_, M>,
    max_per_subject: i64,
    gathered: Option<LastOfEach>,
) -> Progress {
    let filter = &Filter::new(config.filters());
    let (first, last) = (view.first, view.last);
    let is_fixed = config.opt_start_seq > 0;
    let mut last_of_each = LastOfEach::default();
    let wanted = match config.deliver_policy {
        DeliverPolicy::ByStartSequence => config.opt_start_seq,
        DeliverPolicy::All => first,
        DeliverPolicy::New => last + 1,
        DeliverPolicy::Last if config.filters().next().is_none() => last,
        DeliverPolicy::Last => filter.last(view.held).unwrap_or(0),
        // The last of each is then all there is.
        DeliverPolicy::LastPerSubject if max_per_subject == 1 => first,
        DeliverPolicy::LastPerSubject => {
            last_of_each = gathered.unwrap_or_else(|| filter.last_of_each(view.held));
            last_of_each.first().unwrap_or(last)
        }
        DeliverPolicy::ByStartTime => {
            let time = config.opt_start_time.as_ref().map(|time| time.time());
            let found = time.and_then(|time| view.held.at_or_after(time));
            let found = found.unwrap_or(last + 1);
            first_wanted(config, filter, view, found).unwrap_or(found)
        }
    };
    let next = if first == 0 && !is_fixed {
        1
    } else if wanted > last && !is_fixed {
        last + 1
    } else {
        wanted.max(first)
    };
    let mut progress = Progress::new(next);
    if !last_of_each.is_empty() {
        progress.last_of_each = last_of_each;
        progress.last_of_each_up_to = last;
    }
    progress
}

/// The first message that is wanted of all, if it is behind the one that was found by time, and not the last.
fn first_wanted<M: Messages>(
    config: &ConsumerConfig,
    filter: &Filter,
    view: &View<'_, M>,
    found: u64,
) -> Option<u64> {
    config.filters().next()?;
    let firsts = filter
        .patterns()
        .filter_map(|pattern| view.held.next(pattern, view.first));
    let wanted = firsts.filter(|first| *first >= found).min()?;
    (wanted > found && wanted < view.last).then_some(wanted)
}
