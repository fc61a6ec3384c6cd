//! The graph that tunes a painter against what PyTorch's autograd makes of the same step
//! (`models/train/tuner.py --check`), and tuning on top of it.

use safetensors::SafeTensors;
use stylewarp::assets;
use stylewarp::nn::network::{Input, Network};
use stylewarp::paint::tune::Tuner;
use stylewarp::paint::tune::part::Part;

use crate::kit::{models, runtime};

const GOLDEN: &[u8] = include_bytes!("../data/tuner.safetensors");
/// Every so many of the weights' slopes are in it.
const SHOWN: usize = 29;
/// Patch, crop and the room between them, in pixels; side of a square that holds still, and of the window it comes from.
const PATCH: usize = 256;
const CROP: usize = 192;
const ROOM: usize = 32;
const STEADY: usize = 6;
const WINDOW: usize = 12;

type Tensor = (Vec<usize>, Vec<f32>);

fn golden(name: &str) -> Vec<f32> {
    let tensors = SafeTensors::deserialize(GOLDEN).expect("in the repository");
    let tensor = tensors.tensor(name).expect(name);
    match tensor.dtype() {
        safetensors::Dtype::U8 => tensor.data().iter().map(|value| f32::from(*value)).collect(),
        _ => tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
    }
}

/// -1 to 1 by a hash of the place, as in `tuner_check.py`.
fn uniform(seed: u32, count: usize) -> Vec<f32> {
    let value = |place: u32| {
        let mut hash = place.wrapping_mul(0x9e37_79b1) ^ (seed << 28);
        hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
        hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
        hash ^= hash >> 16;
        (hash >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count as u32).map(value).collect()
}

/// The made-up inputs of `tuner_check.py`, in the network's order.
fn inputs(network: &Network) -> Vec<Tensor> {
    let picture = golden("picture");
    let pixel =
        |channel: usize, y: usize, x: usize| picture[(channel * PATCH + y) / 4 * (PATCH / 4) + x / 4] / 255.0;
    let planes = |side: usize, at: &dyn Fn(usize, usize, usize) -> f32| -> Vec<f32> {
        (0..3 * side * side).map(|k| at(k / (side * side), k / side % side, k % side)).collect()
    };
    let places =
        |count: usize, all: usize| -> Vec<f32> { (0..count).map(|k| (k * 7919 % all) as f32).collect() };
    let layer = |name: &str| ["relu3_1", "relu4_1", "relu2_1"].iter().position(|layer| name.ends_with(layer));
    let squares = CROP / STEADY;
    network
        .spec()
        .inputs
        .iter()
        .map(|input| {
            let shape: Vec<usize> = input.shape.iter().map(|side| *side as usize).collect();
            let count = shape.iter().product();
            let all = layer(&input.name).map(|k| (CROP / [4, 8, 2][k]).pow(2)).unwrap_or_default();
            let values = match (input.name.as_str(), layer(&input.name)) {
                ("weights", _) => {
                    let (bytes, _) = models().read("painter.bin").expect("in the repository");
                    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
                }
                ("patch", _) => planes(PATCH, &pixel),
                ("next_patch", _) => {
                    planes(PATCH, &|channel, y, x| pixel(channel, y, (x + PATCH - 4) % PATCH))
                }
                ("original", _) => planes(CROP, &|channel, y, x| pixel(2 - channel, y + ROOM, x + ROOM)),
                ("noise", _) => uniform(1, count),
                ("next_noise", _) => uniform(2, count),
                ("content_weight", _) => vec![1.6],
                ("code" | "moments" | "strokes", _) => golden(&input.name),
                ("share", _) => vec![1.0 / (WINDOW * WINDOW) as f32; count],
                ("from", _) => (0..count)
                    .map(|k| {
                        let (square, tap) = (k / (WINDOW * WINDOW), k % (WINDOW * WINDOW));
                        let at = |square: usize, tap: usize| ROOM + STEADY * square + tap - WINDOW / 4;
                        let row = at(square / squares, tap / WINDOW);
                        (row * PATCH + at(square % squares, tap % WINDOW)) as f32
                    })
                    .collect(),
                (name, Some(k)) if name.starts_with("marks") => {
                    let scale = (3.0 / shape[0] as f32).sqrt();
                    uniform(3 + k as u32, count).iter().map(|value| value * scale).collect()
                }
                (name, Some(k)) if name.starts_with("tone") => {
                    uniform(7 + k as u32, count).iter().map(|value| value / 2.0 + 0.5).collect()
                }
                (_, Some(_)) => places(count, all),
                (name, None) => panic!("{name} is not known"),
            };
            (shape, values)
        })
        .collect()
}

fn outputs(network: &mut Network, inputs: &[Tensor]) -> Vec<Vec<f32>> {
    let inputs: Vec<Input<'_>> = inputs.iter().map(|(shape, values)| (&shape[..], &values[..])).collect();
    network.run(&inputs, |outputs| outputs.iter().map(|output| output.to_vec()).collect()).expect("it runs")
}

/// |a - b| / |b|.
fn relative(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|v| v * v).sum::<f32>().sqrt();
    norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied())
}

