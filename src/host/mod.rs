//! Floor 4, a door: this machine, as far as the queue needs it.
//!
//! The state directory and what must be true of it ([`state_dir`]), free space ([`disk`]) and
//! memory ([`memory`]), who holds a lock ([`locks`]), the space kept back for the moment when there is
//! none ([`ballast`]), and alerts that need no database ([`alerts`]).
//! The state directory and what must be true of it ([`state_dir`]), free space ([`disk`]), the space
//! kept back for the moment when there is none ([`ballast`]), memory and load ([`machine`]), and alerts that need no database
//! ([`alerts`]).

pub mod alerts;
pub mod ballast;
pub mod disk;
mod filesystem;
pub mod locks;
pub mod machine;
pub mod memory;
pub mod state_dir;
pub mod timer;
