//! `shaders/finish.wgsl` on the processor, in the same order and with the same
//! names; rows run in parallel.

use std::sync::LazyLock;

use rayon::prelude::*;

use super::cutout::CutoutSampler;
use super::{BlendParams, Colors, Cutout, LEAST, Painting, TOLERANCE};
use crate::frame::{Frame, Size};
use crate::paint::relief::LightRows;

/// The sRGB curve of 8-bit values.
static LINEAR: LazyLock<[f32; 256]> = LazyLock::new(|| {
    std::array::from_fn(|k| {
        let c = k as f32 / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    })
});

/// Finishes on the processor.
#[derive(Default)]
pub struct CpuCompositor {
    /// For every column of the frame what is around it in the painting.
    columns: Vec<Neighbours>,
    light: LightRows,
}

impl CpuCompositor {
    /// The frame with the painting on it.
    pub fn run(
        &mut self,
        mut frame: Frame,
        painting: &Painting,
        mix: BlendParams,
        cutout: Option<&Cutout>,
    ) -> Frame {
        let (size, stride) = (frame.size, frame.stride());
        let cut = cutout.map(|cutout| CutoutSampler::new(cutout, size));
        self.columns.clear();
        self.columns.extend((0..size.width).map(|x| neighbours(x, size.width, painting.size.width)));
        let (columns, LightRows { columns: light_columns, lines }) = (&self.columns, &mut self.light);
        let light = painting.relief.as_ref().map(|relief| (relief, relief.rows(size, light_columns)));
        frame.pixels.par_chunks_exact_mut(stride).zip(0..size.height).for_each(|(row, y)| {
            let rows = neighbours(y, size.height, painting.size.height);
            lines.with(|line| {
                if let Some((_, rows)) = &light {
                    rows.row(y as usize, line);
                }
                for (x, (pixel, column)) in row.chunks_exact_mut(4).zip(columns).enumerate() {
                    let own = [pixel[0], pixel[1], pixel[2]];
                    let subject = cut.as_ref().map(|cut| cut.subject_at(x, y as usize, own));
                    let share = mix.strength * cut.as_ref().zip(subject).map_or(1.0, |(cut, s)| cut.share(s));
                    if share == 0.0 && cut.as_ref().is_none_or(|cut| !cut.has_behind()) {
                        continue;
                    }
                    let mut over = match &painting.guide {
                        Some(guide) => enlarged(painting, guide, column, &rows, own),
                        None => rgb(&painting.painted, column.at[0] + rows.at[0] * size.width as usize)
                            .map(f32::from),
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
mod tests;
