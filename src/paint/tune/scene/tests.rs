use super::*;

fn scene(seed: u64) -> Scene {
    let picture = RgbImage::from_fn(90, 70, |x, y| image::Rgb([(3 * x) as u8, (2 * y) as u8, 90]));
    let photo = Photo::new(&picture).expect("a photo");
    let painting = ColorMoments::of::<3>(&[40, 30, 20, 200, 180, 120].repeat(50), 10);
    Scene::random(&mut Rng::with_seed(seed), &photo, &painting).expect("a scene")
}

#[test]
fn a_scene_has_the_shapes_of_the_network_and_is_drawn_by_its_seed() {
    for seed in 0..8 {
        let scene = scene(seed);
        assert_eq!(scene.patch.len(), 3 * PATCH * PATCH);
        assert_eq!(scene.original.len(), 3 * CROP * CROP);
        assert_eq!(scene.noise.len(), OCTAVES * CELLS * CELLS);
        assert_eq!(scene.from.len(), scene.still_shape().iter().product::<usize>());
        assert!(scene.patch.iter().chain(&scene.next_patch).all(|value| (0.0..=1.0).contains(value)));
        assert!(scene.from.iter().all(|at| (0.0..(PATCH * PATCH) as f32).contains(at)));
    }
    assert!(scene(3).patch == scene(3).patch && scene(3).patch != scene(4).patch);
}

/// The squares of the next patch, which `moved` made, are the means that `squares` says.
#[test]
fn squares_come_from_where_the_picture_came_from() {
    let mut random = Rng::with_seed(7);
    let picture: Vec<f32> = (0..3 * PATCH * PATCH).map(|k| ((k % PATCH) as f32 * 0.11).sin()).collect();
    for _ in 0..6 {
        let motion = Motion::random(&mut random);
        let next = inner(&moved(&picture, |x, y| motion.at(x, y)));
        let (from, share) = motion.squares();
        for square in [0, 17, 500, SQUARES * SQUARES - 1] {
            let pixels = (0..STEADY * STEADY).map(|k| {
                let (x, y) = (square % SQUARES * STEADY + k % STEADY, square / SQUARES * STEADY + k / STEADY);
                next[y * CROP + x]
            });
            let mean = pixels.sum::<f32>() / (STEADY * STEADY) as f32;
            let taps = square * WINDOW * WINDOW..(square + 1) * WINDOW * WINDOW;
            let found: f32 = from[taps.clone()]
                .iter()
                .zip(&share[taps])
                .map(|(at, share)| picture[*at as usize] * share)
                .sum();
            assert!((mean - found).abs() < 1e-3, "square {square}: {mean} and {found}");
        }
    }
}

#[test]
fn noise_moves_along_with_the_scene() {
    let scene = scene(5);
    let alike = |other: &[f32]| {
        let products = scene.noise.iter().zip(other).map(|(a, b)| a * b).sum::<f32>();
        products / scene.noise.iter().map(|a| a * a).sum::<f32>()
    };
    assert!((alike(&scene.noise) - 1.0).abs() < 1e-6);
    let variance = scene.next_noise.iter().map(|a| a * a).sum::<f32>() / scene.next_noise.len() as f32;
    assert!((0.2..1.2).contains(&variance), "{variance}");
}
