//! Looking for what a recovery of a command without a queue waits for, beside the watch on signals.
//!
//! How it is looked for is [`until_seen`]; when it was waited for long enough is for whoever waits.

use std::io;
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::sync::watch;

use crate::engine::healing::watch::until_seen;
use crate::model::remedy::Await;

/// Somebody who looks, until it is there or this is dropped.
#[derive(Debug)]
pub(super) struct Look {
    /// Why it was not there at the last look; `None` once it is.
    missing: watch::Receiver<Option<String>>,
    _wanted: oneshot::Sender<()>,
}

impl Look {
    /// Begins to look.
    ///
    /// # Errors
    /// When there can be no thread for it.
    pub(super) fn begin(what: &Await) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (say, missing) = watch::channel(Some(String::new()));
        let (wanted, unwanted) = oneshot::channel::<()>();
        let what = what.clone();
        let looking = move || {
            runtime.block_on(async {
                let seen = until_seen(&what, |why| drop(say.send_replace(Some(why))));
                tokio::select! {
                    () = seen => drop(say.send_replace(None)),
                    _dropped = unwanted => {}
                }
            });
            // A probe that takes its time has a limit of its own.
            runtime.shutdown_background();
        };
        thread::Builder::new()
            .name("look".to_owned())
            .spawn(looking)?;
        Ok(Self {
            missing,
            _wanted: wanted,
        })
    }

    /// Whether it is there.
    pub(super) fn is_seen(&self) -> bool {
        self.missing.borrow().is_none()
    }

    /// Why it was not there at the last look; empty before the first.
    pub(super) fn missing(&self) -> String {
        self.missing.borrow().clone().unwrap_or_default()
    }
}
