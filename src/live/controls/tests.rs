//! Dials that are turned together, while a look loads, and at random.

use proptest::prelude::*;

use super::*;
use crate::live::latest::channel;

fn controls() -> (Controls, crate::live::latest::Receiver<String>) {
    let (put, take) = channel();
    (Controls::new(ControlState::of(&Look::default(), false), put), take)
}

#[test]
fn dials_turn_together_or_not_at_all() {
    let (controls, wanted) = controls();
    let turn = |text: &str| controls.set_params(serde_json::from_str(text).expect(text));
    turn(r#"{"warp": 0.5, "mirror": true}"#).expect("in range");
    assert_eq!((controls.state().warp, controls.state().mirror), (0.5, true));
    for wrong in [r#"{"paint": 0.1, "warp": 3}"#, r#"{"paint": 0.1, "preset": "../../etc/passwd"}"#] {
        assert!(turn(wrong).is_err(), "{wrong}");
    }
    assert_eq!((controls.state().paint, wanted.now()), (1.0, None));
    turn(r#"{"preset": "moon"}"#).expect("known");
    assert_eq!(wanted.now().as_deref(), Some("moon"));
    assert!(serde_json::from_str::<ControlUpdate>(r#"{"wrap": 1}"#).is_err());
}

#[test]
fn what_is_where_stays_when_looks_change() {
    let (controls, _wanted) = controls();
    let turn = |text: &str| controls.set_params(serde_json::from_str(text).expect(text));
    turn(r#"{"paint_where": "subject", "warp_where": "background", "backdrop": "blur"}"#).expect("known");
    controls.apply_look(&Look::load("moon").expect("embedded"));
    let state = controls.state();
    assert_eq!((state.paint_where, state.warp_where), (Part::Subject, Part::Background));
    assert_eq!((state.backdrop, state.has_picture), (BackdropKind::Blur, false));
    // There is no picture to show.
    assert!(turn(r#"{"backdrop": "picture", "paint_where": "all"}"#).is_err());
    assert_eq!(controls.state().paint_where, Part::Subject);
    assert!(serde_json::from_str::<ControlUpdate>(r#"{"backdrop": "/etc/passwd"}"#).is_err());
}

#[test]
fn each_part_tells_of_itself() {
    let (controls, _wanted) = controls();
    controls.set_notice("camera", Some("unplugged".into()));
    controls.set_notice("look", Some("unknown".into()));
    assert_eq!(controls.notice().as_deref(), Some("unplugged; unknown"));
    controls.set_notice("camera", None);
    assert_eq!(controls.notice().as_deref(), Some("unknown"));
    controls.set_notice("look", None);
    assert_eq!(controls.notice(), None);
}

#[test]
fn looks_go_round() {
    let (controls, wanted) = controls();
    let names = controls.looks().to_vec();
    controls.apply_look(&Look::load(&names[0]).expect("embedded"));
    controls.step(-1);
    assert_eq!(wanted.now().as_ref(), names.last());
    controls.step(1);
    assert_eq!(wanted.now().as_ref(), names.get(1));
}

#[test]
fn a_slider_that_is_moved_while_a_look_loads_keeps_its_place() {
    let (controls, wanted) = controls();
    let turn = |text: &str| controls.set_params(serde_json::from_str(text).expect(text)).expect(text);
    // Moved before: the look's own place counts.
    turn(r#"{"warp": 1.9, "paint": 0.9}"#);
    turn(r#"{"preset": "moon"}"#);
    turn(r#"{"warp": 0.25}"#);
    turn(r#"{"steady": 0.5}"#);
    let look = Look { name: "moon".into(), warp: 1.0, paint: 0.6, steady: 1.0, ..Look::default() };
    controls.apply_look(&look);
    let state = controls.state();
    assert_eq!(wanted.now().as_deref(), Some("moon"));
    assert_eq!((state.warp, state.paint, state.steady), (0.25, 0.6, 0.5));
    assert_eq!(state.preset, "moon");
    // A look and its dials in one message are meant so.
    turn(r#"{"preset": "moon", "paint": 0.1}"#);
    controls.apply_look(&look);
    assert_eq!((controls.state().warp, controls.state().paint), (1.0, 0.1));
    controls.step(1);
    controls.apply_look(&look);
    assert_eq!(controls.state().paint, 0.6);
}

/// Messages that are nearly right.
fn message() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("warp"),
        Just("paint"),
        Just("stroke_size"),
        Just("steady"),
        Just("colors"),
        Just("mirror"),
        Just("frozen"),
        Just("preset"),
        Just("wrap"),
    ];
    let value = prop_oneof![
        "-?[0-9]{1,3}(\\.[0-9]{1,3})?(e-?[0-9]{1,3})?",
        Just("true".to_owned()),
        Just("null".to_owned()),
        Just("\"keep\"".to_owned()),
        Just("\"moon\"".to_owned()),
        "\"[ -~]{0,12}\"",
        "[\\[\\]{}]{0,4}",
    ];
    let dial = (name, value).prop_map(|(name, value)| format!("\"{name}\": {value}"));
    let dials = proptest::collection::vec(dial, 0..4);
    prop_oneof![dials.prop_map(|dials| format!("{{{}}}", dials.join(", "))), ".{0,60}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(200)))]

    #[test]
    fn no_message_panics_or_leaves_a_dial_out_of_range(
        messages in proptest::collection::vec(message(), 100)
    ) {
        let (controls, wanted) = controls();
        for message in &messages {
            if let Ok(update) = serde_json::from_str::<ControlUpdate>(message) {
                let _ = controls.set_params(update);
            }
            let ControlState { warp, paint, stroke_size, steady, .. } = controls.state();
            prop_assert!((0.0..=2.0).contains(&warp) && (0.0..=1.0).contains(&paint), "{}", message);
            prop_assert!((0.5..=2.0).contains(&stroke_size) && (0.0..=1.0).contains(&steady), "{}", message);
            prop_assert!(wanted.now().is_none_or(|name| controls.looks().contains(&name)), "{}", message);
        }
    }
}
