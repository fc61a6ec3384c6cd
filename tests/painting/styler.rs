//! The styler's graphs against losses and gradients that PyTorch's autograd made
//! (`models/train/styler.py --check`), and the optimiser on top of them.

use image::RgbImage;
use safetensors::SafeTensors;
use stylewarp::assets;
use stylewarp::nn::network::{Input, Network};
use stylewarp::paint::optimize::{OptimizeParams, Statistics, Step, StyleOptimizer};
use stylewarp::paint::painter::{PaintParams, Painter};
use stylewarp::paint::style::Style;

use crate::kit::{difference, frame, models, runtime};
use crate::quality::judge;

const GOLDEN: &[u8] = include_bytes!("../data/styler.safetensors");

type Tensor = (Vec<usize>, Vec<f32>);

struct Golden(SafeTensors<'static>);

impl Golden {
    fn read() -> Self {
        Self(SafeTensors::deserialize(GOLDEN).expect("in the repository"))
    }

    fn get(&self, name: &str) -> Tensor {
        let tensor = self.0.tensor(name).expect(name);
        let floats = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        (tensor.shape().to_vec(), floats.collect())
    }

    /// Whether terms and gradient are those of an objective.
    fn check(&self, name: &str, [terms, gradient]: [&[f32]; 2]) {
        let wanted = ["terms", "gradient"].map(|part| self.get(&format!("{name}.{part}")).1);
        assert!(relative(terms, &wanted[0]) < 1e-4, "{name}: {terms:?} {:?}", wanted[0]);
        assert!(relative(gradient, &wanted[1]) < 1e-4, "{name}: off by {}", relative(gradient, &wanted[1]));
    }
}

fn outputs(network: &mut Network, inputs: &[Tensor]) -> Vec<Vec<f32>> {
    let inputs: Vec<Input<'_>> = inputs.iter().map(|(shape, values)| (&shape[..], &values[..])).collect();
    network.run(&inputs, |outputs| outputs.iter().map(|output| output.to_vec()).collect()).expect("it runs")
}

/// |a - b| / |b|.
fn relative(a: &[f32], b: &[f32]) -> f32 {
    let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|v| v * v).sum::<f32>().sqrt();
    norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied())
}

#[test]
fn the_neighbours_objective_and_its_gradient_are_those_of_autograd() {
    let golden = Golden::read();
    let mut network = models().network("styler.onnx", &runtime()).expect("it opens");
    let names = ["image", "tone", "neighbours.weights"];
    let mut inputs: Vec<Tensor> = names.iter().map(|name| golden.get(name)).collect();
    for part in ["mean", "target"] {
        inputs.extend((1..=3).map(|layer| golden.get(&format!("{part}{layer}"))));
    }
    let found = outputs(&mut network, &inputs);
    golden.check("neighbours", [&found[0], &found[1]]);
    let mut features = models().network("styler-features.onnx", &runtime()).expect("it opens");
    let mut seen = golden.get("image");
    seen.1.iter_mut().for_each(|value| *value = value.clamp(-0.2, 1.2));
    for (own, apart) in found[2..].iter().zip(outputs(&mut features, &[seen])) {
        assert!(relative(own, &apart) < 1e-5, "both graphs see the same features");
    }
    // Negative control: one weight a little different.
    inputs[2].1[0] *= 1.1;
    let off = outputs(&mut network, &inputs);
    assert!(relative(&off[1], &golden.get("neighbours.gradient").1) > 1e-3);
}

#[test]
fn the_gram_objective_and_its_gradient_are_those_of_autograd() {
    let golden = Golden::read();
    let mut network = models().network("styler-gram.onnx", &runtime()).expect("it opens");
    let squares: Vec<Vec<usize>> = network.spec().inputs[3..]
        .iter()
        .map(|input| input.shape.iter().map(|side| *side as usize).collect())
        .collect();
    let zeros = |shape: Vec<usize>| (shape.clone(), vec![0.0; shape.iter().product()]);
    let weights = golden.get("gram.weights");
    let mut look = |name: &str| {
        let picture = golden.get(name);
        let content = zeros(vec![1, 512, picture.0[2] / 8, picture.0[3] / 8]);
        let mut inputs = vec![picture, content, weights.clone()];
        inputs.extend(squares.iter().cloned().map(zeros));
        outputs(&mut network, &inputs)
    };
    let (photo, painting) = (look("photo"), look("painting"));
    let content = (vec![1, 512, 6, 4], photo[2].clone());
    let mut inputs = vec![golden.get("image"), content, weights.clone()];
    inputs.extend(squares.iter().cloned().zip(painting[3..].iter().cloned()));
    let found = outputs(&mut network, &inputs);
    golden.check("gram", [&found[0], &found[1]]);
}

#[test]
fn the_search_finds_the_likest_mark_and_heeds_offsets() {
    let mut network = models().network("styler-match.onnx", &runtime()).expect("it opens");
    let queries: Tensor = (vec![2, 2], vec![1.0, 0.0, 0.0, 1.0]);
    let bank: Tensor = (vec![3, 2], vec![0.6, 0.8, 0.8, 0.6, 0.1, 0.9]);
    let found = outputs(&mut network, &[queries.clone(), bank.clone(), (vec![3], vec![0.0; 3])]);
    assert_eq!(found, [[1.0, 2.0]]);
    let found = outputs(&mut network, &[queries, bank, (vec![3], vec![0.3, 0.0, 0.0])]);
    assert_eq!(found, [[0.0, 0.0]], "an offset can decide");
}

