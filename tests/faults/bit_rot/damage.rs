//! What may happen to a file while nobody looks.

use fastrand::Rng;

const PAGE: usize = 4096;

/// The kind of damage and what is left; `None` for a file that is gone.
pub(crate) fn damaged(whole: &[u8], rng: &mut Rng) -> (&'static str, Option<Vec<u8>>) {
    let mut bytes = whole.to_vec();
    let length = bytes.len().max(1);
    let place = rng.usize(0..length);
    let kind = match rng.u32(0..8) {
        0 | 1 => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 1 << rng.u8(0..8);
            }
            "one bit"
        }
        2 => {
            let many = rng.usize(1..40);
            for byte in bytes.iter_mut().skip(place).take(many) {
                *byte = rng.u8(..);
            }
            "some bytes"
        }
        3 => {
            let start = place / PAGE * PAGE;
            for byte in bytes.iter_mut().skip(start).take(PAGE) {
                *byte = 0;
            }
            "a page of zeros"
        }
        4 => {
            bytes.truncate(place);
            "cut off"
        }
        5 => {
            for byte in bytes.iter_mut().take(100) {
                *byte = rng.u8(..);
            }
            "a junk header"
        }
        6 => {
            for byte in &mut bytes {
                *byte = rng.u8(..);
            }
            "junk"
        }
        _ => return ("gone", None),
    };
    (kind, Some(bytes))
}
