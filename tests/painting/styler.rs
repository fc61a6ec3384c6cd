//! `styler.onnx` against losses and gradients that PyTorch's autograd made
//! (`models/train/styler.py --check`), and the optimiser on top of it.

use safetensors::SafeTensors;
use stylewarp::assets;
use stylewarp::nn::network::{Input, Network};
use stylewarp::paint::optimize::{Recipe, Statistics, Step, StyleOptimizer};
use stylewarp::paint::painter::{PaintParams, Painter};
use stylewarp::paint::style::Style;

use crate::kit::{difference, frame, models, runtime};

const GOLDEN: &[u8] = include_bytes!("../data/styler.safetensors");

struct Golden(SafeTensors<'static>);

impl Golden {
    fn get(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        let tensor = self.0.tensor(name).expect(name);
        let floats = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        (tensor.shape().to_vec(), floats.collect())
    }
}

/// The network's outputs for an image, against what it said of two others.
fn outputs(
    network: &mut Network,
    image: &(Vec<usize>, Vec<f32>),
    against: Option<[&[Vec<f32>]; 2]>,
    weights: &[f32],
    centred: f32,
) -> Vec<Vec<f32>> {
    let content_shape = vec![1, 512, image.0[2] / 8, image.0[3] / 8];
    let zeros = |shape: &[usize]| vec![0.0; shape.iter().product()];
    let style_shapes: Vec<Vec<usize>> = network.spec().inputs[4..]
        .iter()
        .map(|input| input.shape.iter().map(|side| *side as usize).collect())
        .collect();
    let content = against.map_or_else(|| zeros(&content_shape), |[photo, _]| photo[2].clone());
    let style: Vec<Vec<f32>> = match against {
        Some([_, painting]) => painting[3..].to_vec(),
        None => style_shapes.iter().map(|shape| zeros(shape)).collect(),
    };
    let centred = [centred];
    let mut inputs: Vec<Input<'_>> =
        vec![(&image.0, &image.1), (&content_shape, &content), (&[3], weights), (&[1], &centred)];
    inputs.extend(style_shapes.iter().zip(&style).map(|(shape, values)| (&shape[..], &values[..])));
    network.run(&inputs, |outputs| outputs.iter().map(|output| output.to_vec()).collect()).expect("it runs")
}

/// |a - b| / |b|.
fn relative(a: &[f32], b: &[f32]) -> f32 {
    let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|v| v * v).sum::<f32>().sqrt();
    norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied())
}

#[test]
fn losses_and_gradients_are_those_of_autograd() {
    let golden = Golden(SafeTensors::deserialize(GOLDEN).expect("in the repository"));
    let mut network = models().network("styler.onnx", &runtime()).expect("it opens");
    let weights = golden.get("weights").1;
    for (name, centred) in [("gram", 0.0), ("centred", 1.0)] {
        let [image, photo, painting] = ["image", "photo", "painting"].map(|name| golden.get(name));
        let [photo, painting] =
            [photo, painting].map(|picture| outputs(&mut network, &picture, None, &weights, centred));
        let against = Some([&photo[..], &painting[..]]);
        let found = outputs(&mut network, &image, against, &weights, centred);
        let (terms, gradient) =
            (golden.get(&format!("{name}.terms")).1, golden.get(&format!("{name}.gradient")).1);
        assert!(relative(&found[0], &terms) < 1e-4, "{name}: {:?} {terms:?}", found[0]);
        assert!(relative(&found[1], &gradient) < 1e-3, "{name}: off by {}", relative(&found[1], &gradient));
        // Negative control: one weight a little different.
        let off =
            outputs(&mut network, &image, against, &[weights[0] * 1.1, weights[1], weights[2]], centred);
        assert!(relative(&off[1], &gradient) > 1e-3, "{name}");
    }
}

/// Steps of a short optimisation, and the picture it ends in.
fn optimised(statistics: Statistics) -> (Vec<Step>, f64) {
    let recipe = Recipe { scales: vec![32, 64], iterations: 12, statistics, ..Recipe::default() };
    let painting = assets::painting("scream").expect("the program's own");
    let mut styler = StyleOptimizer::new(&models(), &runtime(), painting, recipe).expect("it opens");
    let photo = frame("sleeping-gypsy", 101, 67, 0);
    let mut steps = Vec::new();
    let done = styler.run(&photo, None, |step| steps.push(step)).expect("it runs");
    assert_eq!(done.size.to_string(), "96x64", "the finest scale asked for");
    assert_eq!(done.painted.len(), done.size.rgba_bytes());
    let seen = done.guide.expect("it is smaller than the photo");
    (steps, difference(&done.painted, &seen))
}

#[test]
fn the_optimiser_brings_the_style_down_at_every_scale() {
    for statistics in [Statistics::Gram, Statistics::Moments] {
        let (steps, moved) = optimised(statistics);
        assert!(steps.iter().map(|step| step.done).eq(1..=24), "every step is told");
        for scale in steps.chunks(12) {
            assert!(scale[11].style < 0.6 * scale[0].style, "{statistics:?}: {scale:?}");
        }
        assert_eq!((steps[0].lines, steps[23].lines, steps[0].steps), (32, 64, 24));
        assert!(moved > 10.0, "{statistics:?}: the picture changed by {moved}");
    }
}

#[test]
fn a_painting_to_begin_with_is_most_of_the_way() {
    let painting = assets::painting("scream").expect("the program's own");
    let photo = frame("sleeping-gypsy", 101, 67, 0);
    let scream = Style::tuned(&models(), "scream").expect("readable").expect("tuned");
    let mut painter = Painter::new(&models(), &runtime(), scream).expect("it opens");
    let painted = painter.run(&photo, PaintParams { stroke: 1.0, lines: Some(64) }, None).expect("it paints");
    let recipe = Recipe { scales: vec![64], iterations: 8, ..Recipe::improving() };
    let mut styler = StyleOptimizer::new(&models(), &runtime(), painting, recipe).expect("it opens");
    let mut objectives = |start| {
        let mut found = Vec::new();
        let told = |step: Step| found.push(step.content + 5.0 * step.style);
        let done = styler.run(&photo, start, told).expect("it runs");
        assert_eq!(done.size, painted.size);
        (found[0], found[7])
    };
    let (photo_first, photo_last) = objectives(None);
    let (first, last) = objectives(Some(&painted));
    assert!(first < 0.8 * photo_first, "begun with the painting {first}, with the photo {photo_first}");
    assert!(last < 0.8 * first && last < photo_last, "{first} to {last}, with the photo {photo_last}");
}
