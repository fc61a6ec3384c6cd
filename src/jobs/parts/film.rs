//! Whether a file is still the film that was divided.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};

/// Bytes of a block that is read.
const BLOCK: u64 = 1 << 20;
/// Blocks of a large file that are read, evenly spread, the first and the last among them: every part asks, and
/// should not read a film of fifty gigabytes to know. A smaller file is read whole.
const BLOCKS: u64 = 64;

/// Length and SHA-256, of the length and the blocks.
pub(super) fn fingerprint(path: &Path) -> Result<(u64, String)> {
    read(path).map_err(|source| Error::Read { path: path.into(), source })
}

fn read(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut digest = Sha256::new();
    digest.update(bytes.to_le_bytes());
    let mut block = Vec::new();
    for start in starts(bytes) {
        block.clear();
        file.seek(SeekFrom::Start(start))?;
        Read::take(&mut file, BLOCK).read_to_end(&mut block)?;
        digest.update(&block);
    }
    Ok((bytes, hex(&digest.finalize())))
}

/// Where the blocks begin.
fn starts(bytes: u64) -> Vec<u64> {
    match bytes.div_ceil(BLOCK) {
        count if count <= BLOCKS => (0..count).map(|k| k * BLOCK).collect(),
        _ => (0..BLOCKS).map(|k| (bytes - BLOCK) / (BLOCKS - 1) * k).chain([bytes - BLOCK]).collect(),
    }
}

pub(super) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_file_is_read_whole_and_a_large_one_to_both_ends() {
        assert_eq!(starts(0), [0; 0]);
        assert_eq!(starts(3 * BLOCK + 1), [0, BLOCK, 2 * BLOCK, 3 * BLOCK]);
        let starts = starts(1000 * BLOCK + 7);
        assert_eq!((starts[0], starts.last()), (0, Some(&(999 * BLOCK + 7))));
        assert!(starts.is_sorted() && starts.len() == 65);
    }

    #[test]
    fn any_byte_of_a_small_file_and_its_length_count() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("film");
        let mut seen = std::collections::BTreeSet::new();
        for bytes in [vec![1, 2, 3], vec![1, 2, 4], vec![1, 2, 3, 0], vec![]] {
            std::fs::write(&path, &bytes).expect("written");
            let (length, digest) = fingerprint(&path).expect("read");
            assert_eq!(length, bytes.len() as u64);
            assert!(seen.insert(digest), "{bytes:?}");
        }
    }
}
