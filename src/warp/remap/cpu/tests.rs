use super::*;
use crate::frame::Size;
use crate::frame::tests::picture;
use crate::warp::remap::sample::mirrored;
use crate::warp::remap::tests::bent;
use proptest::prelude::*;

/// The same by the definition alone: the field sampled at every pixel.
fn by_definition(frame: &Frame, field: &WarpField, [x, y]: [usize; 2]) -> [f32; 2] {
    let (w, h) = (frame.size.width as f32, frame.size.height as f32);
    let shift = field.sample([(x as f32 + 0.5) / w, (y as f32 + 0.5) / h]);
    [x as f32 + shift[0] * w, y as f32 + shift[1] * h]
}

fn bilinear(frame: &Frame, [x, y]: [f32; 2]) -> [f32; 4] {
    let (w, h) = (frame.size.width as usize, frame.size.height as usize);
    let texel = |dx: i64, dy: i64, c: usize| {
        let x = mirrored(x.floor() as i32, dx, w);
        f32::from(frame.pixels[(mirrored(y.floor() as i32, dy, h) * w + x) * 4 + c])
    };
    let (fx, fy) = (x - x.floor(), y - y.floor());
    std::array::from_fn(|c| {
        let row = |dy| texel(0, dy, c) * (1.0 - fx) + texel(1, dy, c) * fx;
        row(0) * (1.0 - fy) + row(1) * fy
    })
}

#[test]
fn follows_the_definition_where_nothing_shrinks() {
    let frame = picture(97, 61);
    let field = bent(0.05);
    let warped = CpuRemap::default().run(&frame, &field);
    for (k, pixel) in warped.pixels.chunks_exact(4).enumerate() {
        let [x, y] = by_definition(&frame, &field, [k % 97, k / 97]);
        let expected = bilinear(&frame, [x, y]);
        for c in 0..4 {
            assert!((f32::from(pixel[c]) - expected[c]).abs() <= 1.0, "{k}: {pixel:?} {expected:?}");
        }
    }
}

#[test]
fn fine_stripes_blur_instead_of_sparkling_where_the_warp_shrinks() {
    let size = Size::new(128, 128).expect("positive");
    let mut frame = picture(128, 128);
    for (k, pixel) in frame.pixels.chunks_exact_mut(4).enumerate() {
        pixel.fill(if (k / 2) % 2 == 0 { 255 } else { 0 });
    }
    let shrink = (0..64).map(|k| [3.0 * ((k % 8) as f32 + 0.5) / 8.0 - 1.5, 0.0]).collect();
    let field = WarpField::new(8, 8, shrink).expect("finite");
    assert_eq!(cell_taps(&field, size)[40], [4, 1]);
    let warped = CpuRemap::default().run(&frame, &field);
    // The outermost cells shrink less.
    let row = &warped.pixels[64 * 512 + 128..65 * 512 - 128];
    assert!(row.iter().all(|&v| v.abs_diff(128) < 24), "{row:?}");
}

proptest! {
    #[test]
    fn whole_pixel_shifts_are_exact(dx in -20i64..20, dy in -12i64..12) {
        let frame = picture(64, 32);
        let shift = [dx as f32 / 64.0, dy as f32 / 32.0];
        let field = WarpField::new(3, 3, vec![shift; 9]).expect("finite");
        let warped = CpuRemap::default().run(&frame, &field);
        for y in 0..32 {
            for x in 0..64 {
                let from = (mirrored(y, dy, 32) * 64 + mirrored(x, dx, 64)) * 4;
                let to = ((y * 64 + x) * 4) as usize;
                prop_assert_eq!(&warped.pixels[to..to + 4], &frame.pixels[from..from + 4]);
            }
        }
    }

    #[test]
    fn every_size_and_reach_is_safe(w in 1u32..20, h in 1u32..20, strength in -9f32..9.0) {
        let warped = CpuRemap::default().run(&picture(w, h), &bent(strength));
        prop_assert_eq!(warped.pixels.len(), (w * h * 4) as usize);
    }
}
