//! Textures as one types them: paintings never seen before, mixtures, bad files.

use std::path::PathBuf;

use image::{DynamicImage, GrayImage, ImageBuffer, Luma, LumaA, Rgb, RgbImage, Rgba};
use stylewarp::Error;
use stylewarp::assets;
use stylewarp::paint::painter::{PaintParams, Painter};
use stylewarp::paint::style::Style;
use stylewarp::paint::style_spec::StyleSpec;
use tempfile::TempDir;

use crate::kit::{difference, frame, models, runtime};
use crate::quality::judge;

fn style(text: &str) -> Result<Style, Error> {
    text.parse::<StyleSpec>().expect("well formed").style(&models(), &runtime())
}

fn painted(style: Style) -> Vec<u8> {
    let mut painter = Painter::new(&models(), &runtime(), style).expect("it opens");
    let params = PaintParams { stroke: 1.0, lines: None, relief: 0.0 };
    painter.run(&frame("apples", 160, 120, 0), params, None).expect("painted").painted.to_vec()
}

/// A painting in a file.
fn saved(folder: &TempDir, name: &str, picture: impl Into<DynamicImage>) -> String {
    let path: PathBuf = folder.path().join(name);
    picture.into().save(&path).expect("written");
    path.to_string_lossy().into_owned()
}

#[test]
fn the_predicted_style_of_a_painting_is_nearer_to_its_own_than_others_are() {
    let folder = TempDir::new().expect("a folder");
    for (own, other) in [("scream", "great-wave"), ("sunflowers", "deer")] {
        let path = saved(&folder, "a.png", assets::painting(own).expect("the program's own"));
        let [predicted, own, other] = [&path, own, other].map(|text| painted(style(text).expect("a style")));
        let (near, far) = (difference(&predicted, &own), difference(&predicted, &other));
        judge("painting.predicted-style", near / far);
    }
}

#[test]
fn a_mixture_lies_between() {
    let [one, half, other] =
        ["scream", "scream:0.5,deer:0.5", "deer"].map(|t| painted(style(t).expect("a style")));
    let whole = difference(&one, &other);
    assert!(difference(&half, &one) < whole && difference(&half, &other) < whole);
    assert_eq!(style("scream:1,deer:0").expect("a style"), style("scream").expect("a style"));
}

#[test]
fn pictures_of_every_kind_are_textures() {
    let folder = TempDir::new().expect("a folder");
    let shade = |x: u32, y: u32| ((x * 7 + y * 13) % 256) as u8;
    let grey = GrayImage::from_fn(40, 30, |x, y| Luma([shade(x, y)]));
    let deep: ImageBuffer<Rgb<u16>, Vec<u16>> =
        ImageBuffer::from_fn(40, 30, |x, y| Rgb([u16::from(shade(x, y)) * 257; 3]));
    let clear = ImageBuffer::from_fn(40, 30, |x, y| Rgba([shade(x, y), 9, 9, (x * 6) as u8]));
    let grey_clear: ImageBuffer<LumaA<u8>, Vec<u8>> = ImageBuffer::from_pixel(40, 30, LumaA([9, 0]));
    let long = RgbImage::from_fn(2000, 16, |x, y| Rgb([shade(x, y); 3]));
    for path in [
        saved(&folder, "grey.png", grey),
        saved(&folder, "deep.png", deep),
        saved(&folder, "clear.png", clear),
        saved(&folder, "grey-clear.png", grey_clear),
        saved(&folder, "long.png", long),
    ] {
        style(&path).expect(&path);
    }
}

#[test]
fn what_cannot_be_a_texture_says_why() {
    let folder = TempDir::new().expect("a folder");
    let tiny = saved(&folder, "tiny.png", RgbImage::new(8, 8));
    assert!(matches!(style(&tiny), Err(Error::PictureTooSmall { .. })));
    let corrupt = folder.path().join("corrupt.jpg");
    std::fs::write(&corrupt, b"\xff\xd8\xff\xe0 not a picture").expect("written");
    assert!(matches!(style(&corrupt.to_string_lossy()), Err(Error::Picture { .. })));
    assert!(matches!(style("no/such.jpg"), Err(Error::Read { .. })));
    assert!(matches!(style("no-such"), Err(Error::TextureMissing { .. })));
    let junk = folder.path().join("junk.safetensors");
    std::fs::write(&junk, b"junk").expect("written");
    assert!(matches!(style(&junk.to_string_lossy()), Err(Error::StyleInvalid { .. })));
}
