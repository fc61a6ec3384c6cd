//! Begun, paused, stopped and refused, without a network.

use super::*;
use crate::frame::Size;
use crate::live::SessionHandle;
use crate::live::capture::info::live_info;
use crate::time::FrameRate;

/// Of a session in which nothing happens, and the thread of a painting that is being tuned to, which makes so many steps.
fn tuning(steps: u32) -> (Tuning, Arc<Shared>) {
    let info = live_info(Size { width: 64, height: 36 }, FrameRate::new(30, 1).expect("positive"));
    let live = SessionHandle::idle(info);
    let setup = EngineConfig { models: Some("no/such/folder".into()), ..EngineConfig::default() };
    let tuning =
        Tuning::new(live.controls, live.stats, live.clock, &setup, |error, what| format!("{what}: {error}"));
    let running = Running { name: "monet".into(), ..Running::default() };
    let shared = Arc::new(Shared { running: Mutex::new(running), ..Shared::default() });
    let (session, known) = (tuning.session.clone(), shared.clone());
    let work = move || {
        let mut waiting = Waiting { guard: Guard::new(Rate::UNKNOWN, 0.0), mean: None, ended: None };
        for step in 1..=steps {
            sleep(Duration::from_millis(2));
            waiting.note(STEP * step, STEP * steps, &known);
            waiting.wait(&session, &known);
            if known.stop.is_raised() {
                return;
            }
        }
        *lock(&known.said) = Some("done".into());
    };
    let thread = Builder::new().spawn(work).expect("a thread");
    *lock(&tuning.job) = Some(Job { shared: shared.clone(), thread });
    (tuning, shared)
}

/// What is told of it, as soon as that is so.
fn becomes(tuning: &Tuning, is_it: impl Fn(&TuningStatus) -> bool) -> TuningStatus {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let status = tuning.status();
        if is_it(&status) {
            return status;
        }
        assert!(Instant::now() < end, "it never came: {status:?}");
        sleep(Duration::from_millis(1));
    }
}

#[test]
fn it_stands_still_while_it_is_paused_and_goes_on() {
    let (tuning, _) = tuning(500);
    let is_paused = |status: &TuningStatus| {
        status.running.as_ref().is_some_and(|running| running.paused == Some(Pause::Asked))
    };
    tuning.pause(true);
    becomes(&tuning, is_paused);
    // The step that it is at ends first.
    sleep(2 * TICK);
    let paused = tuning.status();
    sleep(2 * TICK);
    assert_eq!(tuning.status(), paused);
    tuning.toggle().expect("it goes on");
    let later = becomes(&tuning, |status| {
        let share = |status: &TuningStatus| status.running.as_ref().map(|running| running.share);
        share(status) > share(&paused)
    });
    assert!(later.running.is_some_and(|running| running.left_secs.is_some_and(|secs| secs < 60)));
    assert_eq!(becomes(&tuning, |status| status.running.is_none()).said.as_deref(), Some("done"));
}

#[test]
fn one_is_tuned_to_at_a_time_and_what_is_paused_can_be_ended() {
    let (tuning, shared) = tuning(1_000_000);
    let told = tuning.begin(None).expect_err("busy").to_string();
    assert!(told.contains("monet is still being tuned"), "{told}");
    tuning.pause(true);
    becomes(&tuning, |status| status.running.as_ref().is_some_and(|running| running.paused.is_some()));
    tuning.close();
    assert!(shared.stop.is_raised() && tuning.status().running.is_none());
}

#[test]
fn what_is_missing_or_out_of_range_is_told() {
    let (tuning, _) = tuning(1);
    let status = becomes(&tuning, |status| status.running.is_none());
    let missing = status.missing.expect("no networks");
    assert!(missing.contains("no tuning") && missing.contains("manifest.toml"), "{missing}");
    for minutes in [0.0, -1.0, 1e9, f64::NAN] {
        let told = tuning.begin(Some(minutes)).expect_err("out of range");
        assert!(matches!(told, Error::OutOfRange { what: "minutes", .. }), "{told}");
    }
    assert!(tuning.begin(None).is_err());
    assert!(tuning.status().running.is_none());
}
