//! The TLS handshakes of an arbiter: they cost a thousand times as much as a message, and must not stand in its way.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::yield_now;

/// How many may wait for their peers at one time, on one arbiter; each holds some 50 KB of the library's. Of more, the
/// one whose peer has been silent for longest is given up: peers that answer do so long before.
const WAITING_AT_MOST: usize = 512;

/// How many may be on a thread of their own at one time, where somebody else is asked about the peer. Others wait.
const ELSEWHERE_AT_MOST: usize = 64;

/// The handshakes of an arbiter, which take turns.
///
/// One begins at a time, in the order in which the peers came; until then it holds nothing but what the peer has said.
/// Those that have begun come before those that have not, so that in a storm some end in time and not all too late.
#[derive(Debug)]
pub struct Handshakes {
    beginning: Semaphore,
    turn: Semaphore,
    elsewhere: Semaphore,
    waiting: RefCell<BTreeMap<u64, Rc<Silence>>>,
    waited: Cell<u64>,
}

/// The peer has been silent for longer than others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GivenUp;

impl Default for Handshakes {
    fn default() -> Self {
        Self {
            beginning: Semaphore::new(1),
            turn: Semaphore::new(1),
            elsewhere: Semaphore::new(ELSEWHERE_AT_MOST),
            waiting: RefCell::default(),
            waited: Cell::default(),
        }
    }
}

impl Handshakes {
    /// Waits for the turn to begin. It lasts until what is given back is dropped: after the first step.
    pub(super) async fn begin(&self) -> Option<SemaphorePermit<'_>> {
        // Nobody closes it.
        self.beginning.acquire().await.ok()
    }

    /// Computes a step of a handshake; None if its time is over when its turn comes. Between two steps everybody whose
    /// socket is ready has a turn.
    pub(super) async fn step<T>(&self, until: Instant, step: impl FnOnce() -> T) -> Option<T> {
        let turn = self.turn.acquire().await;
        // Those that are late together would otherwise each compute a step in vain, one behind the other.
        if Instant::now() >= until {
            return None;
        }
        let outcome = Some(step());
        // It goes on when the event loop has looked for what else there is to do.
        yield_now().await;
        drop(turn);
        outcome
    }

    /// Waits for the permission to have a step done on another thread; it lasts until what is given back is dropped.
    pub(super) async fn elsewhere(&self) -> Option<SemaphorePermit<'_>> {
        // Nobody closes it.
        self.elsewhere.acquire().await.ok()
    }

    /// Waits for the peer.
    ///
    /// # Errors
    /// When too many wait, and this one has for longest.
    pub(super) async fn wait<T>(&self, peer: impl Future<Output = T>) -> Result<T, GivenUp> {
        let waiting = Waiting::begin(self);
        let mut peer = pin!(peer);
        poll_fn(|task| {
            if waiting.silence.is_too_long(task) {
                return Poll::Ready(Err(GivenUp));
            }
            peer.as_mut().poll(task).map(Ok)
        })
        .await
    }
}

/// One that waits for its peer, for as long as it does.
struct Waiting<'a> {
    handshakes: &'a Handshakes,
    number: u64,
    silence: Rc<Silence>,
}

