//! Pictures for people who judge a look: where a frame is bent, what was
//! matched with what, and how sure the network was.
//!
//! Everything is computed pixel by pixel from the field and the match, as a
//! shader would, so there is no rasteriser: a grid line is where the source
//! position of a pixel comes near a multiple of the grid's step, a dot is a
//! distance. Lines and dots grow with the picture.

use image::RgbImage;
use rayon::prelude::*;

use crate::app::tiles::{below, beside, scaled};
use crate::engine::Trace;
use crate::frame::{Frame, Size};
use crate::image_file::frame_of;
use crate::warp::grid::{GRID, centre};
use crate::warp::regularize::FieldSolver;
use crate::warp::similarity::Decomposition;

/// What to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Show {
    /// A grid over the result that was straight on the source.
    Field,
    /// Source and exemplar side by side; dots of one colour are one place.
    Matches,
    /// Over the source, how much the matches count: dark is not at all.
    Confidence,
    /// All of it on one sheet.
    All,
}

/// Grid lines along the shorter side.
const LINES: f32 = 14.0;
/// Least weight of a cell that gets a dot.
const LEAST: f32 = 0.2;
/// Height of the pictures on a sheet.
const TILE: u32 = 360;

/// Draws it.
pub fn draw(show: Show, trace: &Trace, exemplar: &RgbImage) -> Frame {
    match show {
        Show::Field => field(trace),
        Show::Matches => matches(trace, exemplar),
        Show::Confidence => confidence(trace),
        Show::All => {
            let small =
                |frame: &Frame| if frame.size.height > TILE { scaled(frame, TILE) } else { frame.clone() };
            let trace =
                &Trace { source: small(&trace.source), result: small(&trace.result), ..trace.clone() };
            let upper = [trace.source.clone(), trace.result.clone(), field(trace)];
            let lower = [matches(trace, exemplar), confidence(trace)];
            below(&beside(&upper, TILE), &beside(&lower, TILE))
        }
    }
}

fn field(trace: &Trace) -> Frame {
    let size = trace.result.size;
    let shorter = size.width.min(size.height) as f32;
    let (step, thick) = (shorter / LINES, (shorter / 400.0).max(0.7));
    let at = |x: u32, y: u32| {
        let place = fraction(x, y, size);
        let [dx, dy] = trace.field.sample(place);
        [(place[0] + dx) * size.width as f32, (place[1] + dy) * size.height as f32]
    };
    over(&trace.result, |x, y| {
        let (source, right, below) = (at(x, y), at(x + 1, y), at(x, y + 1));
        // Distance to a line in output pixels: in source pixels, over how fast those pass.
        let near = (0..2).map(|axis| {
            let speed = (right[axis] - source[axis]).hypot(below[axis] - source[axis]).max(1e-3);
            let away = (source[axis] / step + 0.5).rem_euclid(1.0) - 0.5;
            (away * step / speed).abs()
        });
        let away = near.fold(f32::MAX, f32::min);
        // White in black: trace on any ground.
        let (white, black) = (coverage(thick - away), coverage(2.2 * thick - away));
        ([255.0 * white / black.max(1e-3); 3], 0.85 * black)
    })
}

fn matches(trace: &Trace, exemplar: &RgbImage) -> Frame {
    let FieldSolver { exemplar_aspect, frame_aspect, .. } = trace.solver;
    let dots = |of: &dyn Fn(&Decomposition, usize) -> [f32; 2]| -> Vec<Dot> {
        let cells = trace.subjects.iter().flat_map(|found| (0..GRID * GRID).map(move |k| (found, k)));
        let sure = cells.filter(|(found, k)| found.confidence[*k] > LEAST);
        sure.map(|(found, k)| Dot {
            place: of(found, k),
            colour: colour(centre(k, GRID)),
            opacity: found.confidence[k],
        })
        .collect()
    };
    let in_frame = dots(&|found, k| found.place(k, exemplar_aspect, frame_aspect));
    let height = trace.source.size.height;
    let exemplar = dotted(&scaled(&frame_of(exemplar), height), &dots(&|_, k| centre(k, GRID)));
    beside(&[dotted(&trace.source, &in_frame), exemplar], height)
}

fn confidence(trace: &Trace) -> Frame {
    let size = trace.source.size;
    over(&trace.source, |x, y| {
        let place = fraction(x, y, size);
        let of_each = trace.subjects.iter().map(|found| trace.solver.confidence_at(found, place));
        let sure = of_each.fold(0.0, f32::max);
        // Black over purple and orange to pale yellow, as in matplotlib's "inferno".
        let stops = [
            [0.0, 0.0, 4.0],
            [87.0, 16.0, 110.0],
            [188.0, 55.0, 84.0],
            [249.0, 142.0, 9.0],
            [252.0, 255.0, 164.0],
        ];
        let at = sure.clamp(0.0, 1.0) * 3.999;
        let (low, mix) = (at as usize, at.fract());
        (std::array::from_fn(|c| stops[low][c] * (1.0 - mix) + stops[low + 1][c] * mix), 0.6)
    })
}

struct Dot {
    place: [f32; 2],
    colour: [f32; 3],
    opacity: f32,
}

/// A colour for every place of a picture: no two corners alike.
fn colour([x, y]: [f32; 2]) -> [f32; 3] {
    [255.0 * x, 255.0 * (1.0 - (x + y - 1.0).abs()).powi(2), 255.0 * (1.0 - x).max(y * 0.9)]
}

