//! The painter: its styles, and how still it holds.

use stylewarp::frame::{Frame, Size};
use stylewarp::nn::error::NetworkError;
use stylewarp::paint::flow::FlowEstimator;
use stylewarp::paint::painter::{PaintParams, Painter};
use stylewarp::paint::style::{self, Style};
use stylewarp::time::FrameTime;

use crate::kit::{difference, frame, models, runtime};
use crate::quality::judge;

/// A painter, and what tells it how the picture moved.
struct Easel {
    tracker: FlowEstimator,
    painter: Painter,
    params: PaintParams,
}

impl Easel {
    fn new(name: &str, stroke: f32) -> Self {
        let style = Style::tuned(&models(), name).expect("readable").expect(name);
        let painter = Painter::new(&models(), &runtime(), style).expect("it opens");
        Self {
            tracker: FlowEstimator::default(),
            painter,
            params: PaintParams { stroke, lines: None, relief: 0.0 },
        }
    }

    fn paint(&mut self, frame: &Frame) -> Vec<u8> {
        let motion = self.tracker.run(frame);
        let painting = self.painter.run(frame, self.params, motion.as_ref()).expect("painted");
        assert_eq!((painting.size, painting.painted.len()), (frame.size, frame.size.rgba_bytes()));
        painting.painted.to_vec()
    }
}

#[test]
fn there_are_many_styles_and_every_pair_differs() {
    let names = style::tuned_names(&models());
    assert!(names.len() >= 12, "{names:?}");
    let photo = frame("apples", 128, 96, 0);
    let painted: Vec<_> = names.iter().map(|name| Easel::new(name, 1.0).paint(&photo)).collect();
    for (k, one) in painted.iter().enumerate() {
        println!("{}", names[k]);
        judge("painting.changes", difference(one, &photo.pixels));
        for (l, other) in painted.iter().enumerate().skip(k + 1) {
            println!("{} and {}", names[k], names[l]);
            judge("painting.styles-differ", difference(one, other));
        }
    }
}

#[test]
fn strokes_have_a_size() {
    let photo = frame("apples", 320, 256, 0);
    let [small, large] = [0.5, 2.0].map(|stroke| Easel::new("starry-night", stroke).paint(&photo));
    judge("painting.strokes-have-a-size", difference(&small, &large));
}

/// The picture with noise of the size a webcam has.
fn noisy(frame: &Frame, seed: u64, millis: u64) -> Frame {
    let mut state = seed;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 60) as i16 - 7
    };
    let pixels = frame.pixels.iter().map(|value| (i16::from(*value) + noise() / 2).clamp(0, 255) as u8);
    Frame { size: frame.size, time: FrameTime::from_secs_f64(millis as f64 / 1e3), pixels: pixels.collect() }
}

#[test]
fn noise_does_not_boil() {
    let scene = frame("girls-at-the-piano", 240, 320, 0);
    let frames: Vec<_> = (1..6).map(|k| noisy(&scene, k, k * 40)).collect();
    let mean = |pictures: &[&[u8]]| {
        pictures.windows(2).map(|pair| difference(pair[0], pair[1])).sum::<f64>()
            / (pictures.len() - 1) as f64
    };
    let before = mean(&frames.iter().map(|frame| &frame.pixels[..]).collect::<Vec<_>>());
    let mut easel = Easel::new("great-wave", 1.0);
    let painted: Vec<_> = frames.iter().map(|frame| easel.paint(frame)).collect();
    let after = mean(&painted.iter().map(|pixels| &pixels[..]).collect::<Vec<_>>());
    judge("painting.noise-does-not-boil", after / before);
}

#[test]
fn what_comes_into_the_picture_leaves_the_rest_alone_until_a_cut() {
    let (scene, other) = (frame("apples", 192, 128, 0), frame("shipwreck", 192, 128, 40));
    // A bright bar comes in on the right, in time and after a pause.
    let with_bar = |millis: u64| {
        let mut frame = Frame { time: FrameTime::from_secs_f64(millis as f64 / 1e3), ..scene.clone() };
        for (k, pixel) in frame.pixels.chunks_exact_mut(4).enumerate() {
            if k % 192 >= 180 {
                pixel[..3].copy_from_slice(&[250, 240, 40]);
            }
        }
        frame
    };
    let left = |pixels: &[u8]| -> Vec<u8> {
        pixels
            .chunks_exact(4)
            .enumerate()
            .filter(|(k, _)| k % 192 < 120)
            .flat_map(|(_, p)| p)
            .copied()
            .collect()
    };
    let mut easel = Easel::new("udnie", 1.0);
    let alone = easel.paint(&scene);
    let soon = easel.paint(&with_bar(40));
    let late = easel.paint(&with_bar(5000));
    let (smoothed, not) = (difference(&left(&alone), &left(&soon)), difference(&left(&alone), &left(&late)));
    judge("painting.newcomer-leaves-the-rest", smoothed / not);
    // After a cut nothing of the old scene is left: as if it were the first frame.
    let after_cut = easel.paint(&Frame { time: FrameTime::from_secs_f64(5.04), ..other.clone() });
    let first = Easel::new("udnie", 1.0).paint(&other);
    assert!(after_cut == first, "{}", difference(&after_cut, &first));
}

#[test]
fn every_size_is_painted() {
    let mut easel = Easel::new("scream", 1.0);
    for (width, height) in [(1, 1), (7, 5), (16, 3), (641, 33), (3, 2000)] {
        let size = Size::new(width, height).expect("positive");
        easel.paint(&Frame::filled(size, FrameTime::ZERO, [90, 120, 40, 255]));
    }
}

#[test]
fn a_style_of_another_network_is_refused() {
    let own = Style::tuned(&models(), "scream").expect("readable").expect("tuned");
    let code = own.code(256.0, 1.0);
    for (weights, len) in [(vec![0.0; own.weights_len() - 1], code.len()), (vec![0.0; own.weights_len()], 4)]
    {
        let other = Style::new(weights.into(), vec![0.0; len], vec![0.0; len], None).expect("finite");
        let error = Painter::new(&models(), &runtime(), other).err().expect("refused");
        assert!(matches!(error.downcast_ref(), Some(NetworkError::Mismatch { .. })), "{error}");
    }
}
