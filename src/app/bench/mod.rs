//! `stylewarp bench`: milliseconds a stage and frame, and how much of the
//! machine each network uses.
//!
//! Milliseconds depend on the machine; the share of its GEMM peak does not. The
//! peak is measured in the same process through the same runtime (a product of
//! two 1024x1024 matrices), so 100 % means that a network computes as fast as
//! this machine multiplies matrices. Every figure is the median of several runs.

pub mod film;
pub mod jitter;
mod peer;
pub mod readme;

use std::path::Path;
use std::time::Instant;

use self::film::FilmTiming;
use self::peer::Peer;
use crate::engine::EngineConfig;
use crate::error::{Error, Result};
use crate::frame::{Frame, Size};
use crate::gpu::adapter::Gpu;
use crate::look::Look;
use crate::nn::models::Models;
use crate::nn::network::{Input, Network};
use crate::nn::runtime::{GEMM_MODEL, Runtime};
use crate::paint::composite::{BlendParams, Colors, CpuCompositor, Painting};
use crate::paint::flow::FlowEstimator;
use crate::paint::painter::{self, PaintParams, Painter};
use crate::paint::stabilize::TemporalStabilizer;
use crate::paint::style_spec::StyleSpec;
use crate::paint::subject::Cutout;
use crate::paint::subject::finder::SubjectFinder;
use crate::paint::subject::steady::MaskStabilizer;
use crate::time::FrameTime;
use crate::warp::features::EncoderChoice;
use crate::warp::field::WarpField;
use crate::warp::matcher::Matcher;
use crate::warp::regularize::FieldSolver;
use crate::warp::remap::{CpuRemap, GpuRemap};

/// What is painted with.
const TEXTURE: &str = "starry-night";
const SIDE: usize = 1024;
/// Sizes of the frames that stages are measured on.
const SIZES: [Size; 2] = [Size { width: 640, height: 360 }, Size { width: 1280, height: 720 }];

const ENCODERS: [(EncoderChoice, &str); 2] =
    [(EncoderChoice::Reference, "reference"), (EncoderChoice::Fast, "fast")];

/// One line of the report.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Timing {
    /// Stage or network, and frame size where it matters.
    pub name: String,
    /// Median milliseconds.
    pub millis: f64,
    /// Achieved over peak FLOP/s, for networks.
    pub share_of_peak: Option<f64>,
}

/// What was measured.
#[derive(Debug, Clone, serde::Serialize)]
pub struct BenchReport {
    /// What the networks ran on.
    pub device: &'static str,
    /// The machine's GEMM peak, GFLOP/s.
    pub peak: f64,
    /// In the order of the pipeline.
    pub timings: Vec<Timing>,
    /// How many times faster a frame is analysed with the fast encoder.
    pub fast_over_reference: f64,
    /// How many times faster the painter is than the other network, at 640x360.
    pub painter_over_peer: Option<f64>,
    /// A film, end to end.
    pub film: Option<FilmTiming>,
}

/// Measures every stage with the look's exemplar, `runs` times each; and, if given,
/// another painting network (a file) against ours, and a film end to end.
///
/// # Errors
/// Returns an error if a network or the device cannot be had.
pub fn run(
    look: &Look,
    setup: &EngineConfig,
    runs: usize,
    [against, film]: [Option<&Path>; 2],
) -> Result<BenchReport> {
    let film = film.map(|path| film::run(path, look, setup)).transpose()?;
    let models = Models::find(setup.models.as_deref())?;
    let runtime = Runtime::load(setup.device)?;
    let mut bench = Bench { runs: runs.max(1), peak: 0.0, timings: Vec::new(), analyses: (0.0, 0.0) };
    bench.peak = bench.gemm_peak(&runtime)?;

    let textured = picture(Size { width: 256, height: 256 });
    let planes: Vec<_> = (0..3)
        .flat_map(|c| textured.pixels.iter().skip(c).step_by(4).map(|value| f32::from(*value) / 255.0))
        .collect();
    for (choice, name) in ENCODERS {
        let mut encoder = models.network(choice.file(runtime.device()), &runtime)?;
        bench.network(&format!("encode, {name}"), &mut encoder, &[(&[1, 3, 256, 256], &planes)])?;
    }
    let mut warper = models.network("warper.onnx", &runtime)?;
    let shape: Vec<_> = warper.spec().inputs[0].shape.iter().map(|&side| side.max(1) as usize).collect();
    let features = vec![0.06; shape.iter().product()];
    bench.network("match", &mut warper, &[(&shape, &features), (&shape, &features)])?;
    for size in SIZES {
        bench.stages(size, look, &models, &runtime)?;
    }
    let painter_over_peer = against.map(|path| bench.peer(path, &models, &runtime)).transpose()?;
    let (slow, fast) = bench.analyses;
    Ok(BenchReport {
        device: runtime.device().name(),
        peak: bench.peak,
        timings: bench.timings,
        fast_over_reference: slow / fast,
        painter_over_peer,
        film,
    })
}

