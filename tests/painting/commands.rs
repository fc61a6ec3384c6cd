//! `stylewarp still`, `distill` and `presets --sheet`, as typed.

use std::path::Path;
use std::process::Command;

use image::RgbImage;
use stylewarp::assets;
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    /// With a photo of 120x90 and a painting.
    fn new() -> Self {
        let folder = Self(TempDir::new().expect("a folder"));
        let picture = |name, width, height| {
            let whole = assets::painting(name).expect("the program's own");
            image::imageops::resize(&whole, width, height, image::imageops::FilterType::Triangle)
        };
        picture("girls-at-the-piano", 120, 90).save(folder.path("photo.png")).expect("written");
        picture("nafea", 140, 200).save(folder.path("art.jpg")).expect("written");
        folder
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn picture(&self, name: &str) -> RgbImage {
        image::open(self.path(name)).expect("a picture").into_rgb8()
    }

    /// Exit code, and what was said.
    fn run(&self, args: &str) -> (Option<i32>, String) {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
        let output = Command::new(env!("CARGO_BIN_EXE_stylewarp"))
            .current_dir(self.path(""))
            .args(args.split_whitespace())
            .args(["--device", "cpu"])
            .env("STYLEWARP_MODELS", models)
            .output()
            .expect("the program starts");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(!said.contains("panicked"), "{said}");
        (output.status.code(), said)
    }

    fn runs(&self, args: &str) -> String {
        let (code, said) = self.run(args);
        assert_eq!(code, Some(0), "{args}: {said}");
        said
    }

    fn refuses(&self, args: &str, words: [&str; 2]) {
        let (code, said) = self.run(args);
        assert!(matches!(code, Some(1 | 2)), "{args}: {code:?} {said}");
        assert!(words.iter().all(|words| said.contains(words)), "{args}: {said}");
    }
}

#[test]
fn the_best_quality_copies_a_painting() {
    let folder = Folder::new();
    let best = "--quality best --scales 32,64 --iterations 6";
    folder.runs(&format!("still photo.png best.png --texture art.jpg {best}"));
    assert_eq!(folder.picture("best.png").dimensions(), (120, 90), "enlarged from 64 lines");
    assert!(folder.picture("best.png") != folder.picture("photo.png"));
    folder.runs(&format!("still photo.png none.png --texture art.jpg --paint 0 {best}"));
    assert!(folder.picture("none.png") == folder.picture("photo.png"));
    folder.refuses(
        &format!("still photo.png x.png --texture scream,udnie {best}"),
        ["no single painting is named by the texture scream,udnie", "one picture file"],
    );
    assert!(!folder.path("x.png").exists());
}

#[test]
fn a_better_quality_improves_what_was_painted() {
    let folder = Folder::new();
    let better = "--quality better --scales 64 --iterations";
    for steps in [1, 8] {
        folder.runs(&format!("still photo.png {steps}.png --texture scream {better} {steps}"));
    }
    // It begins with the paint before light falls on it.
    folder.runs("still photo.png painted.png --texture scream --size 64 --relief 0");
    let (photo, painted) = (folder.picture("photo.png"), folder.picture("painted.png"));
    let far = |name: &str, from: &RgbImage| {
        let picture = folder.picture(name);
        let differences = picture.as_raw().iter().zip(from.as_raw()).map(|(a, b)| f64::from(a.abs_diff(*b)));
        differences.sum::<f64>() / picture.as_raw().len() as f64
    };
    assert!(far("1.png", &painted) < 0.3 * far("1.png", &photo), "begins with the painting");
    assert!(far("8.png", &painted) > 2.0 * far("1.png", &painted), "moves on from there");
    folder.refuses(
        &format!("still photo.png x.png --texture scream,udnie {better} 1"),
        ["no single painting is named by the texture scream,udnie", "one picture file"],
    );
}

#[test]
fn a_distilled_style_is_a_preset_and_a_texture() {
    let folder = Folder::new();
    let said = folder.runs("distill art.jpg -o mine.toml --on photo.png --minutes 0.1 --preview seen.png");
    assert!(said.contains("art.jpg: learns from ") && said.contains("mine.toml: "), "{said}");
    folder.runs("still photo.png a.png --preset mine.toml");
    folder.runs("still photo.png b.png --texture mine.safetensors");
    folder.runs("still photo.png c.png --texture art.jpg");
    assert!(folder.picture("a.png") == folder.picture("b.png"));
    assert!(folder.picture("a.png") != folder.picture("photo.png"));
    assert!(folder.picture("a.png") != folder.picture("c.png"), "tuned, not only predicted");
    assert_eq!(folder.picture("seen.png").dimensions(), (120, 90), "the first photo");
    folder.refuses("distill art.jpg -o mine.toml", ["mine.toml exists already", "-y"]);
    folder.refuses("distill art.jpg -o mine.txt", ["no name for a preset", ".toml"]);
    folder.refuses("distill none.jpg -o b.toml", ["cannot read none.jpg", "check the name"]);
    folder.refuses(
        "distill photo.png -o mine.toml --resume",
        ["tuned to another painting", "-y to begin anew"],
    );
}

