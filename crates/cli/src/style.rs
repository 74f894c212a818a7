//! Colour, where there is a terminal to show it.

use std::io::IsTerminal;
use std::sync::OnceLock;

/// Whether a person looks at stderr.
pub fn is_terminal() -> bool {
    static TERMINAL: OnceLock<bool> = OnceLock::new();
    *TERMINAL.get_or_init(|| std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
}

fn paint(code: &str, text: &str) -> String {
    if is_terminal() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// Failures.
pub fn red(text: &str) -> String {
    paint("31;1", text)
}

/// What went well.
pub fn green(text: &str) -> String {
    paint("32", text)
}

/// What to look at.
pub fn bold(text: &str) -> String {
    paint("1", text)
}

/// What may be passed over.
pub fn dim(text: &str) -> String {
    paint("2", text)
}
