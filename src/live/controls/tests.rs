//! Dials that are turned together, while a look loads, and at random.

use proptest::prelude::*;

use super::*;
use crate::live::latest::{Receiver, channel};
use crate::paint::subject::Part;

fn controls() -> (Controls, Receiver<Wish>) {
    let (put, take) = channel();
    let wardrobe = Wardrobe {
        worn: LookSpec::default(),
        own: ControlState::of(&Look::default(), false),
        looks: Look::names(),
        paintings: vec!["scream".into(), "irises".into()],
    };
    (Controls::new(ControlState::of(&Look::default(), false), wardrobe, put), take)
}

/// A look as it is asked for by its name.
fn whole(name: &str) -> Wish {
    Wish { spec: LookSpec { preset: Some(name.into()), ..LookSpec::default() }, whole: true }
}

/// The name of the look that is asked for, if one is.
fn preset(wanted: &Receiver<Wish>) -> Option<String> {
    wanted.now().and_then(|wish| wish.spec.preset)
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
    assert_eq!(preset(&wanted).as_deref(), Some("moon"));
    assert!(serde_json::from_str::<ControlUpdate>(r#"{"wrap": 1}"#).is_err());
}

#[test]
fn what_is_where_stays_when_looks_change() {
    let (controls, _wanted) = controls();
    let turn = |text: &str| controls.set_params(serde_json::from_str(text).expect(text));
    turn(r#"{"paint_where": "subject", "warp_where": "background", "backdrop": "blur"}"#).expect("known");
    controls.apply_look(&Look::load("moon").expect("embedded"), &whole("moon"));
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
    let notices = Notices::default();
    notices.tell("camera", Some("unplugged".into()));
    notices.tell("look", Some("unknown".into()));
    assert_eq!(notices.line().as_deref(), Some("unplugged; unknown"));
    assert_eq!((notices.of("look").as_deref(), notices.of("mask")), (Some("unknown"), None));
    notices.tell("camera", None);
    assert_eq!(notices.line().as_deref(), Some("unknown"));
    notices.tell("look", None);
    assert_eq!(notices.line(), None);
}

#[test]
fn looks_go_round_and_every_press_counts() {
    let (controls, wanted) = controls();
    let names = controls.looks().to_vec();
    let first = Look::load(&names[0]).expect("embedded");
    controls.apply_look(&first, &whole(&names[0]));
    controls.step(1);
    controls.step(-1);
    controls.step(-1);
    assert_eq!(preset(&wanted).as_ref(), names.last());
    // Faster than they are loaded: none of these was ever put on.
    (0..5).for_each(|_| controls.step(1));
    assert_eq!(controls.state().preset, names[0]);
    assert_eq!(controls.state().wanted, names[4]);
    assert_eq!(preset(&wanted).as_ref(), names.get(4));
    controls.step(0);
    assert_eq!(wanted.now(), None);
}

#[test]
fn a_look_that_is_gone_is_passed_over() {
    let (controls, wanted) = controls();
    let names = controls.looks().to_vec();
    controls.apply_look(&Look::load(&names[0]).expect("embedded"), &whole(&names[0]));
    controls.step(1);
    let gone = wanted.now().expect("asked for");
    controls.refuse(&gone);
    assert_eq!((controls.state().preset, controls.state().wanted), (names[0].clone(), names[0].clone()));
    controls.step(1);
    assert_eq!(preset(&wanted).as_ref(), names.get(2));
}

#[test]
fn a_painting_or_a_picture_takes_the_place_of_a_part_and_the_dials_stay() {
    let (controls, wanted) = controls();
    let turn = |text: &str| controls.set_params(serde_json::from_str(text).expect(text));
    let moon = Look::load("moon").expect("embedded");
    controls.apply_look(&moon, &whole("moon"));
    turn(r#"{"warp": 0.3, "paint": 0, "original": true}"#).expect("in range");
    // All of a hurry counts, though only the last is loaded.
    turn(r#"{"texture": "scream"}"#).expect("known");
    assert!(!controls.state().original, "what is chosen is seen");
    controls.put_on(Piece::Geometry("/some/where/face.jpg".into()));
    let wish = wanted.now().expect("asked for");
    let spec = &wish.spec;
    assert_eq!((spec.preset.as_deref(), spec.texture.as_deref()), (Some("moon"), Some("scream")));
    assert_eq!(spec.geometry.as_deref(), Some("/some/where/face.jpg".as_ref()));
    assert!(!wish.whole);
    controls.apply_look(&moon, &wish);
    let state = controls.state();
    assert_eq!((state.warp, state.paint), (0.3, 1.0), "a painting that is not seen would be no choice");
    assert_eq!((state.texture.as_deref(), state.geometry.as_deref()), (Some("scream"), Some("face.jpg")));
    // A look takes it all off again, and its dials come with it.
    turn(r#"{"preset": "moon"}"#).expect("known");
    let wish = wanted.now().expect("asked for");
    controls.apply_look(&moon, &wish);
    let state = controls.state();
    assert_eq!((state.texture, state.geometry, state.warp), (None, None, moon.warp));
    assert!(turn(r#"{"texture": "/etc/passwd"}"#).is_err() && turn(r#"{"texture": "a.jpg"}"#).is_err());
    assert_eq!(wanted.now(), None);
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
    controls.apply_look(&look, &whole("moon"));
    let state = controls.state();
    assert_eq!(preset(&wanted).as_deref(), Some("moon"));
    assert_eq!((state.warp, state.paint, state.steady), (0.25, 0.6, 0.5));
    assert_eq!(state.preset, "moon");
    // A look and its dials in one message are meant so.
    turn(r#"{"preset": "moon", "paint": 0.1}"#);
    controls.apply_look(&look, &whole("moon"));
    assert_eq!((controls.state().warp, controls.state().paint), (1.0, 0.1));
    controls.step(1);
    controls.apply_look(&look, &whole("moon"));
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
        Just("texture"),
        Just("original"),
        Just("wrap"),
    ];
    let value = prop_oneof![
        "-?[0-9]{1,3}(\\.[0-9]{1,3})?(e-?[0-9]{1,3})?",
        Just("true".to_owned()),
        Just("null".to_owned()),
        Just("\"keep\"".to_owned()),
        Just("\"moon\"".to_owned()),
        Just("\"scream\"".to_owned()),
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
            let known = wanted.now().is_none_or(|wish| {
                let LookSpec { preset, texture, geometry, .. } = wish.spec;
                preset.is_none_or(|name| controls.looks().contains(&name))
                    && texture.is_none_or(|name| controls.paintings().contains(&name))
                    && geometry.is_none()
            });
            prop_assert!(known, "{}", message);
        }
    }
}
