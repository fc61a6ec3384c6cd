//! What is there stays until something whole takes its place.

use std::fs;

use crate::kit::{Folder, clip, program, refuses, runs, times, with};
use crate::networks;

/// Puts a file where the output goes.
fn old_output(folder: &Folder) {
    fs::write(folder.path("out.mp4"), "old").expect("written");
}

#[test]
fn an_output_that_exists_is_replaced_on_request_only() {
    let folder = Folder::new();
    clip(&folder);
    old_output(&folder);
    let words = ["out.mp4 exists already", "", "-y to overwrite"];
    refuses(&folder, &mut with(&folder, "in.mp4 out.mp4"), 2, words);
    runs(&folder, "in.mp4 out.mp4 -y");
    assert_eq!(times(&folder.path("out.mp4")), times(&folder.path("in.mp4")));
    assert_eq!(folder.list(), ["in.mp4", "out.mp4"]);
}

#[test]
fn an_output_that_is_the_input_is_never_written() {
    let folder = Folder::new();
    clip(&folder);
    let words = ["is both input and output", "", "another name"];
    for args in ["in.mp4 in.mp4", "in.mp4 ./in.mp4 -y"] {
        refuses(&folder, &mut with(&folder, args), 2, words);
    }
}

#[test]
fn an_output_that_cannot_be() {
    let folder = Folder::new();
    clip(&folder);
    fs::create_dir(folder.path("folder.mp4")).expect("created");
    let folder_missing = ["cannot write missing/out.mp4", "folder missing", "check the folder"];
    refuses(&folder, &mut with(&folder, "in.mp4 missing/out.mp4"), 1, folder_missing);
    let no_folder = ["cannot write in.mp4/out.mp4", "in.mp4 is not a folder", "check the folder"];
    refuses(&folder, &mut with(&folder, "in.mp4 in.mp4/out.mp4"), 1, no_folder);
    let no_file = ["cannot write folder.mp4", "not a regular file", "check the folder"];
    refuses(&folder, &mut with(&folder, "in.mp4 folder.mp4 -y"), 1, no_file);
    let no_format = ["no video format is known by the name of out.txt", "", ".mp4"];
    refuses(&folder, &mut with(&folder, "in.mp4 out.txt"), 2, no_format);
    let no_room = ["cannot write out.webm", "cannot hold", "another format or codec"];
    refuses(&folder, &mut with(&folder, "in.mp4 out.webm --codec h264"), 1, no_room);
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    clip(&folder);
    fs::create_dir(folder.path("locked")).expect("created");
    fs::set_permissions(folder.path("locked"), fs::Permissions::from_mode(0o555)).expect("locked");
    // Permissions do not bind the superuser, but nobody makes a file in the kernel's own tree.
    let bound = fs::write(folder.path("locked/probe"), "").is_err();
    let output = if bound { "locked/out.mp4" } else { "/sys/out.mp4" };
    let words = [&format!("cannot write {output}"), "Permission denied", "check the folder"];
    refuses(&folder, &mut with(&folder, &format!("in.mp4 {output}")), 1, words);
}

#[test]
fn a_failure_in_the_middle_leaves_the_old_file() {
    let folder = Folder::new();
    // Black for 20 frames, then white, which the fussy painter cannot bear.
    folder.clip(
        "in.mp4",
        "color=black:size=96x64:rate=25:duration=1.5,format=yuv420p,geq=lum=if(gt(N\\,20)\\,255\\,16):cb=128:cr=128",
        "-c:v libx264 -preset superfast",
    );
    let models = networks::Copy::new();
    models.replace("painter.onnx", &networks::substitute("fussy_painter.onnx"));
    let on = |args| {
        let mut command = with(&folder, args);
        command.env("STYLEWARP_MODELS", models.folder());
        command
    };
    let words = ["failed while running painter.onnx", "out of data bounds", "--device cpu"];
    refuses(&folder, &mut on("in.mp4 out.mp4 --warp 0"), 1, words);
    old_output(&folder);
    refuses(&folder, &mut on("in.mp4 out.mp4 -y --warp 0"), 1, words);
    // It does get as far as the middle.
    assert_eq!(
        on("in.mp4 half.mp4 --warp 0 --duration 0.8").output().expect("starts").status.code(),
        Some(0)
    );
    assert_eq!(times(&folder.path("half.mp4")).len(), 20);
}

/// A limit on the size of files is a full disk with another number.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_old_file() {
    let folder = Folder::new();
    folder.clip(
        "in.mp4",
        "testsrc2=size=320x240:rate=25:duration=1",
        "-c:v libx264 -preset superfast -pix_fmt yuv420p",
    );
    old_output(&folder);
    let limited = |kilobytes: u32| {
        let whole = program(&folder);
        let mut command = std::process::Command::new("sh");
        // The shell ignores the signal that would kill the process, and so does it.
        let script = format!(
            "trap '' XFSZ; ulimit -f {}; exec \"$0\" in.mp4 out.mp4 -y --crf 1 --device cpu",
            kilobytes * 2
        );
        command.args(["-c", &script]).arg(whole.get_program()).current_dir(folder.path(""));
        for (name, value) in whole.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    };
    let words = ["cannot write", "File too large", "the space left"];
    refuses(&folder, &mut limited(8), 1, words);
    // With room enough it is written.
    assert_eq!(limited(8 << 10).status().expect("starts").code(), Some(0));
    assert_eq!(times(&folder.path("out.mp4")).len(), 25);
}