impl BenchReport {
    /// As a table.
    pub fn table(&self) -> String {
        let mut text =
            format!("GEMM peak through ONNX Runtime on {}: {:.0} GFLOP/s\n", self.device, self.peak);
        for Timing { name, millis, share_of_peak } in &self.timings {
            text += &format!("{name:<28}{millis:>9.2} ms");
            if let Some(share) = share_of_peak {
                text += &format!("{:>7.0} % of peak", share * 100.0);
            }
            text.push('\n');
        }
        text += &format!("analysing with the fast encoder is {:.1} times faster\n", self.fast_over_reference);
        if let Some(times) = self.painter_over_peer {
            text += &format!("our painter's network is {times:.1} times faster than the other\n");
        }
        if let Some(film) = &self.film {
            text += &format!("{film}\n");
        }
        text
    }
}

struct Bench {
    runs: usize,
    peak: f64,
    timings: Vec<Timing>,
    /// Milliseconds of the last whole analyses, reference and fast.
    analyses: (f64, f64),
}

impl Bench {
    fn gemm_peak(&self, runtime: &Runtime) -> Result<f64> {
        let mut gemm = Network::from_bytes("gemm.onnx", GEMM_MODEL, runtime)?;
        let matrix = vec![0.5; SIDE * SIDE];
        let shape: &[usize] = &[SIDE, SIDE];
        let millis = self.median(|| gemm.run(&[(shape, &matrix), (shape, &matrix)], |_| ()))?;
        Ok(2.0 * (SIDE * SIDE * SIDE) as f64 / millis / 1e6)
    }

    fn stages(&mut self, size: Size, look: &Look, models: &Models, runtime: &Runtime) -> Result<()> {
        let frame = picture(size);
        let exemplar = look.geometry.clone().unwrap_or_else(|| image::RgbImage::new(256, 256));
        let mut millis = [0.0; ENCODERS.len()];
        let mut last = None;
        for ((choice, name), millis) in ENCODERS.into_iter().zip(&mut millis) {
            let mut warper = Matcher::new(models, runtime, choice, &exemplar, size.aspect())?;
            *millis = self.median(|| warper.run(&frame).map(drop))?;
            self.push(format!("analyse {size}, {name}"), *millis, None);
            last = Some((warper.exemplar_aspect(), warper.run(&frame)?));
        }
        self.analyses = (millis[0], millis[1]);
        let Some((exemplar_aspect, found)) = last else { return Err(Error::NothingToShow) };
        let aligner =
            FieldSolver { align: look.align, strength: 1.0, exemplar_aspect, frame_aspect: size.aspect() };
        let posed = aligner.decompose(&found);
        self.time(format!("align {size}"), || {
            aligner.run(&posed);
            Ok(())
        })?;

        let field = bend();
        let mut remap = CpuRemap::default();
        self.time(format!("warp {size}, CPU"), || {
            remap.run(&frame, &field);
            Ok(())
        })?;
        if let Some(gpu) = Gpu::real() {
            let mut remap = GpuRemap::new(gpu)?;
            self.time(format!("warp {size}, GPU"), || remap.run(&frame, &field).map(drop))?;
        }

        let mut tracker = FlowEstimator::default();
        let mut film = frame.clone();
        let mut motion = None;
        self.time(format!("track {size}"), || {
            // Always the next frame of a film that pans by three pixels: of one that stands still,
            // every search would end at once.
            film.time = film.time + FrameTime::from_secs_f64(0.04);
            film.pixels.rotate_left(12);
            motion = tracker.run(&film);
            Ok(())
        })?;
        let mut painter = Painter::new(models, runtime, StyleSpec::named(TEXTURE).style(models, runtime)?)?;
        let params = PaintParams { stroke: 1.0, lines: Some(size.height), relief: look.relief };
        let macs = painter.macs(size, params.lines);
        let millis = self.median(|| painter.run(&frame, params, motion.as_ref()).map(drop))?;
        self.push(format!("paint {size}"), millis, Some(macs));
        let mut finder = SubjectFinder::new(Some(models.folder().to_owned()), runtime.device());
        let Some(mask) = finder.run(&frame, None)? else { return Err(Error::NothingToShow) };
        let (mut still, mut cut) = (MaskStabilizer::default(), None);
        self.time(format!("find the subject {size}"), || finder.run(&frame, None).map(drop))?;
        self.time(format!("hold its mask {size}"), || {
            cut = Some(still.run(&frame, mask.clone(), motion.as_ref())?);
            Ok(())
        })?;
        if let Some((of, mut pixels)) = cut {
            // A subject that fills the middle third, with an outline down the whole picture.
            pixels.chunks_exact_mut(4).enumerate().for_each(|(k, pixel)| {
                let x = k as u32 % of.width * 3 / of.width;
                pixel[3] = if x == 1 { 255 } else { 0 };
            });
            let mut compositor = CpuCompositor::default();
            let cutout = Cutout { size: of, pixels, paint: [1.0, 0.0], behind: None };
            let (painting, mix) =
                (Painting::untouched(&frame), BlendParams { strength: 1.0, colors: Colors::Paint });
            self.time(format!("finish along its mask {size}"), || {
                compositor.run(frame.clone(), &painting, mix, Some(&cutout));
                Ok(())
            })?;
        }
        let mut steady = TemporalStabilizer::default();
        let mut painting = Painting::untouched(&frame);
        self.time(format!("steady {size}"), || {
            steady.run(&frame, &mut painting, motion.as_ref(), 1.0);
            Ok(())
        })
    }

