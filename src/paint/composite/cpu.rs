//! `shaders/finish.wgsl` on the processor, in the same order and with the same
//! names; rows run in parallel.

use std::sync::LazyLock;

use rayon::prelude::*;

use super::cutout::CutoutSampler;
use super::{BlendParams, Colors, Cutout, LEAST, Painting, TOLERANCE};
use crate::frame::{Frame, Size};

/// The sRGB curve of 8-bit values.
static LINEAR: LazyLock<[f32; 256]> = LazyLock::new(|| {
    std::array::from_fn(|k| {
        let c = k as f32 / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    })
});

/// Finishes on the processor.
#[derive(Debug, Default, Clone, Copy)]
pub struct CpuCompositor;

impl CpuCompositor {
    /// The frame with the painting on it.
    pub fn run(
        &self,
        mut frame: Frame,
        painting: &Painting,
        mix: BlendParams,
        cutout: Option<&Cutout>,
    ) -> Frame {
        let (size, stride) = (frame.size, frame.stride());
        let cut = cutout.map(|cutout| CutoutSampler::new(cutout, size));
        let columns: Vec<_> =
            (0..size.width).map(|x| neighbours(x, size.width, painting.size.width)).collect();
        let light = painting.relief.as_ref().map(|relief| (relief, relief.rows(size)));
        frame.pixels.par_chunks_exact_mut(stride).zip(0..size.height).for_each(|(row, y)| {
            let rows = neighbours(y, size.height, painting.size.height);
            let mut line = Vec::new();
            if let Some((_, rows)) = &light {
                rows.row(y as usize, &mut line);
            }
            for (x, (pixel, column)) in row.chunks_exact_mut(4).zip(&columns).enumerate() {
                let own = [pixel[0], pixel[1], pixel[2]];
                let subject = cut.as_ref().map(|cut| cut.subject_at(x, y as usize, own));
                let share = mix.strength * cut.as_ref().zip(subject).map_or(1.0, |(cut, s)| cut.share(s));
                if share == 0.0 && cut.as_ref().is_none_or(|cut| !cut.has_behind()) {
                    continue;
                }
                let mut over = match &painting.guide {
                    Some(guide) => enlarged(painting, guide, column, &rows, own),
                    None => {
                        rgb(&painting.painted, column.at[0] + rows.at[0] * size.width as usize).map(f32::from)
                    }
                };
                if mix.colors == Colors::Keep {
                    over = recoloured(over, own);
                }
                if let Some((relief, _)) = &light {
                    over = relief.lit(over, line[x][0]);
                }
                let mut shown: [f32; 3] = std::array::from_fn(|c| {
                    let own = f32::from(own[c]);
                    own + (over[c] - own) * share
                });
                if let Some((cut, subject)) = cut.as_ref().zip(subject) {
                    let [r, g, b, alpha] = cut.before(x, y as usize, shown, subject);
                    shown = [r, g, b];
                    pixel[3] = (f32::from(pixel[3]) * alpha / 255.0 + 0.5) as u8;
                }
                (0..3).for_each(|c| pixel[c] = (shown[c] + 0.5) as u8);
            }
        });
        frame
    }
}

/// The two canvas pixels around a frame pixel along one axis, and their weights.
struct Neighbours {
    at: [usize; 2],
    near: [f32; 2],
}

fn neighbours(pixel: u32, side: u32, canvas: u32) -> Neighbours {
    let position = (pixel as f32 + 0.5) * canvas as f32 / side as f32 - 0.5;
    let corner = position.floor();
    let f = position - corner;
    let at = |step: i32| (corner as i32 + step).clamp(0, canvas as i32 - 1) as usize;
    // Of one size, position is a whole number but for rounding.
    if side == canvas {
        return Neighbours { at: [pixel as usize; 2], near: [1.0, 0.0] };
    }
    Neighbours { at: [at(0), at(1)], near: [1.0 - f, f] }
}

fn rgb(pixels: &[u8], at: usize) -> [u8; 3] {
    [pixels[at * 4], pixels[at * 4 + 1], pixels[at * 4 + 2]]
}