#[test]
fn terms_and_slopes_are_those_of_autograd() {
    let mut network = models().network("tuner.onnx", &runtime()).expect("it opens");
    let mut inputs = inputs(&network);
    let found = outputs(&mut network, &inputs);
    let slopes = |found: &[Vec<f32>]| -> Vec<f32> { found[1].iter().step_by(SHOWN).copied().collect() };
    for (found, wanted) in found[0].iter().zip(golden("terms")) {
        assert!((found - wanted).abs() < 1e-3 * wanted.abs() + 1e-6, "{found} instead of {wanted}");
    }
    let (own, wanted) = (slopes(&found), golden("gradient"));
    assert!(relative(&own, &wanted) < 1e-3, "by the weights: off by {}", relative(&own, &wanted));
    let off = relative(&found[2], &golden("code_gradient"));
    assert!(off < 1e-3, "by the code: off by {off}");
    // Negative control: the content counts a little more.
    let content = inputs.iter_mut().find(|(shape, _)| shape == &[1]).expect("the weight of the content");
    content.1[0] *= 1.1;
    assert!(relative(&slopes(&outputs(&mut network, &inputs)), &wanted) > 2e-3);
}

/// A photo in a frame: flat, then a moulding that repeats, then the picture.
fn framed(picture: &image::RgbImage, wall: u32, moulding: u32) -> image::RgbImage {
    let (width, height) = picture.dimensions();
    let edge = wall + moulding;
    image::RgbImage::from_fn(width + 2 * edge, height + 2 * edge, |x, y| {
        let (right, below) = (width + 2 * edge - 1 - x, height + 2 * edge - 1 - y);
        let inside = x.min(y).min(right).min(below);
        match inside {
            inside if inside >= edge => *picture.get_pixel(x - edge, y - edge),
            inside if inside >= wall => {
                let light = 120.0 + 70.0 * ((inside - wall) as f32 * 0.6).sin();
                image::Rgb([light as u8, (light * 0.75) as u8, (light * 0.4) as u8])
            }
            _ => image::Rgb([214, 211, 205]),
        }
    })
}

#[test]
fn frames_and_margins_are_left_out() {
    for name in ["skull", "sunflowers", "nafea"] {
        let picture = assets::painting(name).expect("the program's own");
        let (width, height) = picture.dimensions();
        for (wall, moulding) in [(height / 7, 0), (height / 9, height / 9)] {
            let edge = wall + moulding;
            let found = Part::find(&models(), &runtime(), &framed(&picture, wall, moulding)).expect("found");
            let slack = edge / 6 + 8;
            let (right, bottom) = (found.left + found.width, found.top + found.height);
            assert!(
                found.left + slack >= edge && found.top + slack >= edge,
                "{name}: {found} begins before {edge}"
            );
            assert!(right <= edge + width + slack && bottom <= edge + height + slack, "{name}: {found}");
            assert!(
                found.width * 2 > width && found.height * 2 > height,
                "{name}: {found} of {width}x{height}"
            );
        }
    }
}

#[test]
fn tuning_brings_a_painting_nearer_and_goes_on_where_it_was() {
    let painting = assets::painting("scream").expect("the program's own");
    let photos = assets::photos().expect("the program's own");
    let begin = || Tuner::new(&models(), &runtime(), &painting, 300, &photos, 1).expect("it opens");
    let mut tuner = begin();
    let before = tuner.style().expect("finite");
    let steps: Vec<_> = (0..24).map(|k| tuner.step(k as f32 / 24.0).expect("it runs")).collect();
    assert!(steps.iter().map(|step| step.steps).eq(1..=24));
    assert!(steps.iter().all(|step| step.objective.is_finite() && (0.05..1.5).contains(&step.legible)));
    let after = tuner.style().expect("finite");
    assert!(after != before && after.code_len() == before.code_len());
    assert!(steps[23].objective < steps[4].objective, "{:?}", steps);
    // What is drawn at random follows from the seed.
    let mut again = begin();
    assert_eq!(again.step(0.0).expect("it runs").objective, steps[0].objective);
}
