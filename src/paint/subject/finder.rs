//! Where the subject is: people, found by a small network; in their absence, what the warp network matched with the
//! geometry exemplar.
//!
//! The network (MediaPipe's selfie segmentation, see `models/README.md`) sees the whole picture, stretched. It is opened
//! when a mask is first wanted; where it is missing, that is told once, and everything else goes on.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::frame::resize::{Filter, Pixels, Resizer};
use crate::frame::{Frame, Size};
use crate::nn::device::Device;
use crate::nn::models::Models;
use crate::nn::network::Network;
use crate::nn::runtime::Runtime;
use crate::paint::subject::Mask;
use crate::time::FrameTime;

/// The networks: for pictures wider than [`WIDE`], and for all others.
const NETWORKS: [&str; 2] = ["segmenter-wide.onnx", "segmenter.onnx"];
/// Width over height from which a picture is wide.
const WIDE: f32 = 1.25;
/// What the network is this unsure of, or less, is background; this sure, subject.
const UNSURE: f32 = 0.15;
const SURE: f32 = 0.85;
/// Shares of the picture at which people begin to count, and at which nothing but people counts.
const FEW: f32 = 0.002;
const MANY: f32 = 0.01;
/// Seconds in which people and the exemplar's subject take over from each other.
const TAKEOVER: f64 = 0.4;
/// Seconds without a picture after which they do so at once.
const GAP: f64 = 0.5;

/// Finds the subject, frame after frame.
pub struct SubjectFinder {
    models: Option<PathBuf>,
    device: Device,
    /// For wide pictures and for others; `Some(None)` cannot be had.
    networks: [Option<Option<Network>>; 2],
    resizer: Resizer,
    planes: Vec<f32>,
    /// Why people are not found, if they cannot be.
    notice: Option<String>,
    /// How much people count, 0..=1, at the last frame.
    people: Option<(FrameTime, f32)>,
}

impl SubjectFinder {
    /// Takes networks from this folder, or the usual ones; opens none yet.
    pub fn new(models: Option<PathBuf>, device: Device) -> Self {
        Self {
            models,
            device,
            networks: [None, None],
            resizer: Resizer::default(),
            planes: Vec::new(),
            notice: None,
            people: None,
        }
    }

    /// Why people are not found, and what to do about it, if they cannot be.
    pub fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    /// Where the subject is; `exemplar` is how surely places of the picture show the geometry exemplar's, on a square
    /// grid. `None` if neither is known.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime fails.
    pub fn run(&mut self, frame: &Frame, exemplar: Option<&[f32]>) -> Result<Option<Mask>> {
        let Some(mut mask) = self.people(frame)? else {
            return Ok(exemplar.map(|values| {
                let side = values.len().isqrt() as u32;
                Mask { size: Size { width: side, height: side }, values: values.to_vec() }
            }));
        };
        let area = mask.values.iter().sum::<f32>() / mask.values.len() as f32;
        let wanted = smoothstep(FEW, MANY, area);
        let people = match self.people {
            Some((before, people)) if (0.0..GAP).contains(&(frame.time - before).as_secs_f64()) => {
                let share = (-(frame.time - before).as_secs_f64() / TAKEOVER).exp() as f32;
                wanted + (people - wanted) * share
            }
            _ => wanted,
        };
        self.people = Some((frame.time, people));
        if let Some(exemplar) = exemplar
            && people < 1.0
        {
            let side = exemplar.len().isqrt() as u32;
            let side = Size { width: side, height: side };
            let found = self.resizer.plane(exemplar, side, mask.size, Filter::Bilinear)?;
            for (value, found) in mask.values.iter_mut().zip(found) {
                *value = value.max(found * (1.0 - people)).clamp(0.0, 1.0);
            }
        }
        Ok(Some(mask))
    }

    /// What the network says; `None` where there is none.
    fn people(&mut self, frame: &Frame) -> Result<Option<Mask>> {
        let which = usize::from(frame.size.aspect() < WIDE);
        if self.networks[which].is_none() {
            self.networks[which] = Some(self.open(NETWORKS[which]));
        }
        let Some(network) = self.networks[which].as_mut().and_then(Option::as_mut) else { return Ok(None) };
        let shape: Vec<_> = network.spec().inputs[0].shape.iter().map(|&side| side.max(1) as usize).collect();
        let size = Size { width: shape[3] as u32, height: shape[2] as u32 };
        let pixels = Pixels { bytes: &frame.pixels, size: frame.size };
        let small = self.resizer.pixels(pixels, size, Filter::Bilinear)?;
        self.planes.clear();
        for channel in 0..3 {
            self.planes.extend(small.iter().skip(channel).step_by(4).map(|value| f32::from(*value) / 255.0));
        }
        // What is not a number is no subject.
        let sure = |value: &f32| if value.is_finite() { smoothstep(UNSURE, SURE, *value) } else { 0.0 };
        let values =
            network.run(&[(&shape, &self.planes)], |outputs| outputs[0].iter().map(sure).collect())?;
        Ok(Some(Mask { size, values }))
    }

