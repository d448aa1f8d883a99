//! How one process asks another for a reload, and learns what came of it.
//!
//! A signal carries no answer. So a server also listens on a socket that has its process id for a name and no place on
//! disk; who may signal the process may ask there. Where there is none, there is the signal.

use std::io;

/// What came of an order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It was followed.
    Done,
    /// It was not, for this reason.
    Refused(String),
    /// There is nobody to ask: another program, or an older one.
    NotThere,
}

/// Tells the asker what came of it.
#[derive(Debug)]
pub(crate) struct Reply(std::sync::mpsc::SyncSender<Result<(), String>>);

impl Reply {
    /// Tells it. That nobody waits any more is no fault.
    pub(crate) fn give(self, outcome: Result<(), String>) {
        let _ = self.0.send(outcome);
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use super::{Answer, Reply};
    use rustix::net::sockopt::socket_peercred;
    use std::io::{self, Read, Write};
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
    use std::sync::mpsc::sync_channel;
    use std::time::Duration;

    const RELOAD: &[u8] = b"reload\n";
    const DONE: &str = "done\n";

    /// How long an asker may take to say what it asks.
    const PATIENCE: Duration = Duration::from_secs(1);

    /// How long a server may take. Then it goes on, and nobody is told how it ends but the log.
    const LONGEST: Duration = Duration::from_secs(60);

    /// No reason is longer.
    const LONGEST_ANSWER: u64 = 1 << 20;

    fn address(pid: i32) -> io::Result<SocketAddr> {
        SocketAddr::from_abstract_name(format!("vagus/{pid}/control"))
    }

    pub(super) fn listen(order: impl Fn(Reply) -> bool + Send + 'static) -> io::Result<()> {
        let own = i32::try_from(std::process::id()).map_err(io::Error::other)?;
        let listener = UnixListener::bind_addr(&address(own)?)?;
        std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || {
                for peer in listener.incoming() {
                    // One that hangs up, or may not ask, is told nothing.
                    if let Ok(peer) = peer
                        && matches!(serve(peer, &order), Ok(false))
                    {
                        return;
                    }
                }
            })?;
        Ok(())
    }

    /// Serves one peer; false once nobody takes orders any more.
    fn serve(mut peer: UnixStream, order: &impl Fn(Reply) -> bool) -> io::Result<bool> {
        let uid = socket_peercred(&peer)?.uid;
        if !uid.is_root() && uid != rustix::process::geteuid() {
            return Ok(true);
        }
        peer.set_read_timeout(Some(PATIENCE))?;
        peer.set_write_timeout(Some(PATIENCE))?;
        let mut asked = [0; RELOAD.len()];
        peer.read_exact(&mut asked)?;
        if asked != *RELOAD {
            return Ok(true);
        }
        let (reply, answer) = sync_channel(1);
        if !order(Reply(reply)) {
            return Ok(false);
        }
        match answer.recv() {
            Ok(Ok(())) => peer.write_all(DONE.as_bytes())?,
            Ok(Err(reason)) => peer.write_all(reason.as_bytes())?,
            Err(_) => return Ok(false),
        }
        Ok(true)
    }

    pub(super) fn reload(pid: i32) -> Answer {
        let Ok(mut server) = address(pid).and_then(|address| UnixStream::connect_addr(&address)) else {
            return Answer::NotThere;
        };
        // Anybody could have taken the name.
        let is_it = socket_peercred(&server).is_ok_and(|peer| peer.pid.as_raw_nonzero().get() == pid);
        if !is_it {
            return Answer::NotThere;
        }
        let mut text = String::new();
        let asked = server
            .set_read_timeout(Some(LONGEST))
            .and_then(|()| server.write_all(RELOAD))
            .and_then(|()| server.take(LONGEST_ANSWER).read_to_string(&mut text));
        match asked {
            Ok(_) if text == DONE => Answer::Done,
            Ok(_) if text.is_empty() => Answer::Refused("it gave no answer".to_owned()),
            Ok(_) => Answer::Refused(text),
            Err(error) => Answer::Refused(error.to_string()),
        }
    }
}

/// Takes orders of other processes from now on, until `order` says that there is nobody to follow them.
#[cfg(target_os = "linux")]
pub(crate) fn listen(order: impl Fn(Reply) -> bool + Send + 'static) -> io::Result<()> {
    linux::listen(order)
}

/// Has the server that is this process read its configuration anew.
#[cfg(target_os = "linux")]
pub(crate) fn reload(pid: i32) -> Answer {
    linux::reload(pid)
}

/// There are no such sockets here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn listen(_: impl Fn(Reply) -> bool + Send + 'static) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// There are no such sockets here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn reload(_: i32) -> Answer {
    Answer::NotThere
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{Answer, listen, reload};
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn an_order_has_an_answer() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert_eq!(reload(own), Answer::NotThere);
        let refuses = AtomicBool::new(false);
        listen(move |reply| {
            reply.give(if refuses.swap(true, Ordering::Relaxed) {
                Err("a.conf:1:2: no".to_owned())
            } else {
                Ok(())
            });
            true
        })
        .unwrap();
        assert_eq!(reload(own), Answer::Done);
        assert_eq!(reload(own), Answer::Refused("a.conf:1:2: no".to_owned()));
    }
}
