//! The tiny networks of `tests/data`, which do what one can work out by hand
//! (`tests/data/make_models.py` says what), and copies of them that are broken.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// Their folder.
pub(crate) fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/models")
}

/// One that is made to take another's place, with [`Copy::replace`].
pub(crate) fn substitute(name: &str) -> Vec<u8> {
    fs::read(tiny().with_file_name(name)).expect("in the repository")
}

/// A copy of the tiny networks, to be damaged.
pub(crate) struct Copy(TempDir);

impl Copy {
    pub(crate) fn new() -> Self {
        let copy = Self(TempDir::new().expect("a temporary folder"));
        fs::create_dir(copy.path("painters")).expect("made");
        for folder in [tiny(), tiny().join("painters")] {
            for entry in fs::read_dir(folder).expect("in the repository") {
                let path = entry.expect("readable").path();
                let inside = path.strip_prefix(tiny()).expect("below it");
                if path.is_file() {
                    fs::copy(&path, copy.path(inside)).expect("copied");
                }
            }
        }
        copy
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts another network in a file's place, with the manifest's blessing.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) {
        let digest = |bytes: &[u8]| -> String {
            Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
        };
        let before = digest(&fs::read(self.path(name)).expect("readable"));
        fs::write(self.path(name), bytes).expect("written");
        let manifest = fs::read_to_string(self.path("manifest.toml")).expect("readable");
        assert!(manifest.contains(&before), "the manifest knows {name}");
        fs::write(self.path("manifest.toml"), manifest.replace(&before, &digest(bytes))).expect("written");
    }
}
