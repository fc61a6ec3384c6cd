//! The token: a random word in the page's address, which only the user of this program knows.
//!
//! The token is kept in the configuration folder, in a file that only its owner may read, so the address that OBS was
//! told stays the same. It lies in the path of every address, not in a cookie: pages pass it on by asking for
//! relative addresses, and the servers of other ports of this machine never see it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use subtle::ConstantTimeEq as _;

/// Random bytes of a new token: 128 bits, which nobody guesses.
const BYTES: usize = 16;
/// Characters of a token that somebody wrote into the file.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=128;

/// A token, safe to be a segment of a path.
pub(super) struct Token(String);

impl Token {
    /// The token in the configuration folder; a new one if there is none, or if `renew` is set.
    ///
    /// # Errors
    /// Returns an error if the system has no random numbers. A folder that cannot be written to is only
    /// warned of: the address is then another one at the next start.
    pub(super) fn load(renew: bool) -> io::Result<Self> {
        let Some(file) = file() else { return Self::random() };
        match Self::kept(&file) {
            Some(token) if !renew => Ok(token),
            _ => {
                let token = Self::random()?;
                if let Err(error) = token.keep(&file) {
                    tracing::warn!(
                        "the page's address is not kept, because {} cannot be written: {error}",
                        file.display()
                    );
                }
                Ok(token)
            }
        }
    }

    fn random() -> io::Result<Self> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The token of a file, if it holds one.
    fn kept(file: &Path) -> Option<Self> {
        let text = fs::read_to_string(file).ok()?;
        let text = text.trim();
        let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !LENGTHS.contains(&text.len()) || !text.bytes().all(is_safe) {
            tracing::warn!("{} holds no token; the page gets a new address", file.display());
            return None;
        }
        hide(file);
        Some(Self(text.to_owned()))
    }

    /// Writes the token to a new file of its owner alone, which then takes the name: whoever has the one before
    /// open reads no more from it.
    fn keep(&self, file: &Path) -> io::Result<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let new = file.with_extension(std::process::id().to_string());
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&new).and_then(|mut open| writeln!(open, "{}", self.0));
        let kept = written.and_then(|()| fs::rename(&new, file));
        if kept.is_err() {
            let _ = fs::remove_file(&new);
        }
        kept
    }

    /// Whether a text is the token. The time that takes tells nothing of how much of it is right.
    pub(super) fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }

    /// The token, to be printed in an address.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Where the token is kept.
fn file() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "stylewarp").map(|dirs| dirs.config_dir().join("page-token"))
}

/// Takes a file from the eyes of others.
fn hide(file: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let seen = fs::metadata(file).is_ok_and(|about| about.permissions().mode() & 0o077 != 0);
        if seen {
            tracing::warn!("{} could be read by others; --new-token makes another", file.display());
            let _ = fs::set_permissions(file, fs::Permissions::from_mode(0o600));
        }
    }
    #[cfg(not(unix))]
    let _ = file;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_random_and_itself_alone() {
        let (token, other) = (Token::random().expect("random"), Token::random().expect("random"));
        assert!(token.is(token.as_str()) && !token.is(other.as_str()));
        assert_eq!(token.as_str().len(), 2 * BYTES);
        assert!(
            !token.is("") && !token.is(&token.as_str()[1..]) && !token.is(&format!("{}0", token.as_str()))
        );
    }

    #[test]
    fn a_token_is_kept_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("stylewarp/page-token");
        let token = Token::random().expect("random");
        token.keep(&file).expect("written");
        assert!(Token::kept(&file).is_some_and(|kept| kept.is(token.as_str())));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = || fs::metadata(&file).expect("there").permissions().mode() & 0o777;
            assert_eq!(mode(), 0o600);
            fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("changed");
            assert!(Token::kept(&file).is_some());
            assert_eq!(mode(), 0o600);
        }
        Token::random().and_then(|other| other.keep(&file)).expect("written over");
        assert!(!Token::kept(&file).expect("another").is(token.as_str()));
        assert_eq!(fs::read_dir(file.parent().expect("a folder")).expect("listed").count(), 1);
    }

    #[test]
    fn a_file_of_something_else_holds_no_token() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("page-token");
        for text in ["", "short", "has/a/slash/in/it/somewhere", "dots..and..dots..and..", &"x".repeat(129)] {
            fs::write(&file, text).expect("written");
            assert!(Token::kept(&file).is_none(), "{text}");
        }
    }
}
