//! Violent ends in words: memory that ran out, kills, terminations.

use regex::bytes::Captures;

use crate::model::category::Category as C;
use crate::model::category::Retryable as R;
use crate::policy::classify::pattern::Pattern;
use crate::policy::classify::pattern::on;
use crate::policy::classify::pattern::rank;

use crate::policy::classify::draft::Draft;
use crate::policy::classify::evidence::Evidence;

// Laid out by hand: words side by side, expressions cut at their alternatives.
#[rustfmt::skip]
pub(super) const PATTERNS: &[Pattern] = &[
    on(
        &[
            "oomkilled", "oom-kill", "oom kill", "out of memory: killed", "out-of-memory",
            "memory cgroup out of memory", "outofmemoryerror", "heap out of memory",
            "java heap space", "gc overhead limit", "invoked oom-killer", "oom_kill",
            "exceeded memory limit", "exceeding memory limit", "exceeded job memory",
            "low on resource: memory", "reached heap limit",
            "some of your processes may have been killed by the cgroup",
        ],
        "",
    )
        .means(C::Resource, "out_of_memory", R::AfterFix)
        .because("the kernel or the cluster says that it killed for want of memory")
        .rank(rank::PROOF)
        .even_in_noise()
        .refined(really_out_of_memory)
        .like(&[
            "Reason: OOMKilled",
            "java.lang.OutOfMemoryError: Java heap space",
            "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
        ]),
    on(
        &[
            "cannot allocate memory", "out of memory", "memoryerror", "unable to allocate",
            "ENOMEM", "memory exhausted", "virtual memory exhausted", "std::bad_alloc", "bad_alloc",
            "failed to allocate", "could not allocate", "not enough memory", "insufficient memory",
            "memory limit", "memory allocation", "can't allocate", "allowed memory size",
            "cannot allocate vector", "memory allocation of", "nomemoryerror", "alloc failed",
            "Nicht genügend Hauptspeicher", "Impossible d'allouer de la mémoire",
            "No se pudo asignar memoria", "Impossibile allocare memoria", "无法分配内存",
            "Kann keinen Speicher", "exceeds available memory", "heap exhausted",
            "insufficient shared memory", "could not reserve enough space", "errno 12]",
        ],
        concat!(
            r"cannot allocate memory|out of memory|memoryerror|unable to allocate \d|",
            r"\benomem\b|(?:virtual )?memory exhausted|bad_alloc|(?:failed|could not|can't|",
            "unable) (?:to )?allocate|(?:not enough|insufficient) memory|",
            r"memory limit (?:exceeded|of|reached)|memory allocation (?:of \d+ bytes )?failed|",
            r"allowed memory size of|cannot allocate vector|nomemoryerror|[^\x00-\x7f]|allouer|",
            "allocare|heap exhausted|insufficient shared memory|",
            r"could not reserve enough space|asignar memoria|errno 12\]",
        ),
    )
        .means(C::Resource, "out_of_memory", R::AfterFix)
        .because("an allocation failed, by the words of the run-time system")
        .rank(rank::PROOF - 2)
        .refined(really_out_of_memory)
        .like(&[
            "fatal: mmap failed: Cannot allocate memory",
            "MemoryError",
            "numpy._ArrayMemoryError: Unable to allocate 11.9 GiB for an array",
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB",
        ]),
    on(
        &[
            "killed", "getötet", "tué", "processus arrêté", "sigkill", "signal 9", "signal: 9",
            "signal: killed", "exit code 137", "code 137", "status 137", "error 137",
            "exit status 137", "(137)",
        ],
        concat!(
            r"^(?:\S+: (?:line )?\d+: +\d+ )?killed\b|\] (?:get\xc3\xb6tet|killed)|",
            r"\*\*\* .*\] killed|\b(?:signal:? )?sigkill\b|signal:? (?:9|killed)\b|(?:code|",
            r"status|error):? \(?137\b|killed signal terminated program|process .* was killed",
        ),
    )
        .means(C::Killed, "sigkill", R::Yes)
        .because("somebody else killed it, and nothing says why")
        .rank(rank::STATEMENT + 2)
        .refined(|_, _, evidence| !evidence.command.has(&["-KILL", "-9"]))
        .like(&[
            "run.sh: line 3: 4242 Killed                  ./train",
            "signal: killed",
            "make: *** [Makefile:2: all] Killed",
        ]),
    on(
        &[
            "brokenprocesspool", "terminated abruptly", "worker exited unexpectedly",
            "worker process", "exited unexpectedly",
        ],
        concat!(
            r"brokenprocesspool|terminated abruptly|worker \S*\s?\(?.*exited unexpectedly|",
            "processexitedexception.*sigkill",
        ),
    )
        .means(C::Killed, "sigkill", R::Yes)
        .because("a worker vanished, as one does that is killed from outside")
        .rank(rank::STATEMENT + 2)
        .like(&[
            "concurrent.futures.process.BrokenProcessPool: A process in the process pool was terminated abruptly",
        ]),
    on(
        &[
            "terminated", "sigterm", "received signal 15", "signal 15", "signal: terminated",
            "the operation was canceled", "shutdown signal", "beendet", "code 143", "status 143",
            "error 143", "(143)", "preempt",
        ],
        concat!(
            r"^(?:\S+: (?:line )?\d+: +\d+ )?terminated\s*(?:$| )|\] (?:terminated|beendet)|",
            r"received (?:signal )?(?:sigterm|15)\b|received sig\w+, sigterm|signal:? (?:15|",
            r"terminated)\b|received (?:a )?shutdown signal|(?:code|status|error):? \(?143\b|",
            r"terminated by signal sigterm|\bsigterm\b|due to preemption|preempted",
        ),
    )
        .means(C::Killed, "sigterm", R::Yes)
        .because("it was told to end and says so")
        .rank(rank::STATEMENT + 1)
        .like(&["Exiting normally, received signal 15.", "make: *** [Makefile:2: all] Terminated"]),
    on(
        &[
            "keyboardinterrupt", "interrupted by user", "aborted by user", "received sigint",
            "user interrupt",
        ],
        concat!(
            "keyboardinterrupt|interrupted by (?:the )?user|aborted by (?:the )?user|",
            "received sigint",
        ),
    )
        .means(C::Killed, "sigint", R::No)
        .because("a person pressed Ctrl-C")
        .rank(rank::STATEMENT)
        .like(&["KeyboardInterrupt"]),
    on(&["hangup", "sighup"], "^hangup|received sighup|signal: hangup")
        .means(C::Killed, "sighup", R::Yes)
        .because("its terminal or session went away")
        .like(&["Hangup"]),
];

/// The words may deny it, describe a setting, or speak of a server's memory.
fn really_out_of_memory(draft: &mut Draft, _: &Captures<'_>, evidence: &Evidence<'_>) -> bool {
    let line = evidence.line(draft.line_number).to_ascii_lowercase();
    if line.contains("oomkilled") && line.contains("false")
        || line.contains("perhaps out of memory")
    {
        return false;
    }
    if line.contains("maxmemory")
        || line.contains("oom command not allowed")
        || line.contains("query_wait")
    {
        draft.becomes(C::ServerError, "server_memory", R::AfterFix);
    }
    true
}
