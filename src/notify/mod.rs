//! Floor 4: the door to people who are elsewhere: mail, webhooks, a command.
//!
//! A [`Target`] is somebody to tell; [`send`] tells it a [`Letter`], once. Not here: what is worth
//! telling and when (`engine`), the words (`cli::courier`), the outbox with its repetitions (`store`).
//!
//! # What is secret
//!
//! The address of a webhook is a password, so it is treated like one: [`secret`] fetches it when a
//! message is sent, in the short-lived process that sends it, and neither a name ([`Target::name`])
//! nor an error ([`SendError`]) nor a stored row holds any of it but the host.
//!
//! # Time
//!
//! Whatever a target does, [`send`] returns: each way of sending has a limit for the whole, and a
//! thread that does not keep to it is left behind.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what can go wrong in systems and libraries are open lists"
)]

pub mod command;
mod deadline;
pub mod error;
pub mod letter;
pub mod mail;
pub mod secret;
pub mod target;
pub mod webhook;

pub use error::{Blame, SendError};
pub use letter::{Letter, Urgency};
pub use secret::Surroundings;
pub use target::{Checked, Target, Way, check, send};
