//! One PNG a picture, numbered from 1.

use std::path::Path;

use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::image_file;
use crate::video::names::Numbered;
use crate::video::read::VideoInfo;
use crate::video::write::Sink;
use crate::video::write::cadence::{Cadence, Pictures};

/// A sink that writes files of a name such as `frames/%05d.png`.
///
/// # Errors
/// [`Error::OutputExists`] if one of the files is there and `overwrite` is not set; [`Error::Write`] if the
/// folder is missing.
pub fn sequence(path: &Path, overwrite: bool, info: &VideoInfo) -> Result<Box<dyn Sink>> {
    let names = Numbered::of(path).ok_or_else(|| Error::UnknownFormat { path: path.into() })?;
    let there = names.range().map_err(|source| Error::Write { path: path.into(), source: source.into() })?;
    if let Some((first, _)) = there.filter(|_| !overwrite) {
        return Err(Error::OutputExists { path: names.file(first) });
    }
    Ok(Box::new(Cadence::new(Files { names, next: 1 }, info)))
}

struct Files {
    names: Numbered,
    next: u64,
}

impl Pictures for Files {
    fn put(&mut self, frame: &Frame) -> Result<()> {
        image_file::write_shared(&self.names.file(self.next), frame)?;
        self.next += 1;
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}
