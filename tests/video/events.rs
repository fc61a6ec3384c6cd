//! `--json`: one event a line, for programs.

use serde_json::Value;

use crate::kit::{Folder, clip, run, times, with};

fn events(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn a_run_starts_and_is_done() {
    let folder = Folder::new();
    clip(&folder);
    let run = run(&mut with(&folder, "in.mp4 out.mp4 --json"));
    assert_eq!((run.code, &*run.said), (Some(0), ""));
    let events = events(&run.out);
    let [first, between @ .., last] = &events[..] else { panic!("{events:?}") };
    assert_eq!((&first["event"], &first["frames"]), (&"start".into(), &25.into()));
    assert_eq!((&first["input"], &first["output"]), (&"in.mp4".into(), &"out.mp4".into()));
    assert_eq!((&last["event"], &last["interrupted"]), (&"done".into(), &false.into()));
    assert_eq!(last["frames"], times(&folder.path("out.mp4")).len());
    assert!(between.iter().all(|event| event["event"] == "progress"), "{events:?}");
}

#[test]
fn a_failure_is_an_event_too() {
    let folder = Folder::new();
    let run = run(&mut with(&folder, "missing.mp4 out.mp4 --json"));
    assert_eq!(run.code, Some(1));
    let events = events(&run.out);
    assert_eq!(events.len(), 1, "{events:?}");
    let text = |key| events[0][key].as_str().expect(key).to_owned();
    assert_eq!(text("event"), "error");
    // The same words as for people.
    let said = format!(
        "stylewarp-video: {}\n  because: {}\n  try: {}\n",
        text("error"),
        text("because"),
        text("try")
    );
    assert_eq!(run.said, said);
}

#[test]
fn what_is_converted_or_left_out_is_an_event() {
    let folder = Folder::new();
    folder.ffmpeg(
        "-f lavfi -i testsrc2=size=96x64:rate=25:duration=0.4 -f lavfi -i sine=duration=0.4 -c:v ffv1 -c:a pcm_s16le in.mov",
    );
    for (args, kind, into) in [
        ("in.mov a.webm --json", "converted", Value::from("opus")),
        ("in.mov b.mov --json --audio none", "left_out", Value::Null),
    ] {
        let run = run(&mut with(&folder, args));
        assert_eq!(run.code, Some(0), "{}", run.said);
        let events = events(&run.out);
        let told: Vec<_> = events.iter().filter(|event| event["event"] == kind).collect();
        let [told] = told[..] else { panic!("{events:?}") };
        assert_eq!(
            (&told["kind"], &told["stream"], &told["codec"]),
            (&"sound".into(), &1.into(), &"pcm_s16le".into())
        );
        assert_eq!(told["into"], into);
        assert!(told["because"].as_str().is_some_and(|because| !because.is_empty()));
    }
}

#[test]
fn a_part_without_a_picture_is_a_failure() {
    let folder = Folder::new();
    clip(&folder);
    let run = run(&mut with(&folder, "in.mp4 out.mp4 --start 5 --duration 1 --json"));
    assert_eq!(run.code, Some(2));
    assert_eq!(events(&run.out)[0]["event"], "error");
    assert_eq!(folder.list(), ["in.mp4"]);
}
