//! Starting a command with limits or niceness: what happens between fork and exec.
//!
//! Everything is made ready before the fork, because nothing may be allocated after it.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::model::outcome::StartFailure;
use crate::model::outcome::StartFailureKind;
use crate::process::spawn::Launch;
use crate::process::spawn::failure;

/// Added to the error number when it was a limit that was refused: the standard library carries one
/// number, and nothing else, from the child to the parent.
pub(crate) const LIMIT_ERROR: i32 = 100_000;

/// After the soft limit of CPU time, which sends XCPU, the hard one kills.
const CPU_GRACE_SECONDS: u64 = 5;

/// What the child does before it becomes the program.
pub(crate) struct Plan {
    program: CString,
    argv: Vec<CString>,
    environment: Vec<CString>,
    limits: Vec<(libc::__rlimit_resource_t, libc::rlimit)>,
    nice: Option<libc::c_int>,
}

/// The pointers that `execve` wants, made before the fork.
struct Pointers {
    plan: Plan,
    argv: Vec<*const libc::c_char>,
    environment: Vec<*const libc::c_char>,
}

#[expect(unsafe_code, reason = "raw pointers are not Send by themselves")]
// SAFETY: the pointers point into the heap blocks of the C strings in `plan`, which move with the
// structure and are never changed.
unsafe impl Send for Pointers {}
#[expect(unsafe_code, reason = "raw pointers are not Sync by themselves")]
// SAFETY: as above; everything behind the pointers is only read.
unsafe impl Sync for Pointers {}

impl Plan {
    pub(crate) fn new(launch: &Launch<'_>, program: &Path) -> Result<Self, StartFailure> {
        let text = |bytes: &[u8]| {
            CString::new(bytes).map_err(|_| failure(StartFailureKind::NulByte, 0, program))
        };
        let argv = launch.argv.iter().map(|argument| text(argument.as_bytes()));
        let environment = launch
            .environment
            .iter()
            .map(|(name, value)| text(&[name.as_bytes(), b"=", value.as_bytes()].concat()));
        let limits = launch.limits;
        let mut wanted = Vec::new();
        if let Some(bytes) = limits.memory {
            let most = hard_limit(libc::RLIMIT_AS).min(bytes);
            wanted.push((libc::RLIMIT_AS, both(most)));
        }
        if let Some(files) = limits.files {
            wanted.push((libc::RLIMIT_NOFILE, both(files)));
        }
        if let Some(cpu) = limits.cpu {
            let hard = hard_limit(libc::RLIMIT_CPU);
            let soft = cpu.as_millis().div_ceil(1000).max(1);
            let soft = u64::try_from(soft).unwrap_or(u64::MAX);
            wanted.push((
                libc::RLIMIT_CPU,
                libc::rlimit {
                    rlim_cur: soft.min(hard),
                    rlim_max: soft.saturating_add(CPU_GRACE_SECONDS).min(hard),
                },
            ));
        }
        Ok(Self {
            program: text(program.as_os_str().as_bytes())?,
            argv: argv.collect::<Result<_, _>>()?,
            environment: environment.collect::<Result<_, _>>()?,
            limits: wanted,
            nice: launch.nice.map(|added| {
                rustix::process::getpriority_process(None)
                    .unwrap_or_default()
                    .saturating_add(added)
            }),
        })
    }

    pub(crate) fn install(self, command: &mut Command) {
        let pointers = Pointers {
            argv: null_terminated(&self.argv),
            environment: null_terminated(&self.environment),
            plan: self,
        };
        #[expect(unsafe_code, reason = "limits are set between fork and exec")]
        // SAFETY: the hook allocates nothing, takes no lock and makes only system calls.
        unsafe {
            command.pre_exec(move || pointers.become_the_program());
        }
    }
}

impl Pointers {
    /// Sets the limits and executes the program; comes back only with an error.
    #[expect(unsafe_code, reason = "these system calls are made in the child")]
    fn become_the_program(&self) -> io::Result<()> {
        for (resource, limit) in &self.plan.limits {
            // SAFETY: the structure lives across the call.
            if unsafe { libc::setrlimit(*resource, limit) } != 0 {
                return Err(limit_refused());
            }
        }
        if let Some(nice) = self.plan.nice {
            // SAFETY: no memory is involved.
            if unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) } != 0 {
                return Err(limit_refused());
            }
        }
        // SAFETY: both vectors end in null, and what they point to lives in `plan`.
        unsafe {
            libc::execve(
                self.plan.program.as_ptr(),
                self.argv.as_ptr(),
                self.environment.as_ptr(),
            );
        }
        Err(io::Error::last_os_error())
    }
}

fn limit_refused() -> io::Error {
    let errno = io::Error::last_os_error()
        .raw_os_error()
        .unwrap_or_default();
    io::Error::from_raw_os_error(errno + LIMIT_ERROR)
}

fn null_terminated(texts: &[CString]) -> Vec<*const libc::c_char> {
    texts
        .iter()
        .map(|text| text.as_ptr())
        .chain([std::ptr::null()])
        .collect()
}

fn both(limit: u64) -> libc::rlimit {
    libc::rlimit {
        rlim_cur: limit,
        rlim_max: limit,
    }
}

/// The limit that cannot be raised without rights; a task that asks for more gets this.
fn hard_limit(resource: libc::__rlimit_resource_t) -> u64 {
    let mut limit = both(u64::MAX);
    #[expect(unsafe_code, reason = "the resource is named by number")]
    // SAFETY: the structure lives across the call, which fills it.
    let _unchanged_on_error = unsafe { libc::getrlimit(resource, &raw mut limit) };
    limit.rlim_max
}
