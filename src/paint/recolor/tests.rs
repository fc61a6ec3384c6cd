use super::*;
use proptest::prelude::*;

/// A picture of blobs between two colours.
fn picture(dark: [u8; 3], light: [u8; 3]) -> Vec<u8> {
    let blend = |k: usize| 0.5 + 0.5 * ((k % 64) as f32 * 0.31).sin() * ((k / 64) as f32 * 0.23).cos();
    let pixel = |k: usize| {
        let at = |c: usize| f32::from(dark[c]) + (f32::from(light[c]) - f32::from(dark[c])) * blend(k);
        [at(0) as u8, at(1) as u8, at(2) as u8, 255]
    };
    (0..64 * 48).flat_map(pixel).collect()
}

fn recolored(pixels: &[u8], painting: &ColorMoments) -> Vec<u8> {
    let map = ColorMap::between(&ColorMoments::of::<4>(pixels, 64), painting);
    let byte = |value: f32| (value * 255.0 + 0.5) as u8;
    let pixel = |p: &[u8]| map.apply([0, 1, 2].map(|c| f32::from(p[c]) / 255.0)).map(byte);
    pixels.chunks_exact(4).flat_map(|p| pixel(p).into_iter().chain([255])).collect()
}

#[test]
fn a_picture_takes_the_colors_of_the_painting() {
    let painting = ColorMoments::of::<4>(&picture([20, 30, 90], [200, 190, 80]), 64);
    let found = ColorMoments::of::<4>(&recolored(&picture([60, 40, 40], [160, 150, 150]), &painting), 64);
    let off = (found.mean - painting.mean).abs().max();
    assert!(off < 0.02, "means {} and {}", found.mean, painting.mean);
    let trace = found.covariance.trace() / painting.covariance.trace();
    assert!((0.75..1.1).contains(&trace), "{trace} of the painting's variance");
}

#[test]
fn a_light_picture_stays_lighter_than_a_dark_painting_and_a_dark_one_darker() {
    let level = |moments: &ColorMoments| Vector3::from(LUMINANCE).dot(&moments.mean);
    let painting = ColorMoments::of::<4>(&picture([20, 30, 90], [200, 190, 80]), 64);
    for (dark, light) in [([140, 150, 150], [230, 220, 230]), ([20, 20, 20], [120, 110, 100])] {
        let pixels = picture(dark, light);
        let own = level(&ColorMoments::of::<4>(&pixels, 64));
        let found = level(&ColorMoments::of::<4>(&recolored(&pixels, &painting), 64));
        let wanted = level(&painting) + 0.4 * (own - level(&painting));
        assert!((found - wanted).abs() < 0.03, "{own} to {found}, not {wanted}");
    }
}

#[test]
fn a_row_is_mapped_pixel_by_pixel_whatever_its_length() {
    let (pixels, painting) = (picture([60, 40, 40], [160, 150, 150]), picture([20, 30, 90], [200, 190, 80]));
    let [own, wanted] = [&pixels, &painting].map(|pixels| ColorMoments::of::<4>(pixels, 64));
    let map = ColorMap::between(&own, &wanted);
    for width in [1, 15, 16, 17, 53] {
        let mut planes = [0; 3].map(|_| vec![9.0; width]);
        let [red, green, blue] = &mut planes;
        recolor_row(&map, &pixels[..4 * width], [red, green, blue], 0.5);
        for (x, pixel) in pixels.chunks_exact(4).take(width).enumerate() {
            let expected = map.apply([0, 1, 2].map(|c| f32::from(pixel[c]) / 255.0));
            assert!((0..3).all(|c| (planes[c][x] + 0.5 - expected[c]).abs() < 1e-5), "{x} of {width}");
        }
    }
}

#[test]
fn flat_pictures_stay_what_they_are() {
    let painting = ColorMoments::of::<4>(&picture([20, 30, 90], [200, 190, 80]), 64);
    for color in [[0, 0, 0], [255, 255, 255], [30, 200, 90]] {
        let flat = picture(color, color);
        let found = recolored(&flat, &painting);
        let off = found.iter().zip(&flat).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0);
        assert!(off <= 1, "{color:?} moved by {off}");
    }
}

#[test]
fn colors_survive_their_values() {
    let moments = ColorMoments::of::<4>(&picture([20, 30, 90], [200, 190, 80]), 64);
    assert_eq!(ColorMoments::from_values(&moments.values()), Some(moments));
    assert_eq!(ColorMoments::from_values(&[f32::NAN; 12]), None);
    assert_eq!(ColorMoments::from_values(&[0.0; 11]), None);
}

#[test]
fn a_picture_without_pixels_is_black() {
    assert_eq!(ColorMoments::of::<4>(&[], 0).values(), [0.0; 12]);
}

proptest! {
    #[test]
    fn any_map_stays_within_range_and_comes_back(
        dark in any::<[u8; 3]>(), light in any::<[u8; 3]>(), by in any::<[u8; 3]>(), to in any::<[u8; 3]>(),
    ) {
        let pixels = picture(dark, light);
        let own = ColorMoments::of::<4>(&pixels, 64);
        let map = ColorMap::between(&own, &ColorMoments::of::<4>(&picture(by, to), 64));
        for pixel in pixels.chunks_exact(4).step_by(97) {
            let color = [0, 1, 2].map(|c| f32::from(pixel[c]) / 255.0);
            let mapped = map.apply(color);
            prop_assert!(mapped.iter().all(|value| (0.0..=1.0).contains(value)), "{:?}", mapped);
            let back = map.inverse()(mapped);
            prop_assert!(back.iter().all(|value| (0.0..=1.0).contains(value)), "{:?}", back);
        }
    }
}
