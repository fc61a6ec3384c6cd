//! The judge of refusals, judged: what it must not let pass.

use std::process::Command;

use crate::kit::{Folder, refuses};

/// Refuses well, but for what `also` does, in the words that are wanted.
fn refusal(also: &str) {
    let folder = Folder::new();
    std::fs::write(folder.path("out.mp4"), "old").expect("written");
    let script = format!("printf 'stylewarp-video: no\\n  because: so\\n  try: it\\n' >&2; {also}");
    let mut command = Command::new("sh");
    command.current_dir(folder.path("")).args(["-c", &script]);
    refuses(&folder, &mut command, 1, ["no", "so", "it"]);
}

#[test]
fn a_good_refusal_passes() {
    refusal("exit 1");
}

#[test]
#[should_panic(expected = "left: (Some(0)")]
fn success_is_no_refusal() {
    refusal("exit 0");
}

#[test]
#[should_panic(expected = "left [")]
fn a_file_left_behind_is_found() {
    refusal("touch out.mp4.part; exit 1");
}

#[test]
#[should_panic(expected = "left [")]
fn a_file_that_changed_is_found() {
    refusal("printf new > out.mp4; exit 1");
}

#[test]
#[should_panic(expected = "panicked")]
fn a_panic_is_no_refusal() {
    refusal("echo \"thread 'main' panicked\" >&2; exit 1");
}

#[test]
#[should_panic(expected = "4")]
fn a_word_too_many_is_found() {
    refusal("echo more >&2; exit 1");
}
