//! What is hidden of a command's output on its way to our own standard streams.

use std::rc::Rc;

use crate::model::spec::Surroundings;
use crate::model::spec::TaskSpec;
use crate::policy::redact::Redactor;
use crate::process::environment;
use crate::process::environment::Inherited;
use crate::support::bytes::OsText;

/// Knows the secrets of a command, if it has any that are long enough.
pub(super) fn redactor(spec: &TaskSpec) -> Option<Rc<Redactor>> {
    if spec.secrets.is_empty() {
        return None;
    }
    // A file that cannot be read keeps the command from starting, which the supervisor tells.
    let file = spec.env_file.as_ref().and_then(|path| {
        let text = environment::read_env_file(path.as_path()).ok()?;
        environment::parse_env_file(&text).ok()
    });
    let all = environment::of_task(
        spec,
        &Surroundings::default(),
        &Inherited::take(),
        &file.unwrap_or_default(),
    );
    let values = environment::secret_values(spec, &all);
    let redactor = Redactor::new(values.map(OsText::as_bytes));
    redactor.has_secrets().then(|| Rc::new(redactor))
}
