//! Floor 4, a door: this machine.
