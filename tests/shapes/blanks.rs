//! Exemplars that show nothing which could be matched.

use std::process::Command;

use image::{Rgb, RgbImage};
use stylewarp::warp::features::EncoderChoice;

use crate::kit::{bend, largest, models, picture};
use crate::quality::judge;

/// Numbers that look random and are the same in every run.
fn random(seed: u64) -> impl FnMut(u32) -> u32 {
    let mut state = seed | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as u32 % below
    }
}

fn grey() -> RgbImage {
    RgbImage::from_pixel(200, 260, Rgb([128; 3]))
}

fn noise() -> RgbImage {
    let mut random = random(3);
    RgbImage::from_fn(200, 260, |_, _| Rgb([0; 3].map(|_| random(256) as u8)))
}

/// Lines of marks as long and high as words.
fn page() -> RgbImage {
    let mut random = random(5);
    let mut page = RgbImage::from_pixel(300, 400, Rgb([248; 3]));
    for top in (20..380).step_by(16) {
        let mut left = 20;
        while left < 270 {
            for _ in 0..(1 + random(7)).min((285 - left) / 6) {
                for (x, y) in (0..4).flat_map(|x| (0..9).map(move |y| (x, y))) {
                    if random(9) < 5 {
                        page.put_pixel(left + x, top + y, Rgb([25; 3]));
                    }
                }
                left += 6;
            }
            left += 7;
        }
    }
    page
}

#[test]
fn leave_a_picture_as_it_is() {
    for encoder in [EncoderChoice::Fast, EncoderChoice::Reference] {
        for (name, blank) in [("grey", grey()), ("noise", noise()), ("page", page())] {
            let seen = bend(&picture("vangogh"), blank, encoder);
            println!("{name}, {encoder:?}: {} cells found", seen.subjects[0].found());
            judge("shapes.blank-exemplar", largest(&seen).into());
        }
        let seen = bend(&picture("vangogh"), picture("modigliani"), encoder);
        judge("shapes.bends", largest(&seen).into());
    }
}

/// What `stylewarp still` says with an exemplar.
fn said(exemplar: &RgbImage) -> String {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    picture("vangogh").save(path("in.png")).expect("saved");
    exemplar.save(path("exemplar.png")).expect("saved");
    let mut command = Command::new(env!("CARGO_BIN_EXE_stylewarp"));
    command.arg("still").arg(path("in.png")).arg(path("out.png")).arg("--geometry").arg(path("exemplar.png"));
    let run =
        command.args(["--device", "cpu", "--models"]).arg(models()).output().expect("the program starts");
    assert!(run.status.success() && path("out.png").is_file());
    String::from_utf8(run.stderr).expect("UTF-8")
}

#[test]
fn are_reported_once_with_something_to_try() {
    let warning = said(&grey());
    assert_eq!(warning.matches("matches nothing").count(), 1, "{warning}");
    assert!(warning.contains("because") && warning.contains("try"), "{warning}");
    assert_eq!(said(&picture("modigliani")), "", "negative control");
}
