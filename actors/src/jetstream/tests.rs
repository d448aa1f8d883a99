//! Streams on a disk that fails: what they answer meanwhile, and that they go on by themselves.

mod closing;
mod dead_letters;
mod lives;
mod own_writes;
mod recovering;
mod room;
mod whole;

use super::clock;
use super::sizes::Sizes;
use super::{AccountStreams, JetStream, OpenedStreams, Settings, Starter, StreamAddress};
use crate::accounts::Accounts;
use crate::in_process::{
    InProcess, InProcessAddress, InProcessMessage, InProcessSubject, InProcessSubscription,
    SubscribeInProcess,
};
use actix::prelude::*;
use bytes::Bytes;
use std::cell::RefCell;
use std::future::poll_fn;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use vagus_delivery::arbiter::{ArbiterState, Arbiters};
use vagus_delivery::mailbox::{Delivered, Messages};
use vagus_delivery::outbox::WhenFull;
use vagus_jetstream::account::{AccountLimits, Tiers};
use vagus_jetstream::api::{GetRequest, StreamInfoRequest};
use vagus_jetstream::config::{ServerLimits, StreamConfigRequest};
use vagus_store::disk::{Faults, SimulatedDisk};

/// Where answers to publishers go.
const ANSWERS: &str = "answers";

/// A server in small, on a simulated disk.
struct World {
    disk: SimulatedDisk,
    jetstream: JetStream,
    account: Arc<AccountStreams>,
    client: InProcessAddress,
    answers: InProcessSubscription,
    came: Messages,
}

fn settings() -> Settings {
    Settings {
        folder: PathBuf::from("/data"),
        name: "server".to_owned(),
        domain: String::new(),
        encryption: None,
        strict: true,
        max_batches: 10,
        version: "2.14.0".to_owned(),
        max_ack_pending: 0,
        max_request_batch: 0,
        default_max_consumers: 0,
        max_memory: i64::MAX,
        max_storage: i64::MAX,
        limits: ServerLimits::default(),
        zones: Arc::new(|_| None),
    }
}

fn no_limits() -> Tiers {
    Tiers::flat(AccountLimits::default())
}

fn check<F: Future<Output = ()>>(disk: SimulatedDisk, test: impl FnOnce(World) -> F) {
    System::new().block_on(async {
        test(World::open(disk).await).await;
    });
}

impl World {
    async fn open(disk: SimulatedDisk) -> Self {
        Self::open_with(disk, Sizes::default()).await
    }

    async fn open_with(disk: SimulatedDisk, sizes: Sizes) -> Self {
        let arbiters = Arc::new(Arbiters::new(1));
        let accounts = Accounts::start(arbiters.clone());
        let arbiter = Rc::new(RefCell::new(ArbiterState::new(0, arbiters, 1, 0)));
        let client = InProcess::start(arbiter.clone(), accounts.global().clone());
        let opened = OpenedStreams::open_on(Arc::new(disk.clone()), settings(), sizes).unwrap();
        let jetstream = opened.run(vec![Starter::new(arbiter).start()]);
        let account = jetstream.enable(accounts.global().clone(), no_limits()).await;
        let subscribe = SubscribeInProcess {
            subjects: vec![InProcessSubject {
                subject: Bytes::from_static(ANSWERS.as_bytes()),
                queue: None,
            }],
            max_pending: usize::MAX,
            when_full: WhenFull::CutOff,
        };
        Self {
            answers: client.subscribe(subscribe).await.unwrap(),
            came: Messages::default(),
            disk,
            jetstream,
            account,
            client,
        }
    }

    async fn create(&self, name: &str, settings: &str) -> StreamAddress {
        let body = format!(r#"{{"name":"{name}","subjects":["{name}.>"]{settings}}}"#);
        let request = StreamConfigRequest::from_json(body.as_bytes(), true).unwrap();
        assert_eq!(self.account.create(name, request).await, Ok(true));
        self.account.stream(name).unwrap()
    }

    /// Publishes, and says what is answered.
    async fn publish(&mut self, subject: &str, payload: impl Into<Bytes>) -> String {
        let message = InProcessMessage {
            subject: Bytes::copy_from_slice(subject.as_bytes()),
            reply: Some(Bytes::from_static(ANSWERS.as_bytes())),
            header: None,
            payload: payload.into(),
            except: None,
        };
        assert_eq!(self.client.publish(message).await, Some(true));
        self.answer().await
    }

    async fn answer(&mut self) -> String {
        loop {
            if let Some(message) = self.came.next() {
                return String::from_utf8_lossy(message.parts().payload).into_owned();
            }
            match poll_fn(|task| self.answers.poll_next(task)).await {
                Delivered::Messages(messages) => self.came = messages,
                Delivered::Ended(reason) => panic!("{reason:?}"),
            }
        }
    }

    /// Publishes until it is taken; gives how often it was refused, and the last reason.
    async fn publish_until_taken(&mut self, subject: &str, payload: &Bytes) -> (usize, String) {
        let mut refused = (0, String::new());
        loop {
            let answer = self.publish(subject, payload.clone()).await;
            if !answer.contains("error") {
                return refused;
            }
            refused = (refused.0 + 1, answer);
        }
    }

    fn fail(&self, faults: Faults) {
        self.disk.set_faults(faults);
    }

    fn mend(&self) {
        self.disk.set_faults(Faults::default());
    }
}

/// Messages, first and last sequence.
async fn state(stream: &StreamAddress) -> (u64, u64, u64) {
    let state = stream.show(StreamInfoRequest::default()).await.unwrap().state;
    (state.messages, state.first_seq, state.last_seq)
}

async fn payload_length(stream: &StreamAddress, sequence: u64) -> usize {
    let wanted = GetRequest {
        sequence,
        ..GetRequest::default()
    };
    let message = serde_json::to_value(stream.get(wanted).await.unwrap()).unwrap();
    message["data"].as_str().map_or(0, str::len) / 4 * 3
}
