//! What the server itself says in an account: questions, each of which waits for one answer, and what it tells.
//!
//! All questions of an account are answered on subjects under one that is subscribed to once. It runs on the arbiter that
//! it publishes from; who asks is anywhere.

mod places;

use crate::accounts::Accounts;
use crate::in_process::{
    InProcess, InProcessAddress, InProcessMessage, InProcessSubject, SubscribeInProcess,
};
use crate::observatory::Interested;
use actix_rt::spawn;
use bytes::Bytes;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use places::{Place, Places, QUESTIONS_AT_ONCE};
use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::net::{IpAddr, Ipv6Addr};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;
use tokio::sync::{OnceCell, mpsc, oneshot};
use tokio::time::timeout;
use vagus_delivery::Account;
use vagus_delivery::arbiter::LocalArbiter;
use vagus_delivery::mailbox::Delivered;
use vagus_delivery::outbox::WhenFull;
use vagus_routing::AccountId;

/// How many bytes of answers may wait to be looked at, of one account.
const ANSWERS_AT_MOST: usize = 8 << 20;

/// How many of those who were asked are waited for.
const ASKED_AT_MOST: usize = 1024;

/// Where questions are from that the server has itself.
const OWN: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// Asks and tells.
#[derive(Debug, Clone)]
pub struct Asking {
    ask: mpsc::Sender<Question>,
    places: Places,
}

/// What is asked or told, and where.
#[derive(Debug)]
struct Question {
    account: AccountId,
    subject: Bytes,
    header: Option<Bytes>,
    payload: Bytes,
    /// None if it is only told.
    wanted: Option<Wanted>,
    _place: Place,
}

/// An answer that is wanted.
struct Wanted {
    patience: Duration,
    enough: Enough,
    /// Is told what was answered.
    tell: Box<dyn FnOnce(Option<Bytes>) + Send>,
}

impl fmt::Debug for Wanted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Wanted")
            .field("patience", &self.patience)
            .field("enough", &self.enough)
            .finish_non_exhaustive()
    }
}

/// Which answer is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Enough {
    /// The first.
    First,
    /// The first that is not empty, or the last of all that were asked.
    Something,
}

impl Asking {
    /// Has questions asked from this arbiter, on the thread of which this must be called. No subject that clients use
    /// begins with `inbox`.
    pub fn start(arbiter: LocalArbiter, accounts: Arc<Accounts>, inbox: &str) -> Self {
        let (ask, mut asked) = mpsc::channel(QUESTIONS_AT_ONCE);
        let desks = Rc::new(Desks {
            arbiter,
            accounts,
            inbox: inbox.into(),
            all: RefCell::default(),
        });
        spawn(async move {
            while let Some(question) = asked.recv().await {
                let desks = desks.clone();
                spawn(async move { desks.put(question).await });
            }
        });
        Self {
            ask,
            places: Places::default(),
        }
    }

    /// Hands a question in; None if too many are under way.
    fn hand_in(&self, question: Question) -> Option<()> {
        // There is room for all that have places.
        self.ask.try_send(question).ok()
    }

    /// Asks in an account, for who connects from this address, and waits for so long for the answer. None: there was none in
    /// time, nobody takes questions, or too many are under way, of all or of those from there.
    pub async fn ask(
        self,
        (account, source): (AccountId, IpAddr),
        subject: &'static str,
        header: Option<Vec<u8>>,
        payload: Vec<u8>,
        patience: Duration,
    ) -> Option<Bytes> {
        let (answer, answered) = oneshot::channel();
        let tell = Box::new(|answered| {
            // Who asked may have gone.
            let _ = answer.send(answered);
        });
        let question = Question {
            account,
            subject: Bytes::from_static(subject.as_bytes()),
            header: header.map(Bytes::from),
            payload: payload.into(),
            wanted: Some(Wanted {
                patience,
                enough: Enough::First,
                tell,
            }),
            _place: self.places.take(source)?,
        };
        self.hand_in(question)?;
        answered.await.ok().flatten()
    }

    /// Asks all who take the question, without saying more, until one has something to say. Blocks, for no longer than
    /// `patience`: it is not for threads of actors.
    pub fn look_for(&self, account: AccountId, subject: String, patience: Duration) -> Option<Bytes> {
        let (answer, answered) = sync_channel(1);
        let tell = Box::new(move |answered| {
            // Who asked may have gone.
            let _ = answer.try_send(answered);
        });
        let question = Question {
            account,
            subject: subject.into(),
            header: None,
            payload: Bytes::new(),
            wanted: Some(Wanted {
                patience,
                enough: Enough::Something,
                tell,
            }),
            _place: self.places.take(OWN)?,
        };
        self.hand_in(question)?;
        let answered = answered.recv_timeout(patience).ok().flatten();
        answered.filter(|answer| !answer.is_empty())
    }