/// Steps of a short optimisation of a picture of 101x67, and how far it went from the photo.
fn optimised(statistics: Statistics, iterations: u32) -> (Vec<Step>, f64) {
    let params = OptimizeParams { scales: vec![32, 64], iterations, statistics, ..OptimizeParams::default() };
    let painting = assets::painting("scream").expect("the program's own");
    let mut styler = StyleOptimizer::new(&models(), &runtime(), painting, params).expect("it opens");
    let photo = frame("sleeping-gypsy", 101, 67, 0);
    let mut steps = Vec::new();
    let done = styler.run(&photo, None, |step| steps.push(step)).expect("it runs");
    assert_eq!(done.size.to_string(), "96x64", "the finest scale asked for");
    assert_eq!(done.painted.len(), done.size.rgba_bytes());
    let seen = done.guide.expect("it is smaller than the photo");
    (steps, difference(&done.painted, &seen))
}

#[test]
fn the_optimiser_brings_the_objective_down_at_every_scale() {
    for (statistics, bound) in
        [(Statistics::Neighbours, "optimizing.neighbours"), (Statistics::Gram, "optimizing.gram")]
    {
        let (steps, moved) = optimised(statistics, 12);
        assert!(steps.iter().map(|step| step.done).eq(1..=24), "every step is told");
        for scale in steps.chunks(12) {
            judge(bound, (scale[11].objective / scale[0].objective).into());
        }
        assert_eq!((steps[0].lines, steps[23].lines, steps[0].steps), (32, 64, 24));
        judge("optimizing.changes", moved);
    }
}

/// Left half upright stripes of 8 pixels, right half a plain surface, of the same mean.
fn stripes_beside_plain(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| {
        let stripes = if x / 4 % 2 == 0 { [40, 40, 40] } else { [216, 216, 216] };
        image::Rgb(if x < width / 2 { stripes } else { [128, 128, 128] })
    })
}

/// Mean difference of pixels beside each other, in the columns from `from` to `to`.
fn roughness(pixels: &[u8], width: usize, columns: std::ops::Range<usize>) -> f64 {
    let rows = pixels.chunks_exact(4 * width);
    let mut differences: Vec<f64> = Vec::new();
    for row in rows {
        differences.extend(columns.clone().map(|x| f64::from(row[4 * x].abs_diff(row[4 * x + 4]))));
    }
    differences.iter().sum::<f64>() / differences.len() as f64
}

#[test]
fn stripes_are_found_for_stripes_and_plain_paint_for_a_plain_surface() {
    let painting = stripes_beside_plain(128, 96);
    // The photo has its stripes on the other side, and they are faint.
    let faint = |value: u8| 128 + (i16::from(value) - 128) / 3;
    let pixels = image::imageops::flip_horizontal(&painting)
        .pixels()
        .flat_map(|p| [faint(p[0]) as u8, faint(p[1]) as u8, faint(p[2]) as u8, 255])
        .collect();
    let photo = stylewarp::frame::Frame { pixels, ..frame("scream", 128, 96, 0) };
    let params =
        OptimizeParams { scales: vec![96], iterations: 16, stroke: 2.0 / 3.0, ..OptimizeParams::default() };
    let mut styler = StyleOptimizer::new(&models(), &runtime(), painting, params).expect("it opens");
    let done = styler.run(&photo, None, |_| ()).expect("it runs");
    let [plain, stripes] = [8..56, 72..120].map(|columns| roughness(&done.painted, 128, columns));
    judge("optimizing.stripes", stripes / plain);
}

#[test]
fn what_begins_with_a_painting_stays_near_it_and_improves() {
    let painting = assets::painting("scream").expect("the program's own");
    let photo = frame("sleeping-gypsy", 101, 67, 0);
    let scream = Style::tuned(&models(), "scream").expect("readable").expect("tuned");
    let mut painter = Painter::new(&models(), &runtime(), scream).expect("it opens");
    let params = PaintParams { stroke: 1.0, lines: Some(64), relief: 0.0 };
    let painted = painter.run(&photo, params, None).expect("it paints");
    let params = OptimizeParams { scales: vec![64], iterations: 8, ..OptimizeParams::improving() };
    let mut styler = StyleOptimizer::new(&models(), &runtime(), painting, params).expect("it opens");
    let mut run = |start| {
        let mut objectives = Vec::new();
        let done = styler.run(&photo, start, |step| objectives.push(step.objective)).expect("it runs");
        assert_eq!(done.size, painted.size);
        (objectives, difference(&done.painted, &painted.painted))
    };
    let ((objectives, moved), (_, apart)) = (run(Some(&painted)), run(None));
    judge("optimizing.improves", (objectives[7] / objectives[0]).into());
    judge("optimizing.stays-near", moved / apart);
}
