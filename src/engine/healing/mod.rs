//! Recoveries, carried out: waiting without a slot, adjusting, ordering actions, giving credit.
//!
//! What is chosen is `policy::recovery`; what a supervisor does before an attempt is its own business.
//! A recovery is a row of the store, begun in the transaction in which its failed attempt ends, so a
//! run that dies in the middle of one finds it again. A task whose recovery waits is `recovering`
//! and holds no slot; every other recovery leaves it queued, and its next attempt is made differently.

pub(crate) mod begin;
pub(crate) mod credit;
pub(crate) mod facts;
pub(crate) mod present;
pub(crate) mod probe;
pub(crate) mod unneeded;
pub(crate) mod waits;
pub(crate) mod watch;
pub(crate) mod writes;