fn enlarged(
    painting: &Painting,
    guide: &[u8],
    column: &Neighbours,
    row: &Neighbours,
    own: [u8; 3],
) -> [f32; 3] {
    let Size { width, .. } = painting.size;
    let (mut sum, mut total) = ([0.0; 3], 0.0);
    for (y, near_y) in row.at.iter().zip(row.near) {
        for (x, near_x) in column.at.iter().zip(column.near) {
            let from = y * width as usize + x;
            let off: f32 = rgb(guide, from)
                .iter()
                .zip(own)
                .map(|(guide, own)| (f32::from(*guide) - f32::from(own)).powi(2))
                .sum();
            let alike = 1.0 / (1.0 + off / (TOLERANCE * 255.0 * 255.0));
            let weight = near_x * near_y * (alike * alike + LEAST);
            for (sum, value) in sum.iter_mut().zip(rgb(&painting.painted, from)) {
                *sum += weight * f32::from(value);
            }
            total += weight;
        }
    }
    sum.map(|sum| sum / total)
}

/// Light and dark of `over` (0..=255) with the hue and chroma of `own`; less chroma where it has become darker
/// or lighter, as screens cannot show it there.
fn recoloured(over: [f32; 3], own: [u8; 3]) -> [f32; 3] {
    let light = to_lab(over.map(|value| linear(value / 255.0)))[0];
    let [own_light, a, b] = to_lab(own.map(|value| LINEAR[value as usize]));
    let room =
        (light / own_light.max(0.001)).min((1.0 - light) / (1.0 - own_light).max(0.001)).clamp(0.0, 1.0);
    from_lab([light, a * room, b * room]).map(|value| value.clamp(0.0, 1.0) * 255.0)
}

fn linear(c: f32) -> f32 {
    if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
}