    /// Tells something in an account. Where too much is under way nobody is told.
    pub fn tell(&self, account: AccountId, subject: impl Into<Bytes>, payload: Vec<u8>) {
        let Some(place) = self.places.take(OWN) else {
            return;
        };
        let told = Question {
            account,
            subject: subject.into(),
            header: None,
            payload: payload.into(),
            wanted: None,
            _place: place,
        };
        // Nobody waits for it.
        let _ = self.hand_in(told);
    }
}

/// Where questions are put, by account.
struct Desks {
    arbiter: LocalArbiter,
    accounts: Arc<Accounts>,
    inbox: Box<str>,
    all: RefCell<HashMap<AccountId, Rc<OnceCell<Desk>>, RandomState>>,
}

/// Those who wait for an answer, by the numbers of their questions.
type Waiting = Rc<RefCell<HashMap<u64, Waiter, RandomState>>>;

/// Who waits for an answer.
struct Waiter {
    tell: oneshot::Sender<Bytes>,
    /// How many more empty answers are none.
    passed_over: usize,
}

/// One account, with a subscription to all answers that is in force.
struct Desk {
    account: Arc<Account>,
    in_process: InProcessAddress,
    waiting: Waiting,
    next: RefCell<u64>,
}

/// A question that is under way. It is not any more when this is dropped.
struct UnderWay<'a> {
    waiting: &'a Waiting,
    number: u64,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.waiting.borrow_mut().remove(&self.number);
    }
}

impl Desks {
    async fn put(&self, mut question: Question) {
        let cell = self.all.borrow_mut().entry(question.account).or_default().clone();
        let desk = cell.get_or_try_init(|| self.open(question.account)).await;
        let Some(wanted) = question.wanted.take() else {
            if let Ok(desk) = desk {
                desk.tell(question).await;
            }
            return;
        };
        let answered = match desk {
            Ok(desk) => {
                let answer = desk.put(&question, wanted.enough, &self.inbox);
                timeout(wanted.patience, answer).await.ok()
            }
            Err(()) => None,
        };
        (wanted.tell)(answered.flatten());
    }

    async fn open(&self, account: AccountId) -> Result<Desk, ()> {
        let account = self.accounts.get(account).ok_or(())?;
        let (known, in_process) = (
            account.account.clone(),
            InProcess::start(self.arbiter.clone(), account),
        );
        let subscribe = SubscribeInProcess {
            subjects: vec![InProcessSubject {
                subject: format!("{}.*", self.inbox).into(),
                queue: None,
            }],
            max_pending: ANSWERS_AT_MOST,
            when_full: WhenFull::Refuse,
        };
        let mut subscription = in_process.subscribe(subscribe).await.ok_or(())?;
        let waiting = Waiting::default();
        let told = waiting.clone();
        spawn(async move {
            while let Delivered::Messages(messages) = poll_fn(|task| subscription.poll_next(task)).await {
                for message in messages {
                    let parts = message.parts();
                    let number = str::from_utf8(parts.subject)
                        .ok()
                        .and_then(|subject| subject.rsplit('.').next()?.parse::<u64>().ok());
                    let Some(number) = number else { continue };
                    let mut waiting = told.borrow_mut();
                    if parts.payload.is_empty()
                        && let Some(waiter) = waiting.get_mut(&number)
                        && waiter.passed_over > 0
                    {
                        waiter.passed_over -= 1;
                    } else if let Some(waiter) = waiting.remove(&number) {
                        // A copy, as it is to outlive the chunk that it came in.
                        let _ = waiter.tell.send(Bytes::copy_from_slice(parts.payload));
                    }
                }
            }
        });
        Ok(Desk {
            account: known,
            in_process,
            waiting,
            next: RefCell::default(),
        })
    }
}

impl Desk {
    async fn tell(&self, told: Question) {
        let message = InProcessMessage {
            subject: told.subject,
            reply: None,
            header: told.header,
            payload: told.payload,
            except: None,
        };
        // Where nobody takes it nobody wanted to know.
        let _ = self.in_process.publish(message).await;
    }

    async fn put(&self, question: &Question, enough: Enough, inbox: &str) -> Option<Bytes> {
        let passed_over = match enough {
            Enough::First => 0,
            Enough::Something => {
                let interest = self.account.interest();
                let asked = Interested::of(interest, &question.subject, ASKED_AT_MOST).await;
                asked.subscriptions.len().saturating_sub(1)
            }
        };
        let number = {
            let mut next = self.next.borrow_mut();
            *next += 1;
            *next
        };
        let (tell, told) = oneshot::channel();
        self.waiting
            .borrow_mut()
            .insert(number, Waiter { tell, passed_over });
        let _under_way = UnderWay {
            waiting: &self.waiting,
            number,
        };
        let message = InProcessMessage {
            subject: question.subject.clone(),
            reply: Some(format!("{inbox}.{number}").into()),
            header: question.header.clone(),
            payload: question.payload.clone(),
            except: None,
        };
        if self.in_process.publish(message).await != Some(true) {
            return None;
        }
        told.await.ok()
    }
}
