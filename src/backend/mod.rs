//! Floor 5: where attempts live.
//!
//! A backend starts attempts, passes on requests to stop them and hands back what became of them.
//! It knows neither the queue nor when a task should run (`engine`), nor how a command is watched
//! (`supervisor`). Today there is one: [`local`], supervisors on this machine.

pub mod local;

pub use local::{Local, LocalSetup, Said};
