//! What every camera driver does: it hands out one picture after another, as bytes.
//!
//! A driver never waits long, so that whoever reads from it can give it back at once, and says of each
//! picture how much of it is there: a buffer is longer than what lies in it, and some pictures are damaged.

use std::time::Duration;

use crate::error::Cause;

/// What a driver gives when it is asked for a picture.
pub(super) enum Shot<'a> {
    /// A picture in the format that was agreed on.
    Picture {
        /// What the driver wrote of its buffer, nothing else.
        bytes: &'a [u8],
        /// How long ago it was taken, if the driver tells.
        age: Duration,
    },
    /// A picture that the driver itself calls damaged.
    Damaged,
    /// No picture yet; ask again.
    Nothing,
}

/// An open camera that gives pictures. It stops and is given back when dropped, without a panic.
pub(super) trait Driver: Send {
    /// The next picture.
    ///
    /// # Errors
    /// Returns an error if there will be no more: unplugged, or taken by another program.
    fn shoot(&mut self) -> Result<Shot<'_>, Cause>;
}
