//! The tasks of a night in which anything may be killed: steps, checkpoints, order, hours.

use fastrand::Rng;

use crate::manners::{BROKEN, STEPS, filled};

/// How many tasks [`batch`] makes.
pub(crate) const BATCH: usize = 14;

/// The tasks of a night, whose names begin with its number.
pub(crate) fn batch(rng: &mut Rng, night: i64) -> String {
    let text = format!("{TASKS}\n[[task]]{STEPS}\n[[task]]{BROKEN}");
    filled(rng, &text, &format!("n{night}"))
}

const TASKS: &str = r#"
[defaults]
retry = { max_attempts = 1000, base = "10ms", cap = "20ms" }
grace = "200ms"

[[task]]
name = "%-saves"
command = '''
FAKE lock @.lock record @.log start sleep 40
n=$(cat $AUTOEXEC_CHECKPOINT_DIR/n || echo 0)
echo $n >> @.saved
echo $((n + 1)) > $AUTOEXEC_CHECKPOINT_DIR/new
mv $AUTOEXEC_CHECKPOINT_DIR/new $AUTOEXEC_CHECKPOINT_DIR/n
[ $n -ge 4 ] || exit 85
FAKE record @.log end
'''

[[task]]
name = "%-late"
not_before = "02:00"
command = "FAKE lock @.lock record @.log start sleep 30 record @.log end"

[[task]]
name = "%-dead"
priority = 1
deadline = "+4h"
command = "FAKE lock @.lock record @.log start sleep 60000"

[[task]]
name = "%-ask"
on_crash = "ask"
command = "FAKE lock @.lock record @.log start sleep 50 record @.log end"

[[task]]
name = "%-fail"
on_crash = "fail"
command = "FAKE lock @.lock record @.log start sleep 50 record @.log end"

[[task]]
name = "%-leaves"
command = ["FAKE", "lock", "@.lock", "record", "@.log", "start", "daemon", "close", "ignore-term lock @.child sleep 60000", "sleep", "80", "record", "@.log", "end"]

[[task]]
name = "%-ignores"
command = "FAKE lock @.lock record @.log start ignore-term sleep 150 record @.log end"

[[task]]
name = "%-fails"
command = "FAKE lock @.lock record @.log start fail-first 2 @.n 75 record @.log end"

[[task]]
name = "%-plain"
command = "FAKE lock @.lock record @.log start sleep 120 record @.log end"
"#;
