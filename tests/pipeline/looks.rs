//! What the tiny networks do to a frame, worked out by hand.

use stylewarp::Error;
use stylewarp::engine::{Engine, EngineConfig, FrameMut, FrameRef, PixelFormat, Stylizer};
use stylewarp::frame::Frame;
use stylewarp::jobs::video::run_file;
use stylewarp::nn::device::Device;
use stylewarp::nn::error::NetworkError;
use stylewarp::time::FrameTime;

use crate::doubles::{Film, SIZE, SheetKind, engine, engine_on, frame, look, looped};
use crate::networks;

#[test]
fn nothing_to_do_needs_no_networks_and_changes_nothing() {
    let nowhere = std::path::PathBuf::from("no/such/folder");
    let (off, shelf) = (look(0.0, 0.0), SheetKind::default());
    let engine = engine_on(nowhere.clone(), &off).expect("no network is looked for");
    run_file(Film::new(5), shelf.clone(), engine, |_| {}).expect("runs");
    assert!(shelf.kept().frames == (0..5).map(frame).collect::<Vec<_>>());
    for on in [look(0.1, 0.0), look(0.0, 0.1)] {
        let error = engine_on(nowhere.clone(), &on).err().expect("networks are needed");
        assert!(matches!(error.downcast_ref(), Some(NetworkError::Missing { .. })), "{error}");
    }
}

/// One colour as painted in a style.
fn painted(rgb: [u8; 3], style: &str, strength: f32) -> [u8; 4] {
    let mut brush = look(0.0, strength);
    brush.texture = Some(style.parse().expect("a texture"));
    let [r, g, b] = rgb;
    let flat = Frame::filled(SIZE, frame(0).time, [r, g, b, 255]);
    let done = engine(&brush).stylize(flat).expect("painted");
    let first = [done.pixels[0], done.pixels[1], done.pixels[2], done.pixels[3]];
    assert!(done.pixels.chunks_exact(4).all(|pixel| pixel == first), "one colour stays one colour");
    first
}

#[test]
fn styles_dye_the_negative() {
    assert_eq!(painted([255, 200, 0], "starry-night", 1.0), [0, 55, 255, 255]);
    assert_eq!(painted([55, 55, 55], "scream", 1.0), [200, 100, 50, 255]);
    assert_eq!(painted([55, 55, 55], "scream", 0.5), [128, 78, 53, 255]);
    assert_eq!(painted([55, 55, 55], "scream", 0.0), [55, 55, 55, 255]);
}

#[test]
fn an_unknown_style_lists_those_there_are() {
    let mut brush = look(0.0, 1.0);
    brush.texture = Some("no-such".parse().expect("a texture"));
    let error = engine_on(networks::tiny(), &brush).err().expect("refused");
    let Error::TextureMissing { available, .. } = &error else { panic!("{error}") };
    // Tuned, or a painting that the program carries and can predict a style of.
    for name in ["faint", "scream", "sunflowers"] {
        assert_eq!(available.iter().filter(|known| *known == name).count(), 1, "{name} in {available:?}");
    }
}

#[test]
fn a_warp_moves_the_picture_and_keeps_its_colours() {
    let flat = Frame::filled(SIZE, frame(0).time, [10, 20, 30, 255]);
    let done = engine(&look(1.0, 0.0)).stylize(flat.clone()).expect("warped");
    assert!(done == flat, "there is nothing to move in one colour");
    let done = engine(&look(1.0, 0.0)).stylize(frame(3)).expect("warped");
    assert_ne!(done.pixels, frame(3).pixels);
}

/// A film of one picture, grey in the middle of it where asked for.
fn still_film(grey: Option<u64>) -> impl Iterator<Item = Frame> {
    (0..12).map(move |n| match grey {
        Some(at) if at == n => Frame::filled(SIZE, frame(n).time, [90, 90, 90, 255]),
        _ => Frame { time: frame(n).time, ..frame(0) },
    })
}

/// An engine whose warper answers "not a number" to grey frames.
fn engine_that_fears_grey() -> Engine {
    let models = networks::Copy::new();
    models.replace("warper.onnx", &networks::substitute("nan_warper.onnx"));
    engine_on(models.folder().into(), &look(1.0, 0.0)).expect("it opens")
}

/// The largest difference of two frames' pixels.
fn difference(a: &Frame, b: &Frame) -> u8 {
    let pairs = a.pixels.iter().zip(&b.pixels);
    pairs.map(|(a, b)| a.abs_diff(*b)).max().expect("some pixels")
}

#[test]
fn a_frame_without_an_answer_borrows_the_last_and_spoils_no_other() {
    let good = looped(engine(&look(1.0, 0.0)), still_film(None));
    let hurt = looped(engine_that_fears_grey(), still_film(Some(6)));
    assert_eq!(hurt.len(), 12);
    for (n, (good, hurt)) in good.iter().zip(&hurt).enumerate().filter(|(n, _)| *n != 6) {
        assert!(difference(good, hurt) <= 1, "frame {n}");
        assert!(difference(hurt, &frame(0)) > 20, "frame {n} is warped at all");
    }
}

#[test]
fn a_warper_without_a_single_answer_bends_nothing_and_fails_nothing() {
    let striped = |n| {
        let mut frame = Frame::filled(SIZE, frame(n).time, [255; 4]);
        for (k, pixel) in frame.pixels.chunks_exact_mut(4).enumerate() {
            pixel[..3].fill(if k / 7 % 2 == 0 { 200 } else { 40 });
        }
        frame
    };
    let untouched = looped(engine_that_fears_grey(), (0..12).map(striped));
    assert!(untouched == (0..12).map(striped).collect::<Vec<_>>());
    let warped = looped(engine(&look(1.0, 0.0)), (0..12).map(striped));
    assert!(warped != untouched, "a warper in its right mind bends it");
}

#[test]
fn frames_of_the_callers_own_layout_are_redrawn_in_its_own_buffer() {
    let mut brush = look(0.0, 1.0);
    brush.texture = Some("starry-night".parse().expect("a texture"));
    let config =
        EngineConfig { models: Some(networks::tiny()), device: Device::Cpu, ..EngineConfig::default() };
    let mut stylizer =
        Stylizer::builder().look(brush).config(config).build().expect("the tiny networks load");
    let (width, height) = (SIZE.width, SIZE.height);
    let input = [50, 100, 255].repeat(SIZE.pixels());
    let mut output = vec![0; SIZE.rgba_bytes()];
    for (frame, paint, drawn) in [(0, 1.0, [0, 155, 205, 255]), (1, 0.0, [255, 100, 50, 255])] {
        let time = FrameTime::from_secs_f64(f64::from(frame) * 0.04);
        let from =
            FrameRef::new(width, height, PixelFormat::Rgb8, width as usize * 3, &input, time).expect("whole");
        let stride = width as usize * 4;
        let mut to = FrameMut::new(width, height, PixelFormat::Bgra8, stride, &mut output).expect("whole");
        let mut params = stylizer.params();
        params.paint = paint;
        stylizer.set_params(params);
        stylizer.process(from, &mut to).expect("drawn");
        assert!(output.chunks_exact(4).all(|pixel| pixel == drawn), "{:?} is not {drawn:?}", &output[..4]);
    }
}
