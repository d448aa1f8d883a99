//! How what another server says is taken, whatever the two are to each other.

use vagus_actors::connection::{Progress, RepeatedMessage, Turn};
use vagus_protocol::error::Violation;
use vagus_protocol::gateway::is_mapped;
use vagus_protocol::operation::{Groups, Publish};
use vagus_protocol::route::parser::RouteParsed;
use vagus_protocol::route::{RouteOperation, RoutedMessage};
use vagus_protocol::shown_subject;

/// What a message comes to.
pub(crate) enum Passed {
    Published,
    /// It is not for anybody here.
    Withheld,
    /// It was published in a way of its own, in which what follows is not.
    Apart,
    /// Interest that was announced before has to be in force first.
    Waiting,
    /// It is for a later turn.
    Yielded,
}

/// What sessions of other servers decide, each in its own way.
pub(crate) trait Peer {
    fn parse<'a>(&self, input: &'a [u8]) -> RouteParsed<'a>;

    /// Whether it has been let in, so that messages of it are waited for.
    fn is_in(&self) -> bool;

    fn is_closing(&self) -> bool;

    /// Whether this may be said as far as the two know each other.
    fn may_be_said(&self, operation: &RouteOperation<'_>) -> bool;

    /// It has said what it may not say yet.
    fn out_of_place(&mut self, turn: &mut impl Turn);

    /// It has broken the protocol by saying this.
    fn violated(&mut self, violation: Violation, said: &[u8], turn: &mut impl Turn);

    fn pass_on(&mut self, message: &RoutedMessage<'_>, turn: &mut impl Turn) -> Passed;

    /// Everything but messages.
    fn operate(&mut self, operation: &RouteOperation<'_>, turn: &mut impl Turn);

    /// Whether what follows has to wait for something that is not done here.
    fn has_to_wait(&mut self) -> bool;
}

/// Takes every complete frame at the start of `input`.
pub(crate) fn receive(peer: &mut impl Peer, input: &[u8], turn: &mut impl Turn) -> Progress {
    let mut repeated = RepeatedMessage::default();
    let mut at = 0;
    while at < input.len() && !peer.is_closing() {
        if let Some(length) = repeated.publish(&input[at..], turn, |_| true) {
            at += length;
            continue;
        }
        let (operation, consumed) = match peer.parse(&input[at..]) {
            RouteParsed::Frame { operation, consumed } => (operation, consumed),
            RouteParsed::Incomplete { frame_len } if frame_len > 0 && !peer.is_in() => {
                peer.out_of_place(turn);
                break;
            }
            RouteParsed::Incomplete { frame_len } => {
                return Progress::Taken {
                    consumed: at,
                    frame_length: frame_len,
                };
            }
            RouteParsed::Violation(violation) => {
                peer.violated(violation, &input[at..], turn);
                break;
            }
        };
        if !peer.may_be_said(&operation) {
            peer.out_of_place(turn);
            break;
        }
        if let RouteOperation::Message(message) = &operation {
            match peer.pass_on(message, turn) {
                Passed::Published => {
                    repeated = repeatable(&message.publish, &input[at..at + consumed]);
                }
                Passed::Withheld | Passed::Apart => repeated = RepeatedMessage::default(),
                Passed::Waiting => return Progress::Waiting { consumed: at },
                Passed::Yielded => return Progress::Yielded { consumed: at },
            }
        } else {
            if !turn.goes_on(None, false) {
                return Progress::Yielded { consumed: at };
            }
            repeated = RepeatedMessage::default();
            peer.operate(&operation, turn);
        }
        at += consumed;
        if peer.has_to_wait() {
            return Progress::Waiting { consumed: at };
        }
    }
    Progress::Taken {
        consumed: at,
        frame_length: 0,
    }
}

/// Publishes a message of a stream, which says in its reply what it shows; None if it is none.
pub(crate) fn publish_shown(message: &Publish<'_>, turn: &mut impl Turn) -> Option<Passed> {
    let (reply, shown) = shown_subject::split(message.reply?)?;
    let publish = Publish {
        subject: shown,
        reply: Some(reply),
        tail: None,
        ..*message
    };
    let published = turn.publish_next_under_another_subject(message.subject, &publish);
    // The next has a reply of its own.
    Some(published.map_or(Passed::Yielded, |_| Passed::Apart))
}

/// What may be repeated of a message that was just published in this frame: nothing if it is for queue groups, which pick
/// anew, or has headers, which may ask for a trace, or a reply that not all get as it came.
fn repeatable<'a>(publish: &Publish<'_>, frame: &'a [u8]) -> RepeatedMessage<'a> {
    let is_plain = publish.header_size.is_none() && publish.groups == Groups::Only(b"");
    match is_plain && !publish.reply.is_some_and(is_mapped) {
        true => RepeatedMessage::of(publish, frame),
        false => RepeatedMessage::default(),
    }
}
