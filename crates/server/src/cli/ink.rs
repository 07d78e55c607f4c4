//! Colours, where a person looks and has not asked for none (NO_COLOR).

use std::{
    fmt::{self, Display},
    io::IsTerminal,
};

use clap::builder::styling::{AnsiColor, Style};

/// Whether colours are wanted on a stream.
pub fn wanted(stream: &impl IsTerminal) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !refused
}

/// How text looks on one stream.
#[derive(Debug, Clone, Copy)]
pub struct Ink {
    wanted: bool,
}

/// Text with its look.
pub struct Inked<T> {
    style: Style,
    text: T,
}

impl Ink {
    /// The ink for a stream.
    pub fn of(stream: &impl IsTerminal) -> Self {
        Self { wanted: wanted(stream) }
    }

    /// Headings.
    pub fn strong<T: Display>(self, text: T) -> Inked<T> {
        self.inked(Style::new().bold(), text)
    }

    /// What is there to be skipped.
    pub fn soft<T: Display>(self, text: T) -> Inked<T> {
        self.inked(Style::new().dimmed(), text)
    }

    /// What went well.
    pub fn good<T: Display>(self, text: T) -> Inked<T> {
        self.inked(AnsiColor::Green.on_default().bold(), text)
    }

    /// What went wrong.
    pub fn bad<T: Display>(self, text: T) -> Inked<T> {
        self.inked(AnsiColor::Red.on_default().bold(), text)
    }

    fn inked<T: Display>(self, style: Style, text: T) -> Inked<T> {
        Inked { style: if self.wanted { style } else { Style::new() }, text }
    }
}

impl<T: Display> Display for Inked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { style, text } = self;
        // The width is the text's; the codes take no room on the screen.
        write!(f, "{style}")?;
        text.fmt(f)?;
        write!(f, "{style:#}")
    }
}