fn encoded(c: f32) -> f32 {
    let l = c.max(0.0);
    if l <= 0.003_130_8 { l * 12.92 } else { 1.055 * l.powf(1.0 / 2.4) - 0.055 }
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Oklab (Ottosson, 2020) of linear sRGB.
fn to_lab(rgb: [f32; 3]) -> [f32; 3] {
    let root = [
        [0.412_221_47, 0.536_332_55, 0.051_445_995],
        [0.211_903_5, 0.680_699_5, 0.107_396_96],
        [0.088_302_46, 0.281_718_85, 0.629_978_7],
    ]
    .map(|row| dot(row, rgb).cbrt());
    [
        [0.210_454_26, 0.793_617_8, -0.004_072_047],
        [1.977_998_5, -2.428_592_2, 0.450_593_7],
        [0.025_904_037, 0.782_771_77, -0.808_675_77],
    ]
    .map(|row| dot(row, root))
}

fn from_lab(lab: [f32; 3]) -> [f32; 3] {
    let cube = [
        [1.0, 0.396_337_78, 0.215_803_76],
        [1.0, -0.105_561_346, -0.063_854_17],
        [1.0, -0.089_484_18, -1.291_485_5],
    ]
    .map(|row| dot(row, lab).powi(3));
    [
        [4.076_741_7, -3.307_711_6, 0.230_969_93],
        [-1.268_438, 2.609_757_4, -0.341_319_4],
        [-0.004_196_086, -0.703_418_6, 1.707_614_7],
    ]
    .map(|row| encoded(dot(row, cube)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paint::recolor::ColorMap;
    use crate::time::FrameTime;

    const WHOLE: BlendParams = BlendParams { strength: 1.0, colors: Colors::Paint };

    /// A frame, black on the left and white on the right, and a red and green painting of a quarter its size whose
    /// border is in the middle of a canvas pixel.
    fn edge() -> (Frame, Painting) {
        let mut frame = Frame::filled(Size { width: 16, height: 4 }, FrameTime::ZERO, [0, 0, 0, 255]);
        for (k, pixel) in frame.pixels.chunks_exact_mut(4).enumerate() {
            pixel[..3].fill(if k % 16 >= 7 { 255 } else { 0 });
        }
        let guide = [[0, 0, 0, 255], [30, 30, 30, 255], [255; 4], [255; 4]].concat();
        let painted = [[255, 0, 0, 255], [255, 0, 0, 255], [0, 255, 0, 255], [0, 255, 0, 255]].concat();
        (
            frame,
            Painting {
                size: Size { width: 4, height: 1 },
                guide: Some(guide),
                painted,
                colors: ColorMap::IDENTITY,
                relief: None,
            },
        )
    }

    #[test]
    fn enlarging_follows_the_frames_edges() {
        let (frame, painting) = edge();
        let done = CpuCompositor.run(frame, &painting, WHOLE, None);
        let row: Vec<_> = done.pixels[..64].chunks_exact(4).map(|p| (p[0] > 230, p[1] > 230)).collect();
        assert!(
            row[..7].iter().all(|p| *p == (true, false)) && row[7..].iter().all(|p| *p == (false, true)),
            "{row:?}"
        );
    }

    #[test]
    fn a_mask_follows_the_frames_edges() {
        let (frame, painting) = edge();
        let size = painting.size;
        let mut pixels = painting.guide.clone().expect("small");
        for (pixel, subject) in pixels.chunks_exact_mut(4).zip([0, 0, 255, 255]) {
            pixel[3] = subject;
        }
        let mut cutout = Cutout { size, pixels, paint: [0.0, 1.0], behind: None };
        let at = |cutout: &Cutout| CpuCompositor.run(frame.clone(), &painting, WHOLE, Some(cutout)).pixels;
        let (done, painted) = (at(&cutout), CpuCompositor.run(frame.clone(), &painting, WHOLE, None).pixels);
        for x in 0..16 {
            let wanted = if x < 7 { &painted[4 * x..][..4] } else { &frame.pixels[4 * x..][..4] };
            let off = done[4 * x..][..4].iter().zip(wanted).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(off.is_some_and(|off| off < 30), "{x}: {:?}, not {wanted:?}", &done[4 * x..][..4]);
        }
        // Something else behind: the subject alone is left.
        cutout.behind = Some((Size { width: 1, height: 1 }, std::sync::Arc::new(vec![0, 0, 250, 255])));
        let done = at(&cutout);
        assert!(done[2] > 220 && done[4 * 15..][..4] == frame.pixels[4 * 15..][..4], "{done:?}");
    }

    #[test]
    fn strength_runs_from_the_frame_to_the_painting() {
        let (frame, painting) = edge();
        let at = |strength| {
            CpuCompositor.run(frame.clone(), &painting, BlendParams { strength, ..WHOLE }, None).pixels
        };
        assert_eq!(at(0.0), frame.pixels);
        assert_eq!(at(0.5)[0], 128);
    }

    #[test]
    fn kept_colours_have_the_frames_hue_and_the_paintings_light() {
        let (mut frame, mut painting) = super::super::tests::painted((8, 8), (8, 8));
        frame.pixels.copy_from_slice(&[200, 60, 40, 255].repeat(64));
        painting.painted.copy_from_slice(&[30, 30, 90, 255].repeat(64));
        let done = CpuCompositor.run(
            frame.clone(),
            &painting,
            BlendParams { strength: 1.0, colors: Colors::Keep },
            None,
        );
        let lab = |pixels: &[u8]| to_lab([pixels[0], pixels[1], pixels[2]].map(|v| LINEAR[v as usize]));
        let (kept, own, over) = (lab(&done.pixels), lab(&frame.pixels), lab(&painting.painted));
        assert!((kept[0] - over[0]).abs() < 0.03, "{kept:?} {over:?}");
        let turn = (kept[2].atan2(kept[1]) - own[2].atan2(own[1])).abs();
        assert!(turn.min(std::f32::consts::TAU - turn) < 0.1, "{kept:?} {own:?}");
    }

    #[test]
    fn lab_turns_back() {
        for rgb in [[0, 0, 0], [255, 255, 255], [200, 60, 40], [1, 2, 250]] {
            let back = from_lab(to_lab(rgb.map(|v: u8| LINEAR[v as usize])));
            assert!(
                back.iter().zip(rgb).all(|(b, v)| (b * 255.0 - f32::from(v)).abs() < 0.6),
                "{rgb:?} {back:?}"
            );
        }
    }
}
