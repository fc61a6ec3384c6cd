//! `--paint-where`, `--warp-where` and `--backdrop` of stills and films, as typed, on a portrait.

use std::path::{Path, PathBuf};
use std::process::Command;

use image::RgbImage;

use tempfile::TempDir;

use crate::quality::judge;

/// A place of her face, and one of the wall beside her head.
const FACE: (u32, u32) = (112, 60);
const WALL: (u32, u32) = (25, 25);

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models")
}

fn data(name: &str) -> PathBuf {
    models().with_file_name("tests").join("data").join(name)
}

struct Folder(TempDir);

impl Folder {
    /// With the portrait.
    fn new() -> Self {
        let folder = Self(TempDir::new().expect("a folder"));
        std::fs::copy(data("person.png"), folder.path("in.png")).expect("copied");
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn ffmpeg(&self, args: &str) {
        let mut command = Command::new("ffmpeg");
        command.current_dir(&self.0).args(["-v", "error", "-nostdin", "-y"]).args(args.split_whitespace());
        assert!(command.status().expect("ffmpeg is installed").success(), "{args}");
    }
}

/// Runs a program to a good end; what it said.
fn run(folder: &Folder, program: &str, networks: &Path, args: &str) -> String {
    let output = Command::new(program)
        .current_dir(folder.path(""))
        .env("STYLEWARP_MODELS", networks)
        .env_remove("STYLEWARP_LOG")
        .args(args.split_whitespace())
        .args(["--device", "cpu"])
        .output()
        .expect("the program starts");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{args}: {said}");
    said
}

/// The portrait with these options.
fn still(folder: &Folder, args: &str) -> RgbImage {
    run(folder, env!("CARGO_BIN_EXE_stylewarp"), &models(), &format!("still in.png out.png -y {args}"));
    picture(folder, "out.png")
}

fn picture(folder: &Folder, name: &str) -> RgbImage {
    image::open(folder.path(name)).expect(name).into_rgb8()
}

/// Mean difference of two pictures around a place, 0..=255.
fn off(a: &RgbImage, b: &RgbImage, (x, y): (u32, u32)) -> f64 {
    let places = (x - 8..x + 8).flat_map(|x| (y - 8..y + 8).map(move |y| (x, y)));
    let values = places.flat_map(|(x, y)| (0..3).map(move |c| (x, y, c)));
    let sum: f64 =
        values.map(|(x, y, c)| f64::from(a.get_pixel(x, y)[c].abs_diff(b.get_pixel(x, y)[c]))).sum();
    sum / (16.0 * 16.0 * 3.0)
}

#[test]
fn only_the_part_that_was_chosen_is_painted() {
    let folder = Folder::new();
    let (own, painted) = (picture(&folder, "in.png"), still(&folder, "--texture scream"));
    assert!(off(&own, &painted, FACE) > 5.0 && off(&own, &painted, WALL) > 5.0, "all of it");
    assert_eq!(still(&folder, "--texture scream --paint-where all --backdrop keep"), painted, "to the byte");
    let subject = still(&folder, "--texture scream --paint-where subject");
    assert!(off(&subject, &painted, FACE) < 0.5 && off(&subject, &own, WALL) < 0.5);
    let background = still(&folder, "--texture scream --paint-where background");
    assert!(off(&background, &own, FACE) < 0.5 && off(&background, &painted, WALL) < 0.5);
}

#[test]
fn only_the_part_that_was_chosen_is_bent() {
    let folder = Folder::new();
    let own = picture(&folder, "in.png");
    let bent = |part: &str| still(&folder, &format!("--preset moon --paint 0 --warp 2 --warp-where {part}"));
    let count = |picture: &RgbImage| picture.pixels().zip(own.pixels()).filter(|(a, b)| a != b).count();
    let (all, subject, background) = (bent("all"), bent("subject"), bent("background"));
    assert!(off(&all, &own, FACE) > 2.0, "negative control");
    judge("subject.bent-as-the-whole", off(&subject, &all, FACE) / off(&subject, &own, FACE));
    judge("subject.spared", off(&background, &own, FACE) / off(&all, &own, FACE));
    assert!(count(&subject) < count(&all) && count(&background) < count(&all));
}

#[test]
fn something_else_shows_behind() {
    let folder = Folder::new();
    let (own, green) =
        (picture(&folder, "in.png"), still(&folder, "--texture scream --paint 0 --backdrop green"));
    assert_eq!(green.get_pixel(WALL.0, WALL.1).0, [0, 255, 0]);
    assert!(off(&green, &own, FACE) < 0.5);
    let blurred = still(&folder, "--texture scream --paint 0 --backdrop blur");
    assert!(off(&blurred, &own, FACE) < 0.5 && off(&blurred, &own, WALL) > 0.5);
    folder.ffmpeg("-f lavfi -i color=c=0x2040c0:s=300x200 -frames:v 1 sea.png");
    let sea = still(&folder, "--texture scream --paint-where all --backdrop sea.png");
    let [r, g, b] = sea.get_pixel(WALL.0, WALL.1).0;
    assert!(
        r.abs_diff(0x20) < 3 && g.abs_diff(0x40) < 3 && b.abs_diff(0xc0) < 3,
        "{r} {g} {b}: never painted"
    );
    assert!(off(&sea, &own, FACE) > 5.0, "she is");
}

/// Places that change sides from one picture to the next, in the mean.
fn flickering(sides: &[Vec<bool>]) -> f64 {
    let changed = |pair: &[Vec<bool>]| pair[0].iter().zip(&pair[1]).filter(|(a, b)| a != b).count();
    sides.windows(2).map(changed).sum::<usize>() as f64 / (sides.len() - 1) as f64
}

#[test]
fn a_film_of_a_still_person_has_a_mask_that_holds_still() {
    let folder = Folder::new();
    folder.ffmpeg(
        "-loop 1 -i in.png -vf noise=alls=4:allf=t,scale=320:256,pad=448:256:64:0:0x808080 -r 25 -t 1 -c:v ffv1 in.mkv",
    );
    let green = "-y --texture scream --paint 0 --backdrop #00ff00";
    let video = env!("CARGO_BIN_EXE_stylewarp-video");
    run(&folder, video, &models(), &format!("in.mkv out.mkv {green} --codec ffv1 --quiet"));
    folder.ffmpeg("-i in.mkv in%02d.png");
    folder.ffmpeg("-i out.mkv -pix_fmt rgb24 out%02d.png");
    let is_green = |picture: &RgbImage, x: u32, y: u32| {
        let [r, g, b] = picture.get_pixel(x, y).0;
        g > 200 && r < 60 && b < 60
    };
    let sides = |picture: &RgbImage| -> Vec<bool> {
        assert!(is_green(picture, 20, 20) && !is_green(picture, 64 + 140, 60), "beside her, and her face");
        picture.enumerate_pixels().map(|(x, y, _)| is_green(picture, x, y)).collect()
    };
    let film: Vec<_> = (9..=25).map(|k| sides(&picture(&folder, &format!("out{k:02}.png")))).collect();
    // Negative control: the same frames, each by itself.
    let alone = (10..=13).map(|k| {
        let args = format!("still in{k}.png alone.png {green}");
        run(&folder, env!("CARGO_BIN_EXE_stylewarp"), &models(), &args);
        sides(&picture(&folder, "alone.png"))
    });
    let alone: Vec<_> = alone.collect();
    let hers = film[0].iter().filter(|green| !**green).count() as f64;
    let (film, alone) = (flickering(&film), flickering(&alone));
    judge("subject.mask-against-none", film / alone);
    judge("subject.mask-holds-still", film / hers);
}

#[test]
fn a_missing_network_is_told_and_the_rest_goes_on() {
    let folder = Folder::new();
    let said = run(
        &folder,
        env!("CARGO_BIN_EXE_stylewarp"),
        &data("models"),
        "still in.png out.png --texture scream --paint-where subject",
    );
    assert!(said.contains("segmenter.onnx") && said.contains("stylewarp doctor"), "{said}");
    assert!(off(&picture(&folder, "out.png"), &picture(&folder, "in.png"), FACE) > 0.5, "it is painted");
}
