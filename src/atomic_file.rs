//! The one way to write a file: under a name of its own until it is whole.
//!
//! What is written goes into a hidden file beside the output, which the system makes under a
//! random name and for this run alone; when it is whole it is renamed. Whatever happens before,
//! the file that was there stays as it was. The hidden file is locked while its run lives, so
//! that a later run can tell what is being written from what was left behind.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::error::{Cause, Error, Result};

/// How the name of every unfinished file ends.
const ENDING: &str = ".stylewarp-part";
/// Random letters in it.
const RANDOM: usize = 6;
/// Bytes of a name that file systems take.
const LONGEST: usize = 255;
/// How long to wait for another run that begins in the same folder.
const PATIENCE: Duration = Duration::from_secs(2);

/// A file in the making; dropped, it leaves nothing behind.
pub(crate) struct AtomicFile {
    unfinished: NamedTempFile,
    target: PathBuf,
    overwrite: bool,
}

impl AtomicFile {
    /// Begins a file beside `path`, and names what killed runs left in that folder.
    ///
    /// # Errors
    /// As [`check`]; [`Error::OutputBusy`] if another run is writing the same file.
    pub(crate) fn create(path: &Path, overwrite: bool) -> Result<Self> {
        let target = target(path, overwrite)?;
        let folder = folder_of(&target);
        let start = start_of_name(target.file_name().unwrap_or_default());
        // Two runs that begin at once look around one after the other.
        let _alone = lock_folder(folder);
        if is_busy(folder, &start) {
            return Err(Error::OutputBusy { path: path.to_owned() });
        }
        Self::begin(path, target, overwrite)
    }

    /// As [`Self::create`], where many runs may be making the same file, on machines that do not see each other's
    /// locks: all may, and the last to be whole stays.
    ///
    /// # Errors
    /// As [`check`].
    #[cfg(feature = "video")]
    pub(crate) fn create_shared(path: &Path) -> Result<Self> {
        let target = target(path, true)?;
        Self::begin(path, target, true)
    }

    fn begin(path: &Path, target: PathBuf, overwrite: bool) -> Result<Self> {
        let folder = folder_of(&target);
        let start = start_of_name(target.file_name().unwrap_or_default());
        let unfinished = hidden(folder, &start).map_err(|reason| cannot_write(path, reason))?;
        Ok(Self { unfinished, target, overwrite })
    }

    /// What bears the name by now is this run's own, and may be replaced.
    pub(crate) fn replace_from_now_on(&mut self) {
        self.overwrite = true;
    }

    /// Begins another file for the same name, of which one will get it.
    ///
    /// # Errors
    /// [`Error::Write`] if it cannot be made.
    pub(crate) fn another(&self) -> Result<Self> {
        let start = start_of_name(self.target.file_name().unwrap_or_default());
        let made = hidden(folder_of(&self.target), &start);
        let unfinished = made.map_err(|reason| self.cannot_write(reason))?;
        Ok(Self { unfinished, target: self.target.clone(), overwrite: self.overwrite })
    }

    /// What to write to.
    pub(crate) fn file(&self) -> &File {
        self.unfinished.as_file()
    }

    /// Gives it its name, in one step, once it has reached the disk.
    ///
    /// # Errors
    /// Returns an error if it cannot reach the disk; or if it cannot be renamed, because a file of
    /// that name has appeared that may not be replaced for instance: then what was made is kept
    /// under its hidden name, and the error says so.
    pub(crate) fn commit(self) -> Result<()> {
        self.file().sync_all().map_err(|reason| self.cannot_write(reason))?;
        self.rename()
    }

    /// As [`Self::commit`], on a disk that may be failing: what there is gets the name.
    ///
    /// # Errors
    /// Returns an error if it cannot be renamed, as [`Self::commit`] does.
    #[cfg(feature = "video")]
    pub(crate) fn salvage(self) -> Result<()> {
        if let Err(reason) = self.file().sync_all() {
            tracing::debug!(%reason, "not all of it has reached the disk");
        }
        self.rename()
    }

    fn rename(self) -> Result<()> {
        let Self { unfinished, target, overwrite } = self;
        let renamed = if overwrite {
            if let Ok(old) = fs::metadata(&target) {
                inherit(unfinished.as_file(), &old);
            }
            unfinished.persist(&target)
        } else {
            unfinished.persist_noclobber(&target).or_else(|failed| match failed.error.kind() {
                // File systems without links cannot rename with care; nothing is in the way.
                ErrorKind::PermissionDenied | ErrorKind::Unsupported
                    if fs::symlink_metadata(&target).is_err() =>
                {
                    failed.file.persist(&target)
                }
                _ => Err(failed),
            })
        };
        let Err(failed) = renamed else { return Ok(()) };
        let reason = match failed.error.kind() {
            ErrorKind::AlreadyExists => "a file of that name appeared meanwhile".to_owned(),
            _ => failed.error.to_string(),
        };
        let kept = failed.file.keep().map_err(|again| cannot_write(&target, again.error))?.1;
        Err(cannot_write(&target, format!("{reason}; what was made is {}", kept.display())))
    }

    /// That it could not be written, and why.
    pub(crate) fn cannot_write(&self, source: impl Into<Cause>) -> Error {
        cannot_write(&self.target, source)
    }
}

