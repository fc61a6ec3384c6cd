use super::*;
use crate::paint::noise::CELL;
use crate::time::FrameTime;

const SIZE: Size = Size { width: 320, height: 192 };
const CELLS: [usize; 2] = [320 / CELL, 192 / CELL];

/// The relief of a picture of upright stripes.
fn upright(depth: f32) -> Relief {
    let (mut noise, mut forms) = (AdvectedNoise::default(), Orientation::default());
    noise.run(FrameTime::ZERO, SIZE, CELLS, None, &mut Vec::new());
    let stripes: Vec<_> = (0..CELLS[0] * CELLS[1]).map(|k| ((k % CELLS[0]) as f32 * 0.8).sin()).collect();
    forms.update(&stripes, CELLS, None);
    ReliefLight::default().run((&noise, &forms), [SIZE; 2], 1.0, None).with_depth(depth)
}

#[test]
fn furrows_lie_along_forms() {
    let Relief { grid: [across, down], light, .. } = upright(0.2);
    let light: Vec<_> = light.iter().flatten().copied().collect();
    assert_eq!([across, down], [160, 96]);
    let mean = light.iter().sum::<f32>() / light.len() as f32;
    let power = light.iter().map(|light| light * light).sum::<f32>() / light.len() as f32;
    let alike = |step: usize| {
        let places = (0..down - 4).flat_map(|y| (0..across - 4).map(move |x| y * across + x));
        let pairs: Vec<_> = places.map(|k| light[k] * light[k + step]).collect();
        pairs.iter().sum::<f32>() / pairs.len() as f32 / power
    };
    assert!(mean.abs() < 0.02 && (0.1..0.5).contains(&power), "{mean}, {power}");
    assert!(
        alike(4 * across) > 0.5 && alike(4).abs() < 0.1,
        "{} along, {} across",
        alike(4 * across),
        alike(4)
    );
}

#[test]
fn flat_light_changes_nothing_and_full_light_stays_in_range() {
    let lit = |value: f32, depth: f32, color: u8| {
        let mut row = [color; 12];
        let relief = Relief { grid: [1, 1], light: vec![[value]].into(), depth };
        relief.shade(&mut row, Size { width: 3, height: 1 }, &mut LightRows::default());
        assert_eq!(row[3], color, "alpha");
        row[0]
    };
    for color in [0, 1, 127, 255] {
        assert_eq!((lit(0.0, 1.0, color), lit(0.7, 0.0, color)), (color, color));
        assert!(lit(1.0, 1.0, color) >= color && lit(-1.0, 1.0, color) == 0);
    }
    assert_eq!((lit(0.5, 0.2, 100), lit(-0.5, 0.2, 100)), (110, 90));
}

#[test]
fn one_relief_follows_another_without_a_jump() {
    let (thin, thick) = (upright(0.1), upright(0.3));
    let depth = |from: Option<&Relief>, to: Option<&Relief>, share| {
        let between = Relief::between(from.cloned(), to.cloned(), share);
        between.map(|relief| (relief.depth * 100.0).round())
    };
    assert_eq!(depth(Some(&thin), Some(&thick), 0.5), Some(20.0));
    assert_eq!(depth(Some(&thin), None, 0.5), Some(5.0));
    assert_eq!(depth(None, Some(&thick), 0.0), Some(0.0));
    assert_eq!(depth(None, None, 0.5), None);
}
