//! Ports of loopback that nobody listens on.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU16, Ordering};

/// Ports that are looked at, from here on; below are those of the system's own services.
const FIRST: u16 = 10_000;

/// A port that nobody listens on, and that nobody takes until the test itself does: it is given out once,
/// and it is none of those which the kernel hands to whoever does not care. One of them could be somebody
/// else's a moment later, and who connects to it from itself would even get through.
pub(crate) fn closed_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let handed_out = handed_out();
    let own: Vec<u16> = (FIRST..u16::MAX)
        .filter(|port| !handed_out.contains(port))
        .collect();
    // Two processes of tests at once begin at different places.
    let begin = usize::try_from(std::process::id()).unwrap() * 101;
    loop {
        let turn = begin + usize::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = own[turn % own.len()];
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// What the kernel gives to whoever asks for any port.
fn handed_out() -> RangeInclusive<u16> {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let range = range.unwrap_or_else(|_| "32768 60999".to_owned());
    let ends: Vec<u16> = range
        .split_whitespace()
        .map(|end| end.parse().unwrap())
        .collect();
    // Where it gives everything there is no better one.
    let gives_all = ends[0] <= FIRST && ends[1] >= u16::MAX - 1;
    ends[0]..=if gives_all { FIRST } else { ends[1] }
}
