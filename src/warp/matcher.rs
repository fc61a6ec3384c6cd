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
//! subject (`tracker`), and scenes are told apart here ([`crate::warp::shots`]), where the features are.
//! Where a scene begins, all of the frame is searched ([`crate::warp::search`]).

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
use crate::warp::grid::{CELLS, Correspondence, Features, FrameMatch, GRID, Transition, centre};
use crate::warp::roi::Roi;
use crate::warp::search::Focus;
use crate::warp::shots::ShotDetector;
use crate::warp::similarity::Decomposition;
use crate::warp::tracker::Tracker;

mod looks;

/// Looks at a subject in one frame, each closer.
const LOOKS: usize = 2;

/// Encoder and warp network, for one exemplar.
pub struct Matcher {
    encoder: Encoder,
    network: Network,
    exemplar: Features,
    exemplar_aspect: f32,
    frame_aspect: f32,
    cuts: ShotDetector,
    focus: Focus,
    /// As many as the focus allows.
    trackers: Vec<Tracker>,
    /// The window through which the last frame was seen, and so the one in which a cut is told: the first tracker's,
    /// unless that has moved since.
    cut_view: Roi,
    /// Whether all of the next frame is searched.
    is_new: bool,
    /// When a further subject was last looked for, and through how many windows so far.
    probed: (FrameTime, usize),
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
            focus: Focus::default(),
            trackers: vec![Tracker::default(); Focus::default().subjects()],
            cut_view: Roi::FULL,
            is_new: true,
            probed: (FrameTime::ZERO, 0),
            complained: false,
        })
    }

    /// Follows other subjects from now on.
    pub fn set_focus(&mut self, focus: Focus) {
        if focus != std::mem::replace(&mut self.focus, focus) {
            self.begin_anew();
        }
    }

    /// Looks for another exemplar from now on, anywhere in the frame.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime fails.
    pub fn set_exemplar(&mut self, exemplar: &RgbImage) -> Result<()> {
        let size = Size { width: exemplar.width(), height: exemplar.height() };
        self.exemplar = self.encoder.run(Pixels { bytes: exemplar.as_raw(), size }, Roi::FULL)?;
        self.exemplar_aspect = size.aspect();
        self.begin_anew();
        Ok(())
    }

    /// Frames have this width over height from now on.
    pub fn set_frame_aspect(&mut self, aspect: f32) {
        self.frame_aspect = aspect;
        self.begin_anew();
    }

    fn begin_anew(&mut self) {
        self.trackers = vec![Tracker::default(); self.focus.subjects()];
        self.is_new = true;
    }

    /// Whether the scene before the last break might resume at `time`.
    pub fn is_unsettled(&self, time: FrameTime) -> bool {
        self.cuts.may_resume(time)
    }

    /// Width over height of the exemplar.
    pub fn exemplar_aspect(&self) -> f32 {
        self.exemplar_aspect
    }

    /// Matches the exemplar's cells in a frame, for every subject that is followed.
    ///
    /// A network that answers with something that is not a number is overruled
    /// by its last good answer (at first: nothing matches), and logged once.
    ///
    /// # Errors
    /// Returns an error if ONNX Runtime fails.
    pub fn run(&mut self, frame: &Frame) -> Result<FrameMatch> {
        self.run_after(frame, None)
    }

    /// The same for a frame of a film of which every picture is seen, so that hard cuts are known.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_after(&mut self, frame: &Frame, change: Option<Change>) -> Result<FrameMatch> {
        let (pixels, time) = (Pixels { bytes: &frame.pixels, size: frame.size }, frame.time);
        let (scene, mut features) = self.scene(pixels, time, change)?;
        if std::mem::take(&mut self.is_new) {
            self.search(pixels, time)?;
        } else {
            self.probe(pixels, time)?;
        }
        if self.trackers[0].view != self.cut_view {
            features = self.look_anew(pixels, time)?;
        }
        let mut subjects = vec![self.follow(0, features, pixels, time)?];
        for k in 1..self.trackers.len() {
            subjects.push(if self.trackers[k].is_idle() {
                Correspondence::nothing()
            } else {
                let features = self.encoder.run(pixels, self.trackers[k].view)?;
                self.follow(k, features, pixels, time)?
            });
        }
        self.part_twins();
        Ok(FrameMatch { subjects, scene })
    }

    /// Tells how the frame follows, and what that means for what is followed; its features through [`Self::cut_view`].
    fn scene(
        &mut self,
        pixels: Pixels<'_>,
        time: FrameTime,
        change: Option<Change>,
    ) -> Result<(Transition, Features)> {
        let mut features = self.encoder.run(pixels, self.cut_view)?;
        let view_before = self.trackers[0].view_before();
        let as_before = if self.cuts.may_resume(time) {
            self.encoder.run(pixels, view_before)?
        } else {
            features.clone()
        };
        let scene = self.cuts.run(time, &features, &as_before, change);
        match scene {
            Transition::None => {}
            Transition::FlashEnd => {
                (self.cut_view, features) = (view_before, as_before);
                self.trackers.iter_mut().for_each(|tracker| tracker.resume(time));
                self.is_new = false;
            }
            Transition::Cut | Transition::HardCut => {
                tracing::debug!("the scene breaks at {time}");
                // Of several breaks in a row, what was before the first is what to go back to.
                let is_first = self.cuts.broke_at() == Some(time);
                self.trackers.iter_mut().for_each(|tracker| tracker.break_off(is_first));
                self.is_new = true;
            }
        }
        Ok((scene, features))
    }

    fn decompose(&self, found: &Correspondence) -> Decomposition {
        Decomposition::from_match(found, self.exemplar_aspect, self.frame_aspect)
    }

    /// The frame as the first tracker sees it, which is what the next frame is compared with.
    fn look_anew(&mut self, pixels: Pixels<'_>, time: FrameTime) -> Result<Features> {
        self.cut_view = self.trackers[0].view;
        let features = self.encoder.run(pixels, self.cut_view)?;
        self.cuts.looks_like(time, features.clone());
        Ok(features)
    }

    /// Matches a tracker's subject, through another window if it has moved.
    fn follow(
        &mut self,
        k: usize,
        mut features: Features,
        pixels: Pixels<'_>,
        time: FrameTime,
    ) -> Result<Correspondence> {
        let aspects = [self.exemplar_aspect, self.frame_aspect];
        let mut looks = LOOKS;
        loop {
            let view = self.trackers[k].view;
            let answer = self.matches(&features, view)?;
            if answer.is_none() && !std::mem::replace(&mut self.complained, true) {
                tracing::warn!("the warp network gave no numbers at {time}; its last field is kept");
            }
            let tracker = &mut self.trackers[k];
            let mut found = tracker.or_previous(answer);
            let judged = tracker.judge(&mut found, aspects, time);
            looks -= 1;
            if looks == 0 || !view.outside_hysteresis(&judged.view) {
                // Once it is lost, any other may be followed.
                self.is_new |= tracker.remember(judged.seen, time) && k == 0;
                return Ok(found);
            }
            tracing::debug!("looks elsewhere at {time}: {:?}", judged.view);
            tracker.view = judged.view;
            let is_first = k == 0;
            features = if is_first {
                self.look_anew(pixels, time)?
            } else {
                self.encoder.run(pixels, judged.view)?
            };
        }
    }

    /// The warp network's answer; `None` if it is not made of numbers.
    fn matches(&mut self, features: &Features, view: Roi) -> Result<Option<Correspondence>> {
        let shape = self.encoder.shape();
        let inputs = [(&shape[..], &features[..]), (&shape[..], &self.exemplar[..])];
        self.network.run(&inputs, |outputs| {
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
            })
        })
    }
}
