use crate::frame::{self, Frame, Message, Shown};
use crate::patience::PATIENCE;
use crate::stream::Stream;
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

/// How much is read at once.
const READ_AT_ONCE: usize = 32 * 1024;

/// How many frames are remembered, to be shown when something is wrong.
const REMEMBERED: usize = 6;

/// How much of each.
const REMEMBERED_OF_EACH: usize = 80;

/// The receiving half of a client. PINGs of the server are passed over unless asked for.
#[derive(Debug)]
pub struct Reader {
    socket: BufReader<Incoming>,
    frame: Vec<u8>,
    line_length: usize,
    shows_pings: bool,
    came: VecDeque<Vec<u8>>,
}

/// A socket that its writer has as well: one descriptor a client, as tests may have ten thousand.
#[derive(Debug)]
struct Incoming(Arc<Stream>);

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

/// Why there is no frame.
#[derive(Debug)]
enum End {
    Closed,
    Silent,
    Broken(io::Error),
    Nonsense,
}

impl Reader {
    pub(crate) fn new(socket: Arc<Stream>) -> Self {
        Self {
            socket: BufReader::with_capacity(READ_AT_ONCE, Incoming(socket)),
            frame: Vec::new(),
            line_length: 0,
            shows_pings: false,
            came: VecDeque::new(),
        }
    }

    /// From now on PINGs of the server are frames like others.
    pub fn show_pings(&mut self) {
        self.shows_pings = true;
    }

    /// Reads frames as long as `text` has some, and compares them; the last CRLF is added to `text`.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        let expected = [text.as_bytes(), b"\r\n"].concat();
        let mut rest = expected.as_slice();
        while !rest.is_empty() {
            if let Err(end) = self.advance() {
                self.fail(&end, &format!("{:?}", Shown(rest)));
            }
            match rest.strip_prefix(self.frame.as_slice()) {
                Some(after) => rest = after,
                None => panic!(
                    "not as expected: {:?}\n      but there came: {:?}\n       after these: {:?}",
                    Shown(rest),
                    Shown(&self.frame),
                    self.came()
                ),
            }
        }
    }

    /// The next frame.
    #[track_caller]
    pub fn next_frame(&mut self) -> Frame {
        match self.advance() {
            Ok(()) => self.parse(),
            Err(end) => self.fail(&end, "a frame"),
        }
    }

    /// The next frame; none when the server has closed the connection.
    #[track_caller]
    pub fn next_or_end(&mut self) -> Option<Frame> {
        match self.advance() {
            Ok(()) => Some(self.parse()),
            Err(End::Closed) => None,
            Err(end) => self.fail(&end, "a frame or the end"),
        }
    }

    /// The next frame, which is a message.
    #[track_caller]
    pub fn message(&mut self) -> Message {
        match self.next_frame() {
            Frame::Message(message) => message,
            other => panic!("no message but {other:?}, after {:?}", self.came()),
        }
    }

    /// The next `count` frames, which are messages.
    #[track_caller]
    pub fn messages(&mut self, count: usize) -> Vec<Message> {
        (0..count).map(|_| self.message()).collect()
    }

    /// Everything up to the next PONG.
    #[track_caller]
    pub fn until_pong(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        loop {
            match self.next_frame() {
                Frame::Pong => return frames,
                frame => frames.push(frame),
            }
        }
    }

    /// Waits for the end of the connection; gives everything that comes before it, as text.
    #[track_caller]
    pub fn closed(&mut self) -> String {
        let mut text = Vec::new();
        match self.socket.read_to_end(&mut text) {
            Ok(_) => {}
            // The server did not read all we sent: an end all the same.
            Err(error) if is_end(&error) => {}
            Err(error) => panic!(
                "the connection is not closed: {error}; there came {:?} after {:?}",
                Shown(&text),
                self.came()
            ),
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Reads the next frame to `self.frame`.
    fn advance(&mut self) -> Result<(), End> {
        loop {
            self.remember();
            self.frame.clear();
            self.line_length = self.socket.read_until(b'\n', &mut self.frame).map_err(End::of)?;
            if self.line_length == 0 {
                return Err(End::Closed);
            }
            let body = frame::body_length(&self.frame).ok_or(End::Nonsense)?;
            self.frame.resize(self.line_length + body, 0);
            self.socket
                .read_exact(&mut self.frame[self.line_length..])
                .map_err(End::of)?;
            if self.shows_pings || self.frame != b"PING\r\n" {
                return Ok(());
            }
        }
    }

    #[track_caller]
    fn parse(&self) -> Frame {
        match frame::parse(&self.frame, self.line_length) {
            Some(frame) => frame,
            None => self.fail(&End::Nonsense, "a frame"),
        }
    }

    fn remember(&mut self) {
        if self.frame.is_empty() {
            return;
        }
        let mut kept = if self.came.len() == REMEMBERED {
            self.came.pop_front().unwrap_or_default()
        } else {
            Vec::new()
        };
        kept.clear();
        kept.extend_from_slice(&self.frame[..self.frame.len().min(REMEMBERED_OF_EACH)]);
        self.came.push_back(kept);
    }

    fn came(&self) -> Vec<Shown<'_>> {
        self.came.iter().map(|frame| Shown(frame)).collect()
    }

    #[track_caller]
    fn fail(&self, end: &End, awaited: &str) -> ! {
        let (frame, came) = (Shown(&self.frame), self.came());
        match end {
            End::Closed => panic!("the connection is closed instead of {awaited}, after {came:?}"),
            End::Silent => {
                panic!("nothing came in {PATIENCE:?} instead of {awaited}; begun: {frame:?}, after {came:?}")
            }
            End::Broken(error) => panic!("{error} instead of {awaited}, after {came:?}"),
            End::Nonsense => panic!("no server says {frame:?}; it came after {came:?}"),
        }
    }
}

impl End {
    fn of(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Silent,
            _ if is_end(&error) => Self::Closed,
            _ => Self::Broken(error),
        }
    }
}

fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof
    )
}
