//! What is said to stdout and stderr, either of which may be full or gone.

use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use crate::error::{Error, Result};

/// Writes what was asked for to stdout. A reader that went away has seen enough.
///
/// # Errors
/// Returns an error if it cannot be written.
pub fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(reason) if reason.kind() != ErrorKind::BrokenPipe => {
            Err(Error::Write { path: "standard output".into(), source: Box::new(reason) })
        }
        _ => Ok(()),
    }
}

/// Says a line on stderr; where nobody can hear it, nothing is left to be done.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// A path for scripts: as it is, but bytes that are no text as `\xE9`.
pub fn path_text(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text += chunk.valid();
        chunk.invalid().iter().for_each(|byte| text += &format!("\\x{byte:02X}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_escaped() {
        use std::os::unix::ffi::OsStrExt as _;
        let text = |bytes| path_text(Path::new(std::ffi::OsStr::from_bytes(bytes)));
        assert_eq!(text("né.mp4".as_bytes()), "né.mp4");
        assert_eq!(text(b"caf\xe9\xff.mp4"), r"caf\xE9\xFF.mp4");
    }
}
