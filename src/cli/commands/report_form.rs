//! Names of files that promise a form of a report that there is none of.

use std::path::Path;

use crate::cli::failure::CliError;

/// Endings of such names. Anything else is written as text: people end names by dates, too.
const NO_FORM: [&str; 20] = [
    "pdf", "ps", "eps", "doc", "docx", "odt", "rtf", "epub", "tex", "xls", "xlsx", "ods", "csv",
    "tsv", "xml", "yaml", "yml", "png", "jpg", "svg",
];

/// Refuses a file by whose name another form is expected.
///
/// # Errors
/// Says which forms there are.
pub(super) fn refuse_others(file: Option<&Path>) -> Result<(), CliError> {
    let ending = file.and_then(Path::extension);
    let ending = ending.map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let Some(ending) = ending.filter(|ending| NO_FORM.contains(&ending.as_str())) else {
        return Ok(());
    };
    let what = format!("a report cannot be written as `.{ending}`");
    let hint = "by the name of the file it is HTML (`.html`), Markdown (`.md`), JSON (`.json`) or \
                plain text (`.txt`); `--format` says which for any other name";
    Err(CliError::usage("no_such_form", what).hint(hint))
}
