//! Two people in a picture: who is bent, and that it does not change from one to the other.

use image::{Rgb, RgbImage, imageops};
use stylewarp::frame::{Frame, Size};
use stylewarp::time::FrameTime;
use stylewarp::warp::grid::Transition;
use stylewarp::warp::matcher::Matcher;
use stylewarp::warp::search::Focus;
use stylewarp::warp::similarity::Decomposition;

use crate::kit::{picture, warper};

/// Width and height of the frames.
const SIDES: (u32, u32) = (640, 360);

/// A person before a plain wall, a picture so many lines high whose left upper corner is there.
struct Person(&'static str, u32, (i64, i64));

const NEAR: Person = Person("presets/photos/admiral.jpg", 320, (330, 30));
const FAR: Person = Person("tests/data/person.png", 170, (60, 110));

fn scene(people: &[&Person], secs: f64) -> Frame {
    let mut seen = RgbImage::from_pixel(SIDES.0, SIDES.1, Rgb([70, 78, 88]));
    for Person(file, lines, (left, top)) in people {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let shown = image::open(path).expect(file).into_rgb8();
        let width = lines * shown.width() / shown.height();
        let shown = imageops::resize(&shown, width, *lines, imageops::FilterType::Triangle);
        imageops::overlay(&mut seen, &shown, *left, *top);
    }
    let pixels = seen.pixels().flat_map(|p| [p[0], p[1], p[2], 255]).collect();
    let size = Size { width: SIDES.0, height: SIDES.1 };
    Frame { size, time: FrameTime::from_secs_f64(secs), pixels }
}

/// Who is followed in a frame, by the column of their middle.
fn followed(matcher: &mut Matcher, frame: &Frame) -> Vec<u32> {
    let (exemplar, aspect) = (matcher.exemplar_aspect(), frame.size.aspect());
    let found = matcher.run(frame).expect("it runs");
    let apart = found.subjects.iter().map(|subject| Decomposition::from_match(subject, exemplar, aspect));
    let sure = apart.filter(|subject| subject.found() > 60.0);
    sure.map(|subject| (subject.pose.apply([0.5 * exemplar, 0.5])[0] * SIDES.1 as f32) as u32).collect()
}

fn matcher(frame: &Frame, focus: Focus) -> Matcher {
    let mut matcher = warper(frame, &picture("modigliani"));
    matcher.set_focus(focus);
    matcher
}

fn is_near(column: u32) -> bool {
    column > 300
}

#[test]
fn the_focus_says_who_of_two_is_bent() {
    let frame = scene(&[&FAR, &NEAR], 0.0);
    let followed =
        |focus| followed(&mut matcher(&frame, focus), &frame).into_iter().map(is_near).collect::<Vec<_>>();
    assert_eq!(followed(Focus::Largest), [true]);
    assert_eq!(followed(Focus::All), [true, false]);
    // Moved along, so that the other one is in the middle.
    let moved = scene(&[&Person(FAR.0, FAR.1, (250, 110)), &Person(NEAR.0, 200, (440, 80))], 0.0);
    let columns = followed_columns(&moved, Focus::Middle);
    assert!(columns.len() == 1 && (250..420).contains(&columns[0]), "{columns:?}");
}

fn followed_columns(frame: &Frame, focus: Focus) -> Vec<u32> {
    followed(&mut matcher(frame, focus), frame)
}

#[test]
fn whoever_has_the_focus_keeps_it_until_out_of_sight() {
    let at = |k: usize| k as f64 / 15.0;
    let mut matcher = matcher(&scene(&[&FAR], 0.0), Focus::Largest);
    let mut who = |people: &[&Person], k: usize| followed(&mut matcher, &scene(people, at(k)));
    let alone = (0..5).map(|k| who(&[&FAR], k)).collect::<Vec<_>>();
    assert!(alone.iter().all(|who| who.len() == 1 && !is_near(who[0])), "{alone:?}");
    // Someone larger comes.
    let stays = (5..15).map(|k| who(&[&FAR, &NEAR], k)).collect::<Vec<_>>();
    assert!(stays.iter().all(|who| who.len() == 1 && !is_near(who[0])), "{stays:?}");
    // The first one goes: nobody for a while, and then the other.
    let leaves = (15..35).map(|k| who(&[&NEAR], k)).collect::<Vec<_>>();
    assert!(leaves[..3].iter().all(Vec::is_empty), "{leaves:?}");
    assert!(leaves[15..].iter().all(|who| who.len() == 1 && is_near(who[0])), "{leaves:?}");
}

#[test]
fn another_focus_is_no_cut() {
    let shown = |k: i32| scene(&[&FAR, &NEAR], f64::from(k) / 15.0);
    let mut matcher = matcher(&shown(0), Focus::Largest);
    let mut follows = |k| matcher.run(&shown(k)).expect("it runs").scene;
    assert_eq!([0, 1, 2].map(&mut follows), [Transition::None; 3]);
    matcher.set_focus(Focus::Middle);
    assert_eq!(matcher.run(&shown(3)).expect("it runs").scene, Transition::None, "the window opens again");
}
