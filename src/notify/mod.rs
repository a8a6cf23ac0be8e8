//! Floor 4: the door to people who are elsewhere: mail, webhooks, a command.
//!
//! Not here: what is worth telling (`policy`), the outbox (`store`), and when a message is sent
//! (`engine`).
