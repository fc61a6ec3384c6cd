//! Finds, for every place of the geometry exemplar, the matching place of the
//! frame: the learned warp of "Learning to Warp for Style Transfer" (Liu, Yang
//! and Hall, CVPR 2021), section 3.
//!
//! Both pictures are encoded (the exemplar once), correlated, and a recurrent
//! network turns the correlation into a field, cell by cell on a 16x16 grid. The
//! field lies on the *exemplar's* grid: a cell is "the left eye" rather than "the
//! place at (0.4, 0.3)". That makes it the right place to smooth in time
//! ([`crate::warp::smoothing`]), before it is fitted to the frame ([`crate::warp::regularize`]).
//!
//! The frame is looked at through a window ([`crate::warp::roi`]) that follows the
//! subject, and scenes are told apart here ([`crate::warp::shots`]), where the features are.

use image::RgbImage;

use crate::error::Result;
use crate::frame::resize::Pixels;
use crate::frame::{Frame, Size};
use crate::nn::error::NetworkError;
use crate::nn::models::Models;
use crate::nn::network::{Network, TensorSpec};
use crate::nn::runtime::Runtime;
use crate::scene_change::Change;
use crate::time::FrameTime;
use crate::warp::features::{Encoder, EncoderChoice};
use crate::warp::grid::{CELLS, Correspondence, FOUND, Features, GRID, Transition, centre};
use crate::warp::roi::Roi;
use crate::warp::shots::ShotDetector;
use crate::warp::similarity::Decomposition;

/// Looks at the first frame of a scene, each closer to the subject.
const SEARCH: usize = 4;
/// Seconds after which the window of a lost subject opens again.
const LOST: f64 = 0.5;

/// Encoder and warp network, for one exemplar.
pub struct Matcher {
    encoder: Encoder,
    network: Network,
    exemplar: Features,
    exemplar_aspect: f32,
    frame_aspect: f32,
    cuts: ShotDetector,
    /// Where it looks, and where it looked before the last break.
    view: Roi,
    view_before: Roi,
    /// When the subject was last found.
    found_at: Option<FrameTime>,
    /// The last good answer.
    previous: Option<Correspondence>,
    complained: bool,
}

impl Matcher {
    /// Loads both networks and encodes the exemplar; `frame_aspect` is the
    /// frame's width over height as shown.
    ///
    /// # Errors
    /// Returns an error if a network cannot be had, or the two do not fit.
    pub fn new(
        models: &Models,
        runtime: &Runtime,
        choice: EncoderChoice,
        exemplar: &RgbImage,
        frame_aspect: f32,
    ) -> Result<Self> {
        let mut encoder = Encoder::open(models, runtime, choice)?;
        let network = models.network("warper.onnx", runtime)?;
        let given = encoder.shape();
        let fits = |taken: &TensorSpec| given.iter().map(|side| *side as i64).eq(taken.shape.iter().copied());
        if let Some(taken) = network.spec().inputs.iter().find(|input| !fits(input)) {
            let path = models.folder().join(choice.file(runtime.device()));
            let expected = format!("features {:?}, as warper.onnx takes them", taken.shape);
            return Err(NetworkError::mismatch(path, expected, format!("features {given:?}")).into());
        }
        let size = Size { width: exemplar.width(), height: exemplar.height() };
        let features = encoder.run(Pixels { bytes: exemplar.as_raw(), size }, Roi::FULL)?;
        Ok(Self {
            encoder,
            network,
            exemplar: features,
            exemplar_aspect: size.aspect(),
            frame_aspect,
            cuts: ShotDetector::default(),
            view: Roi::FULL,
            view_before: Roi::FULL,
            found_at: None,
            previous: None,
            complained: false,
        })
    }

    /// Looks for another exemplar from now on, anywhere in the frame.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime fails.
    pub fn set_exemplar(&mut self, exemplar: &RgbImage) -> Result<()> {
        let size = Size { width: exemplar.width(), height: exemplar.height() };
        self.exemplar = self.encoder.run(Pixels { bytes: exemplar.as_raw(), size }, Roi::FULL)?;
        self.exemplar_aspect = size.aspect();
        (self.view, self.view_before, self.found_at, self.previous) = (Roi::FULL, Roi::FULL, None, None);
        Ok(())
    }

    /// Frames have this width over height from now on.
    pub fn set_frame_aspect(&mut self, aspect: f32) {
        (self.frame_aspect, self.view, self.found_at) = (aspect, Roi::FULL, None);
    }

