//! What a name on the command line stands for: a file, a pipe, or a numbered sequence of pictures.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// What is read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// A file.
    File,
    /// `-`: pictures as YUV4MPEG2 through standard input or output.
    Pipe,
    /// `frames/%05d.png`: one picture a file, numbered.
    Sequence,
}

impl NameKind {
    /// By the name; a file that is there is a file whatever its name.
    pub fn of(path: &Path) -> Self {
        match path.to_str() {
            Some("-") => Self::Pipe,
            Some(_) if is_sequence(path) && !path.exists() => Self::Sequence,
            _ => Self::File,
        }
    }
}

fn is_sequence(path: &Path) -> bool {
    let is_png = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
    is_png && Numbered::of(path).is_some()
}

/// The name of a numbered file, taken apart at its `%d` or `%05d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Numbered {
    folder: PathBuf,
    before: String,
    width: usize,
    after: String,
}

impl Numbered {
    /// `None` without exactly one number in the file's own name.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let (before, rest) = path.file_name()?.to_str()?.split_once('%')?;
        let (digits, after) = rest.split_once('d')?;
        let width = match digits.strip_prefix('0') {
            Some(width) => width.parse().ok().filter(|width| (1..20).contains(width))?,
            None if digits.is_empty() => 0,
            None => return None,
        };
        let is_whole = !after.contains('%') && !before.contains('%');
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        is_whole.then(|| Self { folder, before: before.into(), width, after: after.into() })
    }

    /// The file of a number.
    pub(crate) fn file(&self, number: u64) -> PathBuf {
        let Self { folder, before, width, after } = self;
        folder.join(format!("{before}{number:0width$}{after}"))
    }

    /// The first and the last number of the files that are there; `None` if there is none.
    pub(crate) fn range(&self) -> io::Result<Option<(u64, u64)>> {
        let numbers = self.numbers()?;
        Ok(numbers.iter().min().copied().zip(numbers.iter().max().copied()))
    }

    /// As [`Self::range`]; an error if a number between is not there, since what follows would be lost.
    pub(crate) fn whole_range(&self) -> io::Result<Option<(u64, u64)>> {
        let mut numbers = self.numbers()?;
        numbers.sort_unstable();
        match numbers.windows(2).find(|pair| pair[0] + 1 != pair[1]) {
            Some(pair) => {
                let missing = self.file(pair[0] + 1);
                let words = format!("{} is not there, but later pictures are", missing.display());
                Err(io::Error::new(ErrorKind::InvalidData, words))
            }
            None => Ok(numbers.first().copied().zip(numbers.last().copied())),
        }
    }

    fn numbers(&self) -> io::Result<Vec<u64>> {
        let folder = if self.folder.as_os_str().is_empty() { Path::new(".") } else { &self.folder };
        let mut numbers = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let name = entry?.file_name();
            let digits =
                name.to_str().and_then(|name| name.strip_prefix(&*self.before)?.strip_suffix(&*self.after));
            let number = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
            // Only names as they would be written: of 1, 01 and 001 one is meant.
            numbers.extend(
                number
                    .and_then(|digits| digits.parse().ok())
                    .filter(|number| self.file(*number).file_name() == Some(&name)),
            );
        }
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_files_pipes_and_sequences() {
        let kind = |name: &str| NameKind::of(Path::new(name));
        assert_eq!((kind("-"), kind("a.mp4"), kind("./-")), (NameKind::Pipe, NameKind::File, NameKind::File));
        assert_eq!((kind("no/f%05d.png"), kind("%d.PNG")), (NameKind::Sequence, NameKind::Sequence));
        for file in ["100%.png", "%5d.png", "%d%d.png", "%05d.mp4", "%s.png", "%x/a.png", "%099d.png"] {
            assert_eq!(kind(file), NameKind::File, "{file}");
        }
    }

    #[test]
    fn numbers_are_found_and_gaps_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let numbered = Numbered::of(&folder.path().join("f%03d.png")).expect("a sequence");
        assert_eq!(numbered.whole_range().expect("read"), None);
        for name in ["f1001.png", "f999.png", "f1000.png", "f0999.png", "f1.png", "fx.png", "g002.png"] {
            std::fs::write(folder.path().join(name), "").expect("written");
        }
        assert_eq!(numbered.whole_range().expect("read"), Some((999, 1001)));
        std::fs::write(folder.path().join("f1003.png"), "").expect("written");
        assert_eq!(numbered.range().expect("read"), Some((999, 1003)));
        let told = numbered.whole_range().expect_err("a gap").to_string();
        assert!(told.contains("f1002.png is not there"), "{told}");
    }
}
