//! A line without a wire, for handshakes in tests.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::rc::Rc;

type Bytes = Rc<RefCell<VecDeque<u8>>>;

/// One end of it. A read blocks where nothing has been written at the other.
#[derive(Debug)]
pub(crate) struct End {
    incoming: Bytes,
    outgoing: Bytes,
}

/// Both ends.
pub(crate) fn line() -> (End, End) {
    let (there, back) = (Bytes::default(), Bytes::default());
    let near = End {
        incoming: back.clone(),
        outgoing: there.clone(),
    };
    let far = End {
        incoming: there,
        outgoing: back,
    };
    (near, far)
}

impl Read for End {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.incoming.borrow_mut().read(buffer)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }
}

impl Write for End {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outgoing.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
