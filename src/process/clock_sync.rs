//! Whether somebody keeps the system's clock right, as the kernel tells it. Reading only.

/// Whether the clock is kept right; `None` where the kernel does not tell.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no crate that is used here wraps the call")]
pub fn is_synchronised() -> Option<bool> {
    // SAFETY: the structure holds numbers only, for which zero is a value, and with `modes` 0 the
    // call changes nothing but it.
    let (state, answer) = unsafe {
        let mut answer: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&raw mut answer), answer)
    };
    (state >= 0).then_some(state != libc::TIME_ERROR && answer.status & libc::STA_UNSYNC == 0)
}

/// Only Linux is asked.
#[cfg(not(target_os = "linux"))]
pub fn is_synchronised() -> Option<bool> {
    None
}

/// Processes that wanted to run, over five minutes.
#[expect(unsafe_code, reason = "no crate that is used here wraps the call")]
pub fn load_of_five_minutes() -> Option<f64> {
    let mut loads = [0.0_f64; 3];
    // SAFETY: there is room for the three numbers that are asked for.
    let given = unsafe { libc::getloadavg(loads.as_mut_ptr(), 3) };
    (given >= 2).then(|| loads[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_is_a_number() {
        assert!(load_of_five_minutes().is_some_and(|load| load >= 0.0));
    }
}
