//! A painting that was dropped onto the page: kept in the program's own folder, until the next one is.
//!
//! Whoever sits at the page hands over a picture and a name for it, and reaches no other file.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::atomic_file::AtomicFile;
use crate::error::{Error, Result};
use crate::image_file;
use crate::live::tuning::called;
use crate::look;

/// Keeps a picture under a name like this; where.
///
/// # Errors
/// Returns an error if it is no picture, or cannot be written.
pub(super) fn keep(name: &str, picture: &[u8]) -> Result<PathBuf> {
    let folder = look::user_folder().map(|presets| presets.with_file_name("dropped"));
    let folder = folder.ok_or_else(|| Error::Write {
        path: name.into(),
        source: "this system names no folder for it".into(),
    })?;
    keep_in(&folder, name, picture)
}

fn keep_in(folder: &Path, name: &str, picture: &[u8]) -> Result<PathBuf> {
    let failed = |reason: std::io::Error| Error::Write { path: folder.into(), source: reason.into() };
    fs::create_dir_all(folder).map_err(failed)?;
    let path = folder.join(format!("{}.png", called(Path::new(name))));
    // Whatever it is by its name, its content decides how it is read.
    let file = AtomicFile::create(&path, true)?;
    file.file().write_all(picture).map_err(|reason| file.cannot_write(reason))?;
    file.commit()?;
    if let Err(error) = image_file::exemplar(&path) {
        let _ = fs::remove_file(&path);
        return Err(error);
    }
    for other in fs::read_dir(folder).map_err(failed)?.flatten().map(|entry| entry.path()) {
        if other != path && other.extension().is_some_and(|ending| ending == "png") {
            let _ = fs::remove_file(other);
        }
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_picture_is_kept_and_reaches_no_other_file() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("dropped");
        let mut picture = std::io::Cursor::new(Vec::new());
        let format = image::ImageFormat::Jpeg;
        image::RgbImage::new(40, 30).write_to(&mut picture, format).expect("encoded");
        for (name, kept) in [("art.jpg", "art.png"), ("../../x/.bashrc", "bashrc.png"), ("", "painting.png")]
        {
            assert_eq!(keep_in(&folder, name, picture.get_ref()).expect(name), folder.join(kept));
        }
        for wrong in [&b"no picture"[..], b"", &picture.get_ref()[..40]] {
            assert!(keep_in(&folder, "wrong.jpg", wrong).is_err());
        }
        let names: Vec<_> =
            fs::read_dir(&folder).expect("listed").flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(names, ["painting.png"]);
        assert_eq!(fs::read_dir(home.path()).expect("listed").count(), 1);
    }
}
