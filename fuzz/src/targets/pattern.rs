//! Filter patterns of logs: a line that is the pattern, then a message.

use nephos_logs::pattern::Pattern;

use crate::targets::line;

/// Parses a pattern and matches a message with it.
pub fn run(data: &[u8]) {
    let (text, message) = line(data);
    if let Ok(pattern) = Pattern::parse(&text) {
        pattern.matches(&String::from_utf8_lossy(message));
    }
}
