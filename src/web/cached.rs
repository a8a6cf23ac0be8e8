//! What is costly to make and asked for by many: made by one of them at a time, and kept for a moment.
//!
//! Whoever comes while it is made gets what was made before, as long as that is not old. So a hundred
//! visitors cost one, and a file system that hangs holds up one answer and not the server.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::TryLockError;
use std::time::Duration;

use crate::support::clock::monotonic;
use crate::web::answer::Refusal;

/// How long what was made before is better than nothing.
const STALE: Duration = Duration::from_secs(15);
/// How long others wait for whoever makes it.
const PATIENCE: Duration = Duration::from_secs(5);

/// A value that is made anew when it is asked for and not fresh any more.
#[derive(Debug)]
pub(crate) struct Cached<T> {
    fresh: Duration,
    known: Mutex<Option<(Duration, Arc<T>)>>,
    /// Held by whoever makes it.
    turn: Mutex<()>,
    begun: Mutex<Duration>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept is replaced as a whole: whoever panicked left nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Cached<T> {
    /// A value that is fresh for so long.
    pub(crate) fn new(fresh: Duration) -> Self {
        Self {
            fresh,
            known: Mutex::new(None),
            turn: Mutex::new(()),
            begun: Mutex::new(Duration::ZERO),
        }
    }

    /// The value; `make` is called where it is not fresh and nobody else is at it.
    ///
    /// # Errors
    /// What `make` returns; and where somebody else has been at it for long.
    pub(crate) fn get(&self, make: impl FnOnce() -> Result<T, Refusal>) -> Result<Arc<T>, Refusal> {
        if let Some(known) = self.known(self.fresh) {
            return Ok(known);
        }
        let turn = match self.turn.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(left)) => left.into_inner(),
            Err(TryLockError::WouldBlock) => {
                if let Some(known) = self.known(STALE) {
                    return Ok(known);
                }
                if monotonic().saturating_sub(*lock(&self.begun)) > PATIENCE {
                    return Err(Refusal::too_slow());
                }
                lock(&self.turn)
            }
        };
        // Somebody else may have made it while we waited.
        if let Some(known) = self.known(self.fresh) {
            return Ok(known);
        }
        *lock(&self.begun) = monotonic();
        let value = Arc::new(make()?);
        *lock(&self.known) = Some((monotonic(), Arc::clone(&value)));
        drop(turn);
        Ok(value)
    }

    /// Forgets it: something was changed that shall be seen at once.
    pub(crate) fn forget(&self) {
        *lock(&self.known) = None;
    }

    fn known(&self, age: Duration) -> Option<Arc<T>> {
        let known = lock(&self.known);
        let (at, value) = known.as_ref()?;
        (monotonic().saturating_sub(*at) < age).then(|| Arc::clone(value))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering;
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn many_who_ask_at_once_cost_one() {
        let cached = Cached::new(Duration::from_hours(1));
        let made = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    let value = cached.get(|| Ok(made.fetch_add(1, Ordering::SeqCst)));
                    assert_eq!(*value.unwrap(), 0);
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
        cached.forget();
        assert_eq!(*cached.get(|| Ok(7)).unwrap(), 7);
    }

    #[test]
    fn whoever_comes_while_it_is_made_gets_what_was_made_before() {
        let cached = Cached::new(Duration::ZERO);
        assert_eq!(*cached.get(|| Ok(1)).unwrap(), 1);
        let (begun, has_begun) = mpsc::channel();
        let (go, may_go) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let cached = &cached;
            scope.spawn(move || {
                let made = cached.get(|| {
                    begun.send(()).unwrap();
                    may_go.recv().unwrap();
                    Ok(2)
                });
                assert_eq!(*made.unwrap(), 2);
            });
            has_begun.recv().unwrap();
            assert_eq!(*cached.get(|| Ok(3)).unwrap(), 1);
            go.send(()).unwrap();
        });
    }

    #[test]
    fn what_could_not_be_made_is_tried_again() {
        let cached = Cached::new(Duration::from_hours(1));
        assert!(cached.get(|| Err(Refusal::bug())).is_err());
        assert_eq!(*cached.get(|| Ok(1)).unwrap(), 1);
    }
}
