//! Messages with numbers that go on from one server to others, whatever happens.

use crate::mesh::{Mesh, text};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use vagus_test_support::{Frame, Reader, Writer};

/// About a thousand messages a second.
const PAUSE: Duration = Duration::from_millis(1);

const END: &str = "end";

/// It ends by [`Traffic::end`].
pub(crate) struct Traffic {
    is_over: Arc<AtomicBool>,
    publisher: JoinHandle<u64>,
    listeners: Vec<JoinHandle<Vec<u64>>>,
}

/// What came of it.
pub(crate) struct Outcome {
    /// How many messages were published.
    pub(crate) published: u64,
    /// What each listener got, in the order of the servers that were named.
    pub(crate) heard: Vec<Heard>,
}

/// The numbers of the messages that a listener got, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Heard(Vec<u64>);

impl Traffic {
    /// From one server to one client on each of others.
    pub(crate) fn begin(mesh: &mut Mesh, from: usize, to: &[usize]) -> Self {
        let listeners = to
            .iter()
            .map(|number| {
                let mut client = mesh.client(*number);
                client.subscribe("traffic", "1");
                mesh.have_subscribed(*number, 1);
                let (reader, _writer) = client.split();
                thread::spawn(move || listen(reader))
            })
            .collect();
        mesh.await_whole();
        let is_over = Arc::new(AtomicBool::new(false));
        let (reader, writer) = mesh.client(from).split();
        let publisher = {
            let is_over = is_over.clone();
            thread::spawn(move || {
                let published = publish(writer, &is_over);
                drop(reader);
                published
            })
        };
        Self {
            is_over,
            publisher,
            listeners,
        }
    }

    /// Ends it, and waits until everybody has heard of the end or lost the server.
    pub(crate) fn end(self) -> Outcome {
        self.is_over.store(true, Ordering::Relaxed);
        Outcome {
            published: self.publisher.join().expect("it has not panicked"),
            heard: self
                .listeners
                .into_iter()
                .map(|listener| Heard(listener.join().expect("it has not panicked")))
                .collect(),
        }
    }
}

/// Returns how many it was, when it is over or the server is gone.
fn publish(mut writer: Writer, is_over: &AtomicBool) -> u64 {
    let mut say = |payload: &str| {
        writer.try_send_bytes(format!("PUB traffic {}\r\n{payload}\r\n", payload.len()).as_bytes())
    };
    let mut number = 0;
    while !is_over.load(Ordering::Relaxed) && say(&number.to_string()) {
        number += 1;
        thread::sleep(PAUSE);
    }
    say(END);
    number
}

fn listen(mut reader: Reader) -> Vec<u64> {
    let mut heard = Vec::new();
    while let Some(frame) = reader.next_or_end() {
        let Frame::Message(message) = frame else { continue };
        match text(&message).as_str() {
            END => break,
            number => heard.push(number.parse().expect("a number")),
        }
    }
    heard
}

impl Heard {
    /// Nothing twice, nothing out of order.
    #[track_caller]
    pub(crate) fn expect_order(&self) {
        if let Some(pair) = self.0.windows(2).find(|pair| pair[0] >= pair[1]) {
            panic!("{} came before {}", pair[0], pair[1]);
        }
    }

    /// Everything from the first to the last that came, once and in order.
    #[track_caller]
    pub(crate) fn expect_no_gap(&self) {
        self.expect_order();
        if let Some(pair) = self.0.windows(2).find(|pair| pair[0] + 1 != pair[1]) {
            panic!("nothing came between {} and {}", pair[0], pair[1]);
        }
    }

    /// All of so many, once and in order.
    #[track_caller]
    pub(crate) fn expect_all(&self, published: u64) {
        self.expect_no_gap();
        assert_eq!((self.0.first(), self.0.len() as u64), (Some(&0), published));
    }
}
