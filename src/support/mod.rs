//! Floor 0: things that know nothing of tasks: time, words and untrusted text.

pub mod bytes;
pub mod clock;
pub mod crash;
pub mod opening;
pub mod paint;
pub mod similar;
pub mod table;
pub mod text;
pub mod untrusted;
pub mod visible_json;
pub mod wildcard;