fn dotted(frame: &Frame, dots: &[Dot]) -> Frame {
    let size = frame.size;
    let mut drawn = frame.clone();
    let radius = (size.width.min(size.height) as f32 / 110.0).max(1.2);
    for dot in dots {
        let middle = [dot.place[0] * size.width as f32, dot.place[1] * size.height as f32];
        let range = |axis: usize, pixels: u32| {
            let edge = |by: f32| (middle[axis] + by).clamp(0.0, pixels as f32) as u32;
            edge(-1.35 * radius - 1.0)..edge(1.35 * radius + 2.0)
        };
        for y in range(1, size.height) {
            for x in range(0, size.width) {
                let away = (middle[0] - x as f32 - 0.5).hypot(middle[1] - y as f32 - 0.5);
                let (inner, outer) = (coverage(radius - away), coverage(1.35 * radius - away));
                let at = (y as usize * size.width as usize + x as usize) * 4;
                let ink = dot.colour.map(|c| c * inner / outer.max(1e-3));
                blend(&mut drawn.pixels[at..at + 3], ink, outer * (0.35 + 0.65 * dot.opacity));
            }
        }
    }
    drawn
}

/// How much of a pixel lies inside an edge that is `inside` pixels away.
fn coverage(inside: f32) -> f32 {
    (inside + 0.5).clamp(0.0, 1.0)
}

/// Lays a colour with an opacity over every pixel.
fn over(frame: &Frame, ink: impl Fn(u32, u32) -> ([f32; 3], f32) + Sync) -> Frame {
    let mut drawn = frame.clone();
    drawn.pixels.par_chunks_exact_mut(frame.stride()).enumerate().for_each(|(y, row)| {
        for (x, pixel) in row.chunks_exact_mut(4).enumerate() {
            let (colour, opacity) = ink(x as u32, y as u32);
            blend(pixel, colour, opacity);
        }
    });
    drawn
}

fn blend(pixel: &mut [u8], colour: [f32; 3], opacity: f32) {
    for (value, colour) in pixel.iter_mut().zip(colour) {
        *value = (f32::from(*value) * (1.0 - opacity) + colour * opacity).round() as u8;
    }
}

fn fraction(x: u32, y: u32, size: Size) -> [f32; 2] {
    [(x as f32 + 0.5) / size.width as f32, (y as f32 + 0.5) / size.height as f32]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::FrameTime;
    use crate::warp::field::WarpField;
    use crate::warp::regularize::Align;
    use crate::warp::similarity::tests::{EXEMPLAR, FRAME, carried};

    fn seen(size: Size, field: WarpField) -> Trace {
        let aligner = FieldSolver {
            align: Align::Subject,
            strength: 1.0,
            exemplar_aspect: EXEMPLAR,
            frame_aspect: FRAME,
        };
        let mut found = carried(|[x, y]| [0.5 * x + 0.6, 0.5 * y + 0.2]);
        // Sure of the upper half only.
        found.confidence[GRID * GRID / 2..].fill(0.0);
        let source = Frame::filled(size, FrameTime::ZERO, [90, 120, 150, 255]);
        Trace {
            result: source.clone(),
            source,
            subjects: vec![Decomposition::from_match(&found, EXEMPLAR, FRAME)],
            field,
            solver: aligner,
        }
    }

    #[test]
    fn grid_lines_are_straight_exactly_where_nothing_is_bent() {
        let size = Size { width: 320, height: 180 };
        let bend =
            WarpField::new(2, 2, vec![[0.1, 0.0], [-0.1, 0.0], [0.0, 0.1], [0.0, -0.1]]).expect("finite");
        let row = |frame: &Frame, y: usize| frame.pixels[y * frame.stride()..][..frame.stride()].to_vec();
        let straight = field(&seen(size, WarpField::identity(1, 1)));
        assert_eq!(row(&straight, 3), row(&straight, 8), "between two lines, all rows are alike");
        assert_ne!(straight.pixels, seen(size, WarpField::identity(1, 1)).source.pixels, "there are lines");
        let bent = field(&seen(size, bend));
        assert_ne!(row(&bent, 3), row(&bent, 8), "negative control");
    }

    #[test]
    fn the_sure_half_shines_and_has_dots() {
        let seen = seen(Size { width: 320, height: 180 }, WarpField::identity(1, 1));
        let exemplar = RgbImage::from_pixel(60, 80, image::Rgb([200; 3]));
        let heat = confidence(&seen);
        let red = |frame: &Frame, x: usize, y: usize| frame.pixels[(y * frame.size.width as usize + x) * 4];
        // The exemplar lies at 0.6..0.975 of the width (of 1.78) and 0.2..0.7 of the height.
        assert!(red(&heat, 142, 60) > red(&heat, 142, 115) + 50, "upper half against lower");
        let dots = matches(&seen, &exemplar);
        assert_eq!(dots.size.height, 180);
        // Of the source, on the left: rows with dots, and rows without.
        let dotted = |from: usize, to: usize| {
            (from..to).any(|y| (0..320).any(|x| red(&dots, x, y).abs_diff(red(&seen.source, x, y)) > 10))
        };
        assert!(dotted(36, 80) && !dotted(95, 175) && !dotted(0, 30));
    }

    #[test]
    fn any_size_can_be_drawn_on() {
        let exemplar = RgbImage::new(16, 300);
        for (width, height) in [(1, 1), (7, 5), (2, 900)] {
            let seen = seen(Size { width, height }, WarpField::identity(3, 3));
            for show in [Show::Field, Show::Matches, Show::Confidence, Show::All] {
                let drawn = draw(show, &seen, &exemplar);
                assert_eq!(drawn.pixels.len(), drawn.size.rgba_bytes());
            }
        }
    }
}