#[test]
fn nothing_is_learnt_from_what_is_no_painting() {
    let folder = Folder::new();
    RgbImage::from_pixel(300, 200, image::Rgb([250, 248, 240]))
        .save(folder.path("blank.png"))
        .expect("written");
    folder.refuses("distill blank.png -o a.toml", ["no brushwork in blank.png", "--crop"]);
    for (crop, told) in
        [("0,0,500,90", "outside the picture"), ("0,0,20,20", "outside the picture"), ("1,2,3", "X,Y")]
    {
        folder.refuses(&format!("distill art.jpg -o a.toml --crop {crop}"), [told, "try"]);
    }
    folder.refuses("distill art.jpg -o a.toml --minutes 0", ["outside 0.1 to 600", "--help"]);
    std::fs::write(folder.path("film.gif"), b"GIF89a........").expect("written");
    folder.refuses("distill film.gif -o a.toml", ["cannot read the picture film.gif", "a JPEG, PNG"]);
    // A picture of 20000 pixels: its header alone decides.
    let mut huge = Vec::new();
    image::codecs::bmp::BmpEncoder::new(&mut huge)
        .encode(&[0; 3], 1, 1, image::ExtendedColorType::Rgb8)
        .expect("written");
    huge[18..22].copy_from_slice(&20_000_u32.to_le_bytes());
    std::fs::write(folder.path("scan.bmp"), huge).expect("written");
    folder.refuses("distill scan.bmp -o a.toml", ["20000x1, outside 1 to 16384 pixels", "try"]);
    assert!(!folder.path("a.toml").exists() && !folder.path("a.safetensors").exists());
}

#[test]
fn strokes_colours_and_size_are_controls() {
    let folder = Folder::new();
    folder.runs("still photo.png whole.png --texture scream");
    for (k, control) in
        ["--colors keep", "--stroke-size 2", "--size 64", "--paint 0.5"].into_iter().enumerate()
    {
        let output = format!("{k}.png");
        folder.runs(&format!("still photo.png {output} --texture scream {control}"));
        assert_eq!(folder.picture(&output).dimensions(), (120, 90));
        assert!(folder.picture(&output) != folder.picture("whole.png"), "{control}");
    }
    for (args, said) in [("--stroke-size 3", "outside 0.5 to 2"), ("--texture a:b", "not a share")] {
        folder.refuses(&format!("still photo.png x.png {args}"), [said, "--help"]);
    }
}

#[test]
fn every_look_is_on_the_sheet() {
    let folder = Folder::new();
    folder.runs("presets --sheet sheet.png --on photo.png --of textures");
    let sheet = folder.picture("sheet.png");
    let (across, down) = (tiles(&sheet, true), tiles(&sheet, false));
    let textures = assets::painting_names().count();
    // They, and the photo; the last row may not be full.
    assert_eq!(down.len(), (textures + 1).div_ceil(across.len()), "{across:?} {down:?}");
    let last = textures % across.len();
    assert!(picture_at(&sheet, across[last], down[down.len() - 1]), "the last one is there");
    folder.refuses("presets --sheet sheet.png --on photo.png", ["sheet.png exists already", "-y"]);
    folder.refuses("presets --sheet a.png", ["--on", "--help"]);
}

/// Where tiles begin along an edge of a sheet: runs of what is not white, longer than any letter.
fn tiles(sheet: &RgbImage, across: bool) -> Vec<u32> {
    let length = if across { sheet.width() } else { sheet.height() };
    let inked = |at: u32| {
        (20..60).any(|k| {
            let (x, y) = if across { (at, k) } else { (k, at) };
            sheet.get_pixel(x, y).0 != [255; 3]
        })
    };
    let (mut begins, mut begun) = (Vec::new(), 0);
    for at in 0..length {
        if !inked(at) {
            begun = 0;
        } else {
            begun += 1;
            if begun == 80 {
                begins.push(at - 79);
            }
        }
    }
    begins
}

fn picture_at(sheet: &RgbImage, x: u32, y: u32) -> bool {
    (20..60).any(|k| sheet.get_pixel(x + k, y + k).0 != [255; 3])
}

#[test]
fn a_transparent_picture_stays_transparent() {
    let folder = Folder::new();
    let opaque = folder.picture("photo.png");
    // The left half is hidden, and green below that.
    let cut = image::RgbaImage::from_fn(opaque.width(), opaque.height(), |x, y| {
        let [r, g, b] = opaque.get_pixel(x, y).0;
        image::Rgba(if x < opaque.width() / 2 { [0, 255, 0, 0] } else { [r, g, b, 255] })
    });
    cut.save(folder.path("cut.png")).expect("written");
    for look in
        ["--warp 0 --paint 0", "--warp 0 --texture scream", "--warp 0 --texture scream --paint 0.5 --size 64"]
    {
        folder.runs(&format!("still cut.png out.png -y {look}"));
        let drawn = image::open(folder.path("out.png")).expect("a picture").into_rgba8();
        let alpha = |x: u32| drawn.get_pixel(x, 40).0[3];
        assert_eq!((alpha(10), alpha(110)), (0, 255), "{look}");
    }
    folder.runs("still cut.png white.jpg --background white --warp 0 --paint 0");
    let [r, g, b] = folder.picture("white.jpg").get_pixel(10, 40).0;
    assert!(r > 240 && g > 240 && b > 240, "{r} {g} {b}");
    folder.runs("still cut.png black.jpg --warp 0 --paint 0");
    let [r, g, b] = folder.picture("black.jpg").get_pixel(10, 40).0;
    assert!(r < 15 && g < 15 && b < 15, "{r} {g} {b}: what is hidden stays hidden");
}
