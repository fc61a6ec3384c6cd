//! Pictures, and engines with the real networks.

use std::path::{Path, PathBuf};

use image::RgbImage;
use stylewarp::engine::{Engine, EngineConfig, Trace};
use stylewarp::frame::{Frame, Size};
use stylewarp::image_file::exemplar;
use stylewarp::look::Look;
use stylewarp::nn::device::Device;
use stylewarp::nn::models::Models;
use stylewarp::nn::runtime::Runtime;
use stylewarp::time::FrameTime;
use stylewarp::warp::features::EncoderChoice;
use stylewarp::warp::matcher::Matcher;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn models() -> PathBuf {
    root().join("models")
}

/// An exemplar of the presets, by name.
pub(crate) fn picture(name: &str) -> RgbImage {
    exemplar(&root().join(format!("presets/{name}.jpg"))).expect("in the repository")
}

/// A frame of at most 240 lines, `secs` into a film.
pub(crate) fn frame(picture: &RgbImage, secs: f64) -> Frame {
    let width = 240 * picture.width() / picture.height();
    let small = image::imageops::resize(picture, width, 240, image::imageops::FilterType::Triangle);
    let pixels = small.pixels().flat_map(|p| [p[0], p[1], p[2], 255]).collect();
    Frame { size: Size { width, height: 240 }, time: FrameTime::from_secs_f64(secs), pixels }
}

/// A picture bent into the shapes of an exemplar, with the reasons.
pub(crate) fn bend(content: &RgbImage, shapes: RgbImage, encoder: EncoderChoice) -> Trace {
    let mut look = Look::default();
    look.geometry = Some(shapes);
    let content = frame(content, 0.0);
    let setup = EngineConfig { models: Some(models()), device: Device::Cpu, encoder };
    let mut engine = Engine::new(&look, None, content.size.aspect(), &setup).expect("it opens");
    engine.explain(content).expect("it runs")
}

/// Largest displacement of a field, in fractions of the frame.
pub(crate) fn largest(seen: &Trace) -> f32 {
    seen.field.values().iter().flatten().fold(0.0, |most, v| v.abs().max(most))
}

/// A warper for frames as wide as `content`.
pub(crate) fn warper(content: &Frame, shapes: &RgbImage) -> Matcher {
    let models = Models::find(Some(&models())).expect("in the repository");
    let runtime = Runtime::load(Device::Cpu).expect("set up");
    let choice = EncoderChoice::Fast;
    Matcher::new(&models, &runtime, choice, shapes, content.size.aspect()).expect("it opens")
}
