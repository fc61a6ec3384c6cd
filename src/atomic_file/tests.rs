use std::io::Write as _;

use super::*;

fn names(folder: &Path) -> Vec<OsString> {
    let mut names: Vec<_> =
        fs::read_dir(folder).expect("there").map(|entry| entry.expect("read").file_name()).collect();
    names.sort();
    names
}

fn begin(path: &Path, overwrite: bool) -> AtomicFile {
    let file = AtomicFile::create(path, overwrite).expect("made");
    file.file().write_all(b"new").expect("written");
    file
}

#[test]
fn a_file_has_no_name_until_it_is_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out.mp4");
    for name in ["out.mp4.part", ".out.mp4.part", "out.part"] {
        fs::write(folder.path().join(name), "mine").expect("written");
    }
    drop(begin(&path, false));
    assert_eq!(names(folder.path()).len(), 3, "dropped, it is gone");
    let file = begin(&path, false);
    assert!(!path.exists());
    let hidden = names(folder.path())
        .into_iter()
        .find(|name| name.as_encoded_bytes().ends_with(ENDING.as_bytes()))
        .expect("it is there");
    assert!(hidden.as_encoded_bytes().starts_with(b".out.mp4."), "{hidden:?}");
    file.commit().expect("renamed");
    assert_eq!(fs::read(&path).expect("there"), b"new");
    assert_eq!(names(folder.path()), [".out.mp4.part", "out.mp4", "out.mp4.part", "out.part"]);
    assert!(matches!(AtomicFile::create(&path, false), Err(Error::OutputExists { .. })));
}

#[test]
fn what_appears_meanwhile_is_not_replaced_and_nothing_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out.png");
    let file = begin(&path, false);
    fs::write(&path, "theirs").expect("written");
    let error = file.commit().expect_err("in the way").in_a_line();
    assert!(error.contains("appeared meanwhile"), "{error}");
    assert_eq!(fs::read(&path).expect("there"), b"theirs");
    let [kept, _] = &names(folder.path())[..] else { panic!("{:?}", names(folder.path())) };
    assert!(error.contains(kept.to_str().expect("ASCII")), "{error}");
    assert_eq!(fs::read(folder.path().join(kept)).expect("there"), b"new");
}

#[test]
fn of_two_runs_at_one_output_the_second_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out.mp4");
    let first = begin(&path, true);
    assert!(matches!(AtomicFile::create(&path, true), Err(Error::OutputBusy { .. })));
    // One whose name only begins alike is another.
    begin(&folder.path().join("out.mp4.mp4"), true).commit().expect("renamed");
    first.commit().expect("renamed");
    begin(&path, true).commit().expect("its turn");
}

#[test]
fn many_that_begin_at_once_leave_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out.mp4");
    let together = std::sync::Barrier::new(4);
    let begin = || {
        together.wait();
        AtomicFile::create(&path, true).ok()
    };
    for _ in 0..100 {
        let begun: Vec<_> = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..4)
                .map(|_| std::thread::Builder::new().spawn_scoped(scope, begin).expect("a thread"))
                .collect();
            runs.into_iter().filter_map(|run| run.join().expect("no panic")).collect()
        });
        assert_eq!(begun.len(), 1);
    }
}

#[test]
fn names_of_any_length_and_letters() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["a".repeat(255), format!("{}.mp4", "é".repeat(125)), "🐢.png".into()] {
        let path = folder.path().join(&name);
        begin(&path, false).commit().expect(&name);
        assert!(path.is_file(), "{name}");
    }
    let [one, two] = ["x", "y"].map(|end| folder.path().join("b".repeat(254) + end));
    let (one, two) = (begin(&one, false), begin(&two, false));
    one.commit().and_then(|()| two.commit()).expect("two files");
    let error = AtomicFile::create(&folder.path().join("c".repeat(256)), false).err().expect("too long");
    assert!(error.in_a_line().contains("too long"), "{error:?}");
}

#[cfg(unix)]
#[test]
fn links_and_modes_stay() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out.mp4");
    symlink("nowhere", &path).expect("linked");
    for overwrite in [false, true] {
        let error = AtomicFile::create(&path, overwrite).err().expect("refused").in_a_line();
        assert!(error.contains("a link to a file that is not there"), "{error}");
    }
    let real = folder.path().join("nowhere");
    fs::write(&real, "old").expect("written");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("set");
    // Of another group, where that may be given.
    let _ = std::os::unix::fs::chown(&real, None, Some(12));
    let before = fs::metadata(&real).expect("there");
    begin(&path, true).commit().expect("renamed");
    let after = fs::metadata(&real).expect("there");
    assert!(fs::symlink_metadata(&path).expect("there").is_symlink());
    assert_eq!(fs::read(&real).expect("there"), b"new");
    let about = |of: &fs::Metadata| (of.mode(), of.uid(), of.gid());
    assert_eq!(about(&after), about(&before));
    // A new file is like any other new file.
    let (ours, other) = (folder.path().join("ours"), folder.path().join("other"));
    begin(&ours, false).commit().expect("renamed");
    fs::write(&other, "").expect("written");
    assert_eq!(fs::metadata(ours).expect("there").mode(), fs::metadata(other).expect("there").mode());
}