#[derive(Debug, Default)]
struct Silence {
    is_too_long: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Silence {
    /// If it is not, the task is woken once it is.
    fn is_too_long(&self, task: &Context<'_>) -> bool {
        if !self.is_too_long.get() {
            self.waker.replace(Some(task.waker().clone()));
        }
        self.is_too_long.get()
    }

    fn end(&self) {
        self.is_too_long.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl<'a> Waiting<'a> {
    fn begin(handshakes: &'a Handshakes) -> Self {
        let number = handshakes.waited.get();
        handshakes.waited.set(number + 1);
        let silence = Rc::new(Silence::default());
        let mut waiting = handshakes.waiting.borrow_mut();
        waiting.insert(number, silence.clone());
        if waiting.len() > WAITING_AT_MOST
            && let Some((_, longest)) = waiting.pop_first()
        {
            longest.end();
        }
        drop(waiting);
        Self {
            handshakes,
            number,
            silence,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.handshakes.waiting.borrow_mut().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::{GivenUp, Handshakes, WAITING_AT_MOST};
    use crate::testing::on_an_arbiter;
    use futures_util::future::join_all;
    use std::cell::{Cell, RefCell};
    use std::future::{pending, ready};
    use std::rc::Rc;
    use std::time::{Duration, Instant};
    use tokio::task::{spawn_local, yield_now};
    use tokio::time::timeout_at;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    /// Whose time is over while they wait for their turns compute nothing more.
    #[test]
    fn nothing_is_computed_in_vain() {
        on_an_arbiter(async {
            let (handshakes, steps) = (Rc::new(Handshakes::default()), Rc::new(Cell::new(0)));
            let late = Instant::now();
            let tasks = (0..100).map(|_| {
                let (handshakes, steps) = (handshakes.clone(), steps.clone());
                spawn_local(timeout_at(late.into(), async move {
                    let _beginning = handshakes.begin().await;
                    handshakes.step(late, || steps.set(steps.get() + 1)).await
                }))
            });
            join_all(tasks).await;
            assert_eq!(steps.get(), 0);
            assert_eq!(handshakes.step(soon(), || 7).await, Some(7));
        });
    }

    /// Others have a turn after each step, however many handshakes want one.
    #[test]
    fn steps_are_taken_between_turns_of_others() {
        on_an_arbiter(async {
            let (handshakes, turns) = (Rc::new(Handshakes::default()), Rc::new(Cell::new(0)));
            let most_in_a_row = Rc::new(Cell::new(0));
            let mut tasks = Vec::new();
            for _ in 0..100 {
                let (handshakes, turns, most) = (handshakes.clone(), turns.clone(), most_in_a_row.clone());
                tasks.push(spawn_local(async move {
                    for _ in 0..2 {
                        let step = || {
                            turns.set(turns.get() + 1);
                            most.set(turns.get().max(most.get()));
                        };
                        handshakes.step(soon(), step).await;
                    }
                }));
            }
            let other = spawn_local(async move {
                loop {
                    turns.set(0);
                    yield_now().await;
                }
            });
            join_all(tasks).await;
            other.abort();
            assert!(most_in_a_row.get() <= 2, "{}", most_in_a_row.get());
        });
    }

    /// A handshake that has begun goes on before the next begins.
    #[test]
    fn those_that_have_begun_come_first() {
        on_an_arbiter(async {
            let (handshakes, order) = (Rc::new(Handshakes::default()), Rc::new(RefCell::new(Vec::new())));
            let mut tasks = Vec::new();
            for number in 0..20 {
                let (handshakes, order) = (handshakes.clone(), order.clone());
                tasks.push(spawn_local(async move {
                    let beginning = handshakes.begin().await;
                    handshakes
                        .step(soon(), || order.borrow_mut().push((number, "begins")))
                        .await;
                    drop(beginning);
                    handshakes.wait(ready(())).await.unwrap();
                    handshakes
                        .step(soon(), || order.borrow_mut().push((number, "ends")))
                        .await;
                }));
            }
            join_all(tasks).await;
            let order = order.borrow();
            let mut open = 0;
            for (_, step) in order.iter() {
                open += if *step == "begins" { 1 } else { -1 };
                assert!(open <= 2, "{order:?}");
            }
            let begun = order.iter().filter(|(_, step)| *step == "begins");
            assert!(begun.map(|(number, _)| *number).eq(0..20), "{order:?}");
        });
    }

    #[test]
    fn the_silent_make_room_for_others() {
        on_an_arbiter(async {
            let handshakes = Rc::new(Handshakes::default());
            let wait = |_| {
                let handshakes = handshakes.clone();
                spawn_local(async move { handshakes.wait(pending::<()>()).await })
            };
            let mut silent: Vec<_> = (0..WAITING_AT_MOST).map(wait).collect();
            while handshakes.waiting.borrow().len() < WAITING_AT_MOST {
                yield_now().await;
            }
            silent.extend((0..3).map(wait));
            for longest in silent.drain(..3) {
                assert_eq!(longest.await.unwrap(), Err(GivenUp));
            }
            assert!(silent.iter().all(|task| !task.is_finished()));
            assert_eq!(handshakes.wait(ready(7)).await, Ok(7));
            assert_eq!(handshakes.waiting.borrow().len(), WAITING_AT_MOST - 1);
            for task in &silent {
                task.abort();
            }
            join_all(silent).await;
            assert!(handshakes.waiting.borrow().is_empty());
        });
    }
}