    /// Whether the scene before the last break might resume at `time`.
    pub fn is_unsettled(&self, time: FrameTime) -> bool {
        self.cuts.may_resume(time)
    }

    /// Width over height of the exemplar.
    pub fn exemplar_aspect(&self) -> f32 {
        self.exemplar_aspect
    }

    /// Matches the exemplar's cells in a frame.
    ///
    /// A network that answers with something that is not a number is overruled
    /// by its last good answer (at first: nothing matches), and logged once.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime fails.
    pub fn run(&mut self, frame: &Frame) -> Result<Correspondence> {
        self.run_after(frame, None)
    }

    /// The same for a frame of a film of which every picture is seen, so that hard cuts are known.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_after(&mut self, frame: &Frame, change: Option<Change>) -> Result<Correspondence> {
        let pixels = Pixels { bytes: &frame.pixels, size: frame.size };
        let mut features = self.encoder.run(pixels, self.view)?;
        let may_resume = self.cuts.may_resume(frame.time);
        let as_before =
            if may_resume { self.encoder.run(pixels, self.view_before)? } else { features.clone() };
        let scene = self.cuts.run(frame.time, &features, &as_before, change);
        match scene {
            Transition::None => {}
            Transition::FlashEnd => (self.view, features) = (self.view_before, as_before),
            Transition::Cut | Transition::HardCut => {
                tracing::debug!("the scene breaks at {}", frame.time);
                // Of several breaks in a row, the window before the first is the one to go back to.
                if self.cuts.broke_at() == Some(frame.time) {
                    self.view_before = self.view;
                }
                (self.view, self.found_at) = (Roi::FULL, None);
                features = self.encoder.run(pixels, self.view)?;
                self.cuts.looks_like(frame.time, features.clone());
            }
        }
        let mut looks = if self.found_at.is_none() { SEARCH } else { 2 };
        loop {
            let found = self.matches(&features, scene, frame.time)?;
            looks -= 1;
            let wanted = self.wanted(&found, frame.time);
            if looks == 0 || !self.view.outside_hysteresis(&wanted) {
                return Ok(found);
            }
            tracing::debug!("looks elsewhere at {time}: {wanted:?}", time = frame.time);
            self.view = wanted;
            features = self.encoder.run(pixels, self.view)?;
            self.cuts.looks_like(frame.time, features.clone());
        }
    }

    /// The window through which the subject should be seen.
    fn wanted(&mut self, found: &Correspondence, time: FrameTime) -> Roi {
        let posed = Decomposition::from_match(found, self.exemplar_aspect, self.frame_aspect);
        if posed.found() >= FOUND {
            self.found_at = Some(time);
            return Roi::around(&posed.pose, self.exemplar_aspect, self.frame_aspect);
        }
        match self.found_at {
            Some(at) if (time - at).as_secs_f64() <= LOST => self.view,
            _ => Roi::FULL,
        }
    }

    fn matches(&mut self, features: &Features, scene: Transition, time: FrameTime) -> Result<Correspondence> {
        let (view, shape) = (self.view, self.encoder.shape());
        let inputs = [(&shape[..], &features[..]), (&shape[..], &self.exemplar[..])];
        let answer = self.network.run(&inputs, |outputs| {
            let (field, confidence) = (outputs[0], outputs[1]);
            let finite = field.iter().chain(confidence).all(|v| v.is_finite());
            let displacement = (0..CELLS).map(|k| {
                let [x, y] = centre(k, GRID);
                let place = view.frame_from_view([x + field[k], y + field[CELLS + k]]);
                [place[0] - x, place[1] - y]
            });
            finite.then(|| Correspondence {
                displacement: displacement.collect(),
                confidence: confidence.iter().map(|c| c.clamp(0.0, 1.0)).collect(),
                scene,
            })
        })?;
        if let Some(found) = answer {
            self.previous = Some(found.clone());
            return Ok(found);
        }
        if !std::mem::replace(&mut self.complained, true) {
            tracing::warn!("the warp network gave no numbers at {time}; its last field is kept");
        }
        Ok(match &self.previous {
            Some(last) => Correspondence { scene, ..last.clone() },
            None => {
                Correspondence { displacement: vec![[0.0; 2]; CELLS], confidence: vec![0.0; CELLS], scene }
            }
        })
    }
}
