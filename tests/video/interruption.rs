//! Ctrl-C: what is done is kept, and plays.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::kit::{CODECS, Folder, packets, probe, stream_times, times, with};

/// A clip that no machine gets through before its first report: 4000 frames.
fn long_clip(folder: &Folder) {
    folder.ffmpeg(&format!(
        "-f lavfi -i testsrc2=size=320x240:rate=25:duration=2 -f lavfi -i sine=duration=2 {CODECS} short.mp4"
    ));
    folder.ffmpeg("-stream_loop 79 -i short.mp4 -c copy in.mp4");
    assert_eq!(times(&folder.path("in.mp4")).len(), 4000);
}

/// Sends a signal so many times on the first report of progress; the last event and the code.
fn interrupted(folder: &Folder, signal: &str, times: usize) -> (Value, Option<i32>) {
    let mut command = with(folder, "in.mp4 out.mp4 --json");
    let mut child = command.stdout(Stdio::piped()).spawn().expect("starts");
    let mut last = Value::Null;
    let mut sent = false;
    for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
        last = serde_json::from_str(&line.expect("UTF-8")).expect("JSON");
        if last["event"] == "progress" && !sent {
            let ids = vec![child.id().to_string(); times];
            let kill = Command::new("kill").arg(signal).args(ids).status();
            assert!(kill.expect("kill is there").success());
            sent = true;
        }
    }
    assert!(sent, "no progress was reported: {last}");
    (last, child.wait().expect("ends").code())
}

#[test]
fn an_interrupted_run_is_a_video_that_plays() {
    let folder = Folder::new();
    long_clip(&folder);
    let (input, out) = (folder.path("in.mp4"), folder.path("out.mp4"));
    // As `timeout` does, to the process and to its group.
    for (signal, times_sent) in [("-INT", 1), ("-TERM", 2)] {
        let (last, code) = interrupted(&folder, signal, times_sent);
        assert_eq!(code, Some(130), "{signal}");
        assert_eq!((&last["event"], &last["interrupted"]), (&"done".into(), &true.into()));
        assert_eq!(folder.list(), ["in.mp4", "out.mp4", "short.mp4"]);

        let frames = last["frames"].as_u64().expect("a number") as usize;
        assert!((1..4000).contains(&frames), "{signal}: {frames} frames");
        assert_eq!(times(&out), times(&input)[..frames]);
        let decoded = probe(&out, "-count_frames -select_streams v:0 -show_entries stream=nb_read_frames");
        assert_eq!(decoded["streams"][0]["nb_read_frames"], frames.to_string());
        crate::clips::run(
            Command::new("ffmpeg").args(["-v", "error", "-xerror", "-i"]).arg(&out).args(["-f", "null", "-"]),
        );

        // The sound ends with the picture, and is the input's until then.
        let end = times(&out)[frames - 1] + 40_000;
        let sound = stream_times(&out, "a:0");
        assert!(
            sound.last().is_some_and(|last| (end - 70_000..=end).contains(last)),
            "{signal}: {end} {sound:?}"
        );
        assert_eq!(packets(&out, "a:0"), packets(&input, "a:0")[..sound.len()]);
        std::fs::remove_file(&out).expect("removed");
    }
}
