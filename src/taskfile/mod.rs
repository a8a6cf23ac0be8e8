//! Floor 4, a door: task definitions from TOML files and from the command line.
