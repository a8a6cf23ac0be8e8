//! Floor 3: processes of the operating system: spawn, identity, slot files, locks, sweep, helper programs.
