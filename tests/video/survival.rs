//! Runs that are killed, and runs that meet: no good file is lost, none is half there.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::clips;
use crate::kit::{CODECS, Folder, clip, refuses, run, runs, times, with};

/// A clip that no machine gets through at once: 10000 pictures.
fn long_clip(folder: &Folder) {
    folder.ffmpeg(&format!(
        "-f lavfi -i testsrc2=size=160x120:rate=25:duration=4 -f lavfi -i sine=duration=4 {CODECS} short.mp4"
    ));
    folder.ffmpeg("-stream_loop 99 -i short.mp4 -c copy in.mp4");
    fs::remove_file(folder.path("short.mp4")).expect("removed");
}

/// A run that is at work: its first event was seen.
fn started(command: &mut Command) -> Child {
    let mut child = command.arg("--json").stdout(Stdio::piped()).spawn().expect("starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("text");
    assert!(line.contains("\"start\""), "{line}");
    child
}

fn signal(child: &Child, name: &str) {
    let kill = Command::new("kill").arg(name).arg(child.id().to_string()).status();
    assert!(kill.expect("kill is there").success());
}

fn hidden(folder: &Folder) -> Vec<String> {
    folder.list().into_iter().filter(|name| name.ends_with(".stylewarp-part")).collect()
}

#[test]
fn what_a_killed_run_left_is_named_by_the_next() {
    let folder = Folder::new();
    long_clip(&folder);
    let mut child = started(&mut with(&folder, "in.mp4 out.mp4"));
    signal(&child, "-KILL");
    child.wait().expect("ends");
    let [left] = &hidden(&folder)[..] else { panic!("{:?}", folder.list()) };
    let next = run(&mut with(&folder, "in.mp4 other.mp4 --duration 0.1 --warp 0 --paint 0"));
    assert_eq!(next.code, Some(0), "{}", next.said);
    assert!(next.said.contains(&format!("a run that was killed left ./{left}")), "{}", next.said);
    assert_eq!(hidden(&folder), std::slice::from_ref(left), "it is named, not touched");
}

#[test]
fn of_two_runs_at_one_output_the_second_is_refused() {
    let folder = Folder::new();
    long_clip(&folder);
    let mut first = started(&mut with(&folder, "in.mp4 out.mp4"));
    let second = run(&mut with(&folder, "in.mp4 out.mp4 -y"));
    assert_eq!(second.code, Some(1), "{}", second.said);
    assert!(second.said.contains("another run is writing out.mp4"), "{}", second.said);
    assert!(second.said.contains("wait until it is done"), "{}", second.said);
    signal(&first, "-INT");
    assert_eq!(first.wait().expect("ends").code(), Some(130));
    assert!(!times(&folder.path("out.mp4")).is_empty());
    assert_eq!(folder.list(), ["in.mp4", "out.mp4"]);
}

#[test]
fn a_run_killed_at_any_moment_leaves_the_old_output_or_a_whole_new_one() {
    let folder = Folder::new();
    clip(&folder);
    let out = folder.path("out.mp4");
    let mut command = with(&folder, "in.mp4 out.mp4 -y --warp 0 --paint 0 -q");
    let began = Instant::now();
    assert_eq!(run(&mut command).code, Some(0));
    // Moments all over a run and a little beyond it, until both ends were seen.
    let moments = (0..13).map(|tenth| began.elapsed().mul_f64(f64::from(tenth * 7 % 13) / 10.0));
    let moments: Vec<_> = moments.collect();
    let (mut old, mut new) = (0, 0);
    for round in 0..200 {
        if round >= 40 && old > 0 && new > 0 {
            break;
        }
        fs::write(&out, "old").expect("written");
        let mut child = command.spawn().expect("starts");
        std::thread::sleep(moments[round % moments.len()]);
        let name = if round % 2 == 0 { "-KILL" } else { "-TERM" };
        // It may be over already.
        let _ = Command::new("kill").arg(name).arg(child.id().to_string()).stderr(Stdio::null()).status();
        child.wait().expect("ends");
        if fs::read(&out).expect("it is there whatever comes") == b"old" {
            old += 1;
        } else {
            let whole = Command::new("ffmpeg")
                .args(["-v", "error", "-xerror", "-i"])
                .arg(&out)
                .args(["-f", "null", "-"])
                .output()
                .expect("installed");
            assert!(whole.status.success() && whole.stderr.is_empty(), "{name} {round}");
            new += 1;
        }
        if name == "-TERM" {
            assert_eq!(hidden(&folder), [""; 0], "asked to end, it tidies up");
        }
        hidden(&folder).iter().for_each(|name| fs::remove_file(folder.path(name)).expect("removed"));
    }
    assert!(old > 0 && new > 0, "{old} killed on the way, {new} done: other moments are needed");
}

#[test]
fn files_of_like_names_are_never_touched() {
    let folder = Folder::new();
    clip(&folder);
    let mine = ["out.mp4.part", ".out.mp4.part", "out.part"];
    for name in mine {
        fs::write(folder.path(name), "mine").expect("written");
    }
    std::os::unix::fs::symlink("in.mp4", folder.path("link.mp4.part")).expect("linked");
    let before = fs::read(folder.path("in.mp4")).expect("there");
    runs(&folder, "in.mp4 out.mp4 --warp 0 --paint 0");
    runs(&folder, "in.mp4 link.mp4 --warp 0 --paint 0");
    for name in mine {
        assert_eq!(fs::read(folder.path(name)).expect("there"), b"mine", "{name}");
    }
    assert!(fs::read(folder.path("in.mp4")).expect("there") == before);
    let words = ["cannot write dangling.mp4", "a link to a file that is not there", "check"];
    std::os::unix::fs::symlink("nowhere", folder.path("dangling.mp4")).expect("linked");
    refuses(&folder, &mut with(&folder, "in.mp4 dangling.mp4 -y"), 1, words);
}

#[test]
fn a_style_beside_a_preset_is_not_replaced() {
    let folder = Folder::new();
    folder.clip("art.png", "testsrc=size=64x64", "-frames:v 1");
    for (there, args) in [("mine.safetensors", "mine.toml"), ("yours.toml", "yours.toml")] {
        fs::write(folder.path(there), "precious").expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_stylewarp"));
        command.current_dir(folder.path("")).args(["distill", "art.png", "-o", args]);
        let run = run(&mut command);
        assert_eq!(run.code, Some(2), "{}", run.said);
        assert!(run.said.contains(&format!("{there} exists already")), "{}", run.said);
        assert_eq!(fs::read(folder.path(there)).expect("there"), b"precious");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_terminal_is_an_error_and_no_panic() {
    let folder = Folder::new();
    clip(&folder);
    let full = || Stdio::from(fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it"));
    let mut plan = with(&folder, "in.mp4 out.mp4 --dry-run");
    let mut commands = vec![("--dry-run", plan.stdout(full()))];
    let mut others: Vec<_> = ["presets", "doctor", "completions bash"]
        .iter()
        .map(|args| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_stylewarp"));
            command.args(args.split(' ')).env("STYLEWARP_MODELS", crate::networks::tiny()).stdout(full());
            (*args, command)
        })
        .collect();
    commands.extend(others.iter_mut().map(|(args, command)| (*args, command)));
    for (args, command) in commands {
        let done = command.stderr(Stdio::piped()).output().expect("starts");
        let said = String::from_utf8(done.stderr).expect("UTF-8");
        assert_eq!(done.status.code(), Some(1), "{args}: {said}");
        assert!(
            said.contains("cannot write standard output") && said.contains("No space left"),
            "{args}: {said}"
        );
    }
    // With nowhere to complain, it works and fails as ever.
    for (args, code) in
        [("in.mp4 out.mp4 --warp 0 --paint 0 -v", 0), ("no.mp4 new.mp4", 1), ("--nonsense", 2)]
    {
        let done = with(&folder, args).stderr(full()).stdout(Stdio::null()).status().expect("starts");
        assert_eq!(done.code(), Some(code), "{args}");
    }
    assert_eq!(times(&folder.path("out.mp4")).len(), 25);
}

#[test]
fn encoders_keep_quiet() {
    let folder = Folder::new();
    clip(&folder);
    for codec in ["h264", "hevc", "av1", "vp9", "prores", "ffv1"] {
        runs(&folder, &format!("in.mp4 {codec}.mkv --codec {codec} --warp 0 --paint 0"));
        assert!(!clips::packets(&folder.path(&format!("{codec}.mkv")), "v:0").is_empty());
    }
}