    fn open(&mut self, name: &str) -> Option<Network> {
        let opened: Result<_> = Models::find(self.models.as_deref())
            .and_then(|models| models.network(name, &Runtime::load(self.device)?));
        match opened {
            Ok(network) => Some(network),
            Err(error) => {
                let notice = format!(
                    "people are not told from the background, because {}; put {name} and manifest.toml of this version's \
                     folder `models` beside the other networks (`stylewarp doctor` says where they are)",
                    chain(&error)
                );
                tracing::warn!("{notice}");
                self.notice = Some(notice);
                None
            }
        }
    }
}

/// An error and its causes.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text += &format!(": {said}");
        }
        source = cause.source();
    }
    text
}

/// 0 up to `from`, 1 from `to` on, smooth between.
fn smoothstep(from: f32, to: f32, value: f32) -> f32 {
    let t = ((value - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models() -> PathBuf {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models")
    }

    fn data(name: &str) -> image::DynamicImage {
        image::open(models().with_file_name("tests").join("data").join(name)).expect(name)
    }

    /// The upper part of the portrait, as the network sees it, and what the TFLite interpreter made of it.
    fn portrait(name: &str, rows: u32) -> (Frame, Vec<f32>) {
        let size = Size { width: 256, height: rows };
        let pixels = data("person.png").crop_imm(0, 0, 256, rows).into_rgba8().into_raw();
        let theirs = data(&format!("masks/{name}-person.png")).into_luma8();
        (
            Frame { size, time: FrameTime::ZERO, pixels },
            theirs.as_raw().iter().map(|value| f32::from(*value) / 255.0).collect(),
        )
    }

    #[test]
    fn both_networks_say_what_the_tflite_interpreter_says() {
        let models = Models::find(Some(&models())).expect("the networks");
        let runtime = Runtime::load(Device::Cpu).expect("ONNX Runtime");
        for (name, rows) in [("segmenter", 256), ("segmenter-wide", 144)] {
            let (frame, theirs) = portrait(name, rows);
            let mut network = models.network(&format!("{name}.onnx"), &runtime).expect(name);
            let run = |network: &mut Network, frame: &Frame| {
                let planes: Vec<_> = (0..3)
                    .flat_map(|c| frame.pixels.iter().skip(c).step_by(4).map(|v| f32::from(*v) / 255.0))
                    .collect();
                let ours = network
                    .run(&[(&[1, 3, rows as usize, 256], &planes)], |out| out[0].to_vec())
                    .expect("runs");
                ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
            };
            // Half a step of the 8 bits that the masks are kept with, and what two runtimes differ by.
            let off = run(&mut network, &frame);
            assert!(off < 0.5 / 255.0 + 1e-3, "{name}: {off}");
            // Negative control: red and blue changed.
            let mut other = frame;
            other.pixels.chunks_exact_mut(4).for_each(|pixel| pixel.swap(0, 2));
            assert!(run(&mut network, &other) > 0.05, "{name}");
        }
    }

    #[test]
    fn a_person_is_found_and_a_plain_wall_is_none() {
        let mut finder = SubjectFinder::new(Some(models()), Device::Cpu);
        let (frame, _) = portrait("segmenter", 256);
        let mask = finder.run(&frame, None).expect("runs").expect("a network");
        assert!(mask.values.iter().all(|value| (0.0..=1.0).contains(value)));
        let at = |x: u32, y: u32| mask.values[(y * mask.size.width + x) as usize];
        // Her face, and what is beside her head.
        assert!(at(112, 60) > 0.95 && at(112, 200) > 0.95, "{} {}", at(112, 60), at(112, 200));
        assert!(at(20, 20) < 0.05, "{}", at(20, 20));
        let wall = Frame::filled(
            Size { width: 320, height: 180 },
            FrameTime::from_secs_f64(9.0),
            [120, 130, 140, 255],
        );
        let empty = finder.run(&wall, None).expect("runs").expect("a network");
        assert!(empty.values.iter().all(|value| *value < 0.05));
        // What was matched with the exemplar is the subject then, and only then.
        let cat: Vec<f32> = (0..32 * 32).map(|k| if k % 32 < 16 { 1.0 } else { 0.0 }).collect();
        let later =
            |frame: &Frame, secs: f64| Frame { time: FrameTime::from_secs_f64(secs), ..frame.clone() };
        let found = finder.run(&later(&wall, 19.0), Some(&cat)).expect("runs").expect("a network");
        assert!(found.values[2] > 0.95 && found.values[found.size.width as usize - 3] < 0.05);
        let found = finder.run(&later(&frame, 29.0), Some(&cat)).expect("runs").expect("a network");
        assert!(found.values[20 * 256 + 20] < 0.05);
    }

    #[test]
    fn without_the_network_the_exemplars_subject_is_left() {
        let empty = tempfile::TempDir::new().expect("a folder");
        let mut finder = SubjectFinder::new(Some(empty.path().to_owned()), Device::Cpu);
        let (frame, _) = portrait("segmenter", 256);
        assert_eq!(finder.notice(), None);
        assert_eq!(finder.run(&frame, None).expect("goes on"), None);
        assert!(finder.notice().is_some_and(|notice| notice.contains("segmenter.onnx")));
        let mask = finder.run(&frame, Some(&[0.5; 16])).expect("goes on").expect("the exemplar's");
        assert_eq!((mask.size, mask.values), (Size { width: 4, height: 4 }, vec![0.5; 16]));
    }
}
