//! Colours, behind one switch.
//!
//! A colour never carries meaning alone: the word beside it says the same. Whether there are
//! colours at all is decided once, by `cli::settings` (`--color`, `NO_COLOR`, a terminal or not).

use console::Style;

/// Colours on or off; every painted text goes through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Paint {
    coloured: bool,
}

impl Paint {
    /// No colours: the text as it is.
    pub const PLAIN: Self = Self { coloured: false };
    /// With colours.
    pub const COLOURED: Self = Self { coloured: true };

    /// Whether there are colours, for texts that another crate paints.
    pub const fn is_coloured(self) -> bool {
        self.coloured
    }

    /// Something that went well.
    pub fn good(self, text: &str) -> String {
        self.apply(&Style::new().green(), text)
    }

    /// Something that somebody should look at.
    pub fn warn(self, text: &str) -> String {
        self.apply(&Style::new().yellow(), text)
    }

    /// Something that failed.
    pub fn bad(self, text: &str) -> String {
        self.apply(&Style::new().red().bold(), text)
    }

    /// Something beside the point.
    pub fn dim(self, text: &str) -> String {
        self.apply(&Style::new().dim(), text)
    }

    /// A heading.
    pub fn strong(self, text: &str) -> String {
        self.apply(&Style::new().bold(), text)
    }

    /// A command to type.
    pub fn command(self, text: &str) -> String {
        self.apply(&Style::new().cyan(), text)
    }

    fn apply(self, style: &Style, text: &str) -> String {
        if self.coloured {
            style.clone().force_styling(true).apply_to(text).to_string()
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switch_alone_decides_about_colours() {
        assert_eq!(Paint::PLAIN.bad("failed"), "failed");
        let painted = Paint::COLOURED.bad("failed");
        assert!(painted.starts_with('\u{1b}') && painted.contains("failed"));
    }
}
