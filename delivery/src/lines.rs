//! The languages in which messages leave, as fan-outs prepare for them.

use vagus_protocol::{gateway, message, neutral};
use vagus_routing::{Encoder, Outlet};

/// The start of messages in the language of each outlet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lines;

impl Encoder for Lines {
    fn start_length(&self, outlet: Outlet, subject: usize, sid: usize) -> usize {
        match outlet {
            Outlet::Client => message::prefix_len(subject, sid),
            Outlet::Mailbox => neutral::BEFORE_SUBJECT + subject,
            Outlet::Peer | Outlet::Account => 0,
        }
    }

    fn write_start(&self, outlet: Outlet, subject: &[u8], sid: &[u8], write: &mut impl FnMut(&[u8])) -> u8 {
        match outlet {
            Outlet::Client => {
                message::write_prefix(subject, sid, write);
                message::SUBJECT_AT
            }
            Outlet::Mailbox => {
                let number = neutral::subscription_number(sid.trim_ascii_end());
                write(&neutral::before_subject(number, subject.len()));
                write(subject);
                neutral::BEFORE_SUBJECT as u8
            }
            Outlet::Peer | Outlet::Account => 0,
        }
    }

    fn is_for_servers(&self, subject: &[u8]) -> bool {
        gateway::is_mapped(subject)
    }
}
