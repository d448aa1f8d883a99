use crate::patience::PATIENCE;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// Server-sent events, as they come in.
#[derive(Debug)]
pub struct Events {
    reader: BufReader<TcpStream>,
    status: u16,
    /// What of the answer has come, without the marks between chunks.
    text: String,
}

impl Events {
    /// Asks for events.
    ///
    /// # Panics
    /// When nothing that is HTTP is answered.
    #[track_caller]
    pub fn of(address: SocketAddr, path: &str) -> Self {
        Self::with(address, path, &[])
    }

    /// Asks for events, with these headers.
    ///
    /// # Panics
    /// When nothing that is HTTP is answered.
    #[track_caller]
    pub fn with(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = TcpStream::connect(address).expect("the port is open");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket takes it");
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        stream
            .write_all(request.as_bytes())
            .expect("the request is taken");
        let mut reader = BufReader::new(stream);
        let first = line(&mut reader);
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
        while !line(&mut reader).is_empty() {}
        Self {
            reader,
            status: status.unwrap_or_else(|| panic!("there is no status in {first:?}")),
            text: String::new(),
        }
    }

    /// The status code of the answer.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The name and the data of the next event. What keeps the connection open is left out.
    ///
    /// # Panics
    /// When none comes.
    #[track_caller]
    pub fn next_event(&mut self) -> (String, String) {
        loop {
            while let Some(end) = self.text.find("\n\n") {
                let event: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
                if let (Some(name), Some(data)) = (field("event: "), field("data: ")) {
                    return (name.to_owned(), data.to_owned());
                }
            }
            assert!(self.read_chunk(), "the events have ended");
        }
    }

    /// Reads what there is until the answer is complete.
    ///
    /// # Panics
    /// When it breaks off, or goes on.
    #[track_caller]
    pub fn expect_end(&mut self) {
        while self.read_chunk() {}
    }

    /// False at the end of the answer.
    #[track_caller]
    fn read_chunk(&mut self) -> bool {
        let size = line(&mut self.reader);
        let size = usize::from_str_radix(&size, 16).expect("a chunk begins with its size");
        if size == 0 {
            return false;
        }
        let mut chunk = vec![0; size + 2];
        self.reader.read_exact(&mut chunk).expect("the chunk is whole");
        chunk.truncate(size);
        self.text
            .push_str(std::str::from_utf8(&chunk).expect("events are text"));
        true
    }
}

#[track_caller]
fn line(reader: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).expect("there is an answer");
    line.trim_end().to_owned()
}
