//! Which addresses a webhook may be sent to.
//!
//! A name of the open internet may lead to an address within: a router, a database, or the service of a
//! cloud that hands out keys. So it is the address that is judged, after the name was resolved, and the
//! connection is made to that very address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Of the open internet.
    Public,
    /// Of this machine or its neighbourhood.
    Private,
    /// No single machine has it.
    Nobody,
}

/// Judges an address.
pub(crate) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (10 | 127, ..)
        | (169, 254, _)
        | (172, 16..=31, _)
        | (192, 168, _)
        | (100, 64..=127, _)
        | (198, 18..=19, _)
        | (192, 0, 0) => Reach::Private,
        // Any machine, many machines, and examples in books.
        (0 | 224..=255, ..) | (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => Reach::Nobody,
        _ => Reach::Public,
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    if address == Ipv6Addr::LOCALHOST {
        return Reach::Private;
    }
    if address == Ipv6Addr::UNSPECIFIED || address.is_multicast() {
        return Reach::Nobody;
    }
    let parts = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        reach_v4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        // ::ffff:a.b.c.d, ::a.b.c.d, 64:ff9b::a.b.c.d and 2002:… are old addresses in new clothes.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        [0x2002, high, low, ..] => embedded(high, low),
        // Local use of that translation, unique local, link-local, site-local.
        [0x64, 0xff9b, 1, ..] | [0xfc00..=0xfdff | 0xfe80..=0xfeff, ..] => Reach::Private,
        // Teredo hides one more; documentation; everything outside of what is handed out.
        [0x2001, 0 | 0xdb8, ..] => Reach::Nobody,
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_within_are_told_from_those_of_the_open_internet() {
        for (address, expected) in [
            ("93.184.216.34", Reach::Public),
            ("8.8.8.8", Reach::Public),
            ("172.15.0.1", Reach::Public),
            ("172.32.0.1", Reach::Public),
            ("100.128.0.1", Reach::Public),
            ("127.0.0.1", Reach::Private),
            ("127.8.9.10", Reach::Private),
            ("10.0.0.1", Reach::Private),
            ("172.16.0.1", Reach::Private),
            ("172.31.255.255", Reach::Private),
            ("192.168.1.1", Reach::Private),
            ("100.64.0.1", Reach::Private),
            // Where clouds hand out keys.
            ("169.254.169.254", Reach::Private),
            ("192.0.0.192", Reach::Private),
            ("0.0.0.0", Reach::Nobody),
            ("255.255.255.255", Reach::Nobody),
            ("224.0.0.1", Reach::Nobody),
            ("240.0.0.1", Reach::Nobody),
            ("2606:2800:220:1:248:1893:25c8:1946", Reach::Public),
            ("::1", Reach::Private),
            ("fd00:ec2::254", Reach::Private),
            ("fe80::1", Reach::Private),
            ("fec0::1", Reach::Private),
            ("::ffff:127.0.0.1", Reach::Private),
            ("::127.0.0.1", Reach::Private),
            ("::ffff:8.8.8.8", Reach::Public),
            ("64:ff9b::10.0.0.1", Reach::Private),
            ("64:ff9b:1::1", Reach::Private),
            ("2002:7f00:1::", Reach::Private),
            ("2002:808:808::", Reach::Public),
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", Reach::Nobody),
            ("2001:db8::1", Reach::Nobody),
            ("::", Reach::Nobody),
            ("ff02::1", Reach::Nobody),
            ("4000::1", Reach::Nobody),
        ] {
            let judged = reach(address.parse().unwrap());
            assert_eq!(judged, expected, "{address}");
        }
    }
}
