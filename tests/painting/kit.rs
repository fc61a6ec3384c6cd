//! Networks, and pictures to paint.

use std::path::Path;

use image::imageops::{FilterType, resize};
use stylewarp::assets;
use stylewarp::frame::{Frame, Size};
use stylewarp::nn::device::Device;
use stylewarp::nn::models::Models;
use stylewarp::nn::runtime::Runtime;
use stylewarp::time::FrameTime;

pub(crate) fn models() -> Models {
    Models::find(Some(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models"))).expect("in the repository")
}

pub(crate) fn runtime() -> Runtime {
    Runtime::load(Device::Cpu).expect("set up")
}

/// A painting of the program's own as a frame to be painted anew, `millis` into a film.
pub(crate) fn frame(name: &str, width: u32, height: u32, millis: u64) -> Frame {
    let picture = assets::painting(name).expect("the program's own");
    let small = resize(&picture, width, height, FilterType::Triangle);
    let pixels = small.pixels().flat_map(|p| [p[0], p[1], p[2], 255]).collect();
    Frame { size: Size { width, height }, time: FrameTime::from_secs_f64(millis as f64 / 1e3), pixels }
}

/// Root mean square difference of two pictures' colours, 0..=255.
pub(crate) fn difference(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares = a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
    (squares.sum::<f64>() / (a.len() as f64 * 0.75)).sqrt()
}
