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