/// A file under a random hidden name that begins so, locked as long as it is open.
fn hidden(folder: &Path, start: &OsStr) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(start).suffix(ENDING).rand_bytes(RANDOM);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As of any new file: what the user's mask lets through.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let unfinished = builder.tempfile_in(folder)?;
    if let Err(reason) = unfinished.as_file().try_lock() {
        tracing::debug!(%reason, "files cannot be locked here");
    }
    Ok(unfinished)
}

/// Refuses an output that cannot be, or would destroy something, without touching anything.
///
/// # Errors
/// [`Error::OutputExists`] if it is there and `overwrite` is not set; [`Error::Write`] if its
/// folder is missing, its name is too long, or something else than a file goes by it.
pub(crate) fn check(path: &Path, overwrite: bool) -> Result<()> {
    target(path, overwrite).map(drop)
}

/// What the path really leads to: a link stays a link, to the new file.
fn target(path: &Path, overwrite: bool) -> Result<PathBuf> {
    let refuse = |kind, words: &str| Err(cannot_write(path, io::Error::new(kind, words)));
    let missing = match fs::metadata(path) {
        Ok(about) if !about.is_file() => {
            return refuse(ErrorKind::AlreadyExists, "it is not a regular file");
        }
        Ok(_) if !overwrite => return Err(Error::OutputExists { path: path.to_owned() }),
        Ok(_) => return fs::canonicalize(path).map_err(|reason| cannot_write(path, reason)),
        Err(reason) => reason,
    };
    let folder = folder_of(path);
    match fs::metadata(folder) {
        Ok(about) if !about.is_dir() => {
            refuse(ErrorKind::NotADirectory, &format!("{} is not a folder", folder.display()))
        }
        Err(reason) => refuse(reason.kind(), &format!("folder {}: {reason}", folder.display())),
        Ok(_) if missing.kind() != ErrorKind::NotFound => Err(cannot_write(path, missing)),
        Ok(_) if fs::symlink_metadata(path).is_ok() => {
            refuse(ErrorKind::NotFound, "it is a link to a file that is not there")
        }
        Ok(_) if path.file_name().is_none() => refuse(ErrorKind::InvalidInput, "it is no name of a file"),
        Ok(_) => Ok(path.to_owned()),
    }
}

/// How the hidden name of a file begins: a dot, the file's own name, and another dot.
fn start_of_name(name: &OsStr) -> OsString {
    let room = LONGEST - ENDING.len() - RANDOM - 2;
    let mut start = OsString::from(".");
    if name.len() <= room {
        start.push(name);
    } else {
        // Names that are alike for so long are told apart by a digest.
        let digest: String =
            Sha256::digest(name.as_encoded_bytes())[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        let mut words = name.to_string_lossy().into_owned();
        words.truncate(words.floor_char_boundary(room - digest.len() - 1));
        start.push(format!("{words}~{digest}"));
    }
    start.push(".");
    start
}

/// Whether another run is writing a file whose hidden name begins so. What killed runs left is
/// told, once each.
fn is_busy(folder: &Path, start: &OsStr) -> bool {
    static TOLD: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let mut is_busy = false;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let bytes = name.as_encoded_bytes();
        if !bytes.starts_with(b".") || !bytes.ends_with(ENDING.as_bytes()) {
            continue;
        }
        // Not through a link, and not into a pipe.
        if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.path();
        let is_ours =
            bytes.len() == start.len() + RANDOM + ENDING.len() && bytes.starts_with(start.as_encoded_bytes());
        match File::open(&path).map(|file| file.try_lock_shared()) {
            Ok(Err(TryLockError::WouldBlock)) => is_busy |= is_ours,
            Ok(Ok(())) if TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone()) => {
                tracing::warn!(
                    "a run that was killed left {}: play it if it is a recording, or delete it",
                    path.display()
                );
            }
            // Told before; or of someone else, or where nothing can be locked.
            Ok(_) | Err(_) => {}
        }
    }
    is_busy
}

/// Keeps other runs from looking around at the same time, where folders can be locked.
fn lock_folder(folder: &Path) -> Option<File> {
    const PAUSE: Duration = Duration::from_millis(10);
    let file = File::open(folder).ok()?;
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        match file.try_lock() {
            Ok(()) => return Some(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Err(TryLockError::Error(_)) => return None,
        }
    }
    None
}

/// Takes over the mode and, as far as it is allowed, the owner of the file that is replaced.
#[cfg(unix)]
fn inherit(file: &File, old: &fs::Metadata) {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    // The owner first: to change it takes some bits of the mode away.
    let owned =
        fchown(file, Some(old.uid()), Some(old.gid())).or_else(|_| fchown(file, None, Some(old.gid())));
    if let Err(reason) = owned.and_then(|()| file.set_permissions(old.permissions())) {
        tracing::debug!(%reason, "the mode and owner of the old file are not kept");
    }
}

#[cfg(not(unix))]
fn inherit(_: &File, _: &fs::Metadata) {}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn cannot_write(path: &Path, source: impl Into<Cause>) -> Error {
    Error::Write { path: path.to_owned(), source: source.into() }
}

#[cfg(test)]
mod tests;