    /// The bare networks, ours and theirs, on one frame.
    fn peer(&mut self, path: &Path, models: &Models, runtime: &Runtime) -> Result<f64> {
        let size = Size { width: 640, height: 360 };
        let mut millis = [0.0; 2];
        let ours = models.folder().join(painter::NETWORK);
        for (network, millis) in [ours.as_path(), path].into_iter().zip(&mut millis) {
            let mut peer = Peer::open(network, size, runtime)?;
            *millis = self.median(|| peer.run())?;
            self.push(
                format!("network alone, {}", network.file_name().unwrap_or_default().display()),
                *millis,
                None,
            );
        }
        Ok(millis[1] / millis[0])
    }

    fn network(&mut self, name: &str, network: &mut Network, inputs: &[Input<'_>]) -> Result<()> {
        let millis = self.median(|| network.run(inputs, |_| ()))?;
        let macs = network.spec().macs.map(|macs| macs as f64);
        self.push(name.into(), millis, macs);
        Ok(())
    }

    fn time(&mut self, name: String, work: impl FnMut() -> Result<()>) -> Result<()> {
        let millis = self.median(work)?;
        self.push(name, millis, None);
        Ok(())
    }

    fn push(&mut self, name: String, millis: f64, macs: Option<f64>) {
        let share_of_peak = macs.map(|macs| 2.0 * macs / millis / 1e6 / self.peak);
        self.timings.push(Timing { name, millis, share_of_peak });
    }

    /// Median milliseconds, after two runs that warm caches and pools up.
    fn median(&self, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
        work()?;
        work()?;
        let mut millis = Vec::with_capacity(self.runs);
        for _ in 0..self.runs {
            let began = Instant::now();
            work()?;
            millis.push(began.elapsed().as_secs_f64() * 1e3);
        }
        millis.sort_by(f64::total_cmp);
        Ok(millis[millis.len() / 2])
    }
}

/// Smooth shades with fine detail over them.
fn picture(size: Size) -> Frame {
    let mut frame = Frame::filled(size, FrameTime::ZERO, [0, 0, 0, 255]);
    for (k, pixel) in frame.pixels.chunks_exact_mut(4).enumerate() {
        let (x, y) = (k as u32 % size.width, k as u32 / size.width);
        pixel[0] = (x * 255 / size.width) as u8;
        pixel[1] = (y * 255 / size.height) as u8;
        pixel[2] = ((x ^ y) & 0xff) as u8;
    }
    frame
}

/// A warp as strong as looks get: up to a tenth of the frame, with places that
/// shrink and need several taps.
fn bend() -> WarpField {
    const SIDE: usize = 32;
    let wave = |k: usize| {
        let (x, y) = ((k % SIDE) as f32 / SIDE as f32, (k / SIDE) as f32 / SIDE as f32);
        [0.1 * (6.0 * y).sin(), 0.1 * (6.0 * x).cos()]
    };
    let field = WarpField::new(SIDE, SIDE, (0..SIDE * SIDE).map(wave).collect());
    field.unwrap_or_else(|| WarpField::identity(SIDE, SIDE)).unfold()
}
