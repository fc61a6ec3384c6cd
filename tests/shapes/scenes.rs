//! A made film with cuts, flashes and fades, through the real encoder.

use image::{Rgb, RgbImage, imageops};
use stylewarp::warp::grid::Transition;

use crate::kit::{frame, picture, warper};

/// Frames a second.
const RATE: f64 = 25.0;

/// Part of a picture, as a camera that pans over it would see it.
fn pan(picture: &RgbImage, moved: f64) -> RgbImage {
    let (width, height) = (picture.width() * 4 / 5, picture.height() * 4 / 5);
    let left = (moved.clamp(0.0, 1.0) * f64::from(picture.width() - width)) as u32;
    let view = imageops::crop_imm(picture, left, picture.height() / 10, width, height).to_image();
    imageops::resize(&view, 240, 240, imageops::FilterType::Triangle)
}

fn mixed(a: &RgbImage, b: &RgbImage, share: f64) -> RgbImage {
    RgbImage::from_fn(a.width(), a.height(), |x, y| {
        let (a, b) = (a.get_pixel(x, y), b.get_pixel(x, y));
        Rgb([0, 1, 2].map(|c| (f64::from(a[c]) * (1.0 - share) + f64::from(b[c]) * share) as u8))
    })
}

/// How each frame of a film follows the one before.
fn judge(film: &[RgbImage]) -> Vec<Transition> {
    let frames: Vec<_> = film.iter().enumerate().map(|(k, shown)| frame(shown, k as f64 / RATE)).collect();
    let mut warper = warper(&frames[0], &picture("modigliani"));
    frames.iter().map(|frame| warper.run(frame).expect("it runs").scene).collect()
}

/// A second of panning over one picture.
fn shot(name: &str) -> Vec<RgbImage> {
    let picture = picture(name);
    (0..25).map(|k| pan(&picture, f64::from(k) / 25.0)).collect()
}

fn breaks(scenes: &[Transition]) -> Vec<usize> {
    (0..scenes.len()).filter(|k| scenes[*k] == Transition::Cut).collect()
}

#[test]
fn a_pan_is_one_scene() {
    for name in ["vangogh", "delaunay"] {
        assert_eq!(judge(&shot(name)), [Transition::None; 25], "{name}");
    }
}

#[test]
fn a_cut_breaks_where_it_is() {
    let film = [shot("vangogh"), shot("delaunay"), shot("scream")].concat();
    assert_eq!(breaks(&judge(&film)), [25, 50]);
}

#[test]
fn a_flash_does_not_end_the_scene() {
    let mut film = shot("vangogh");
    for (k, share) in [(10, 0.7), (11, 1.0), (12, 0.8)] {
        film[k] = mixed(&film[k], &RgbImage::from_pixel(240, 240, Rgb([255; 3])), share);
    }
    let scenes = judge(&film);
    assert_eq!(breaks(&scenes).len(), scenes.iter().filter(|scene| **scene == Transition::FlashEnd).count());
    assert!(scenes[14..].iter().all(|scene| *scene == Transition::None), "{scenes:?}");
}

#[test]
fn a_fade_through_black_and_a_dissolve_end_it() {
    let black = RgbImage::new(240, 240);
    let (first, second) = (shot("vangogh"), shot("delaunay"));
    let mut fade = first.clone();
    fade.extend((1..=12).map(|k| mixed(&first[24], &black, f64::from(k) / 12.0)));
    fade.extend((1..=12).map(|k| mixed(&black, &second[0], f64::from(k) / 12.0)));
    fade.extend(second.iter().cloned());
    let found = breaks(&judge(&fade));
    assert!(!found.is_empty() && found.iter().all(|k| (25..50).contains(k)), "{found:?}");

    let mut dissolve = first.clone();
    dissolve.extend((1..=12).map(|k| mixed(&first[24], &second[0], f64::from(k) / 12.0)));
    dissolve.extend(second.iter().cloned());
    let found = breaks(&judge(&dissolve));
    assert!(!found.is_empty() && found.iter().all(|k| (25..40).contains(k)), "{found:?}");
}
