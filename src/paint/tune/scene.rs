//! What a painter is shown: a patch of a photo in the painting's colours, bent and partly covered, and the same a made-up
//! moment later. Each with the noise that its strokes begin in.

use std::f32::consts::TAU;

use fastrand::Rng;
use image::RgbImage;
use rayon::prelude::*;

use crate::error::Result;
use crate::frame::Size;
use crate::frame::resize::{Filter, Pixels, Resizer};
use crate::paint::noise::{CELL, OCTAVES, noise_at};
use crate::paint::orientation::Orientation;
use crate::paint::painter::cell_luminance;
use crate::paint::recolor::{ColorMap, ColorMoments};
use crate::paint::tune::sample::{Bend, Taps, mirrored, normal, value};

/// What is judged, and the room around it, in pixels.
pub(super) const CROP: usize = 192;
pub(super) const ROOM: usize = 32;
/// Side of a patch.
pub(super) const PATCH: usize = CROP + 2 * ROOM;
/// Cells along its side.
const CELLS: usize = PATCH / CELL;
/// Shape of the crop, for the network.
pub(super) const CROP_SHAPE: [usize; 4] = [1, 3, CROP, CROP];
/// Lines (the shorter side) of the pictures, and how often each is shown.
pub(super) const LINES: [(u32, f32); 4] = [(256, 0.3), (362, 0.4), (512, 0.2), (724, 0.1)];
/// Share of the photos that are bent beforehand, and by how much: deviation of the bend's nodes, in units of the patch.
const BENT: f32 = 0.3;
const BEND: f32 = 0.06;
/// Share of the photos of which a part is covered by a plain surface.
const PLAIN: f32 = 0.3;
/// Noise of a camera, at most.
const CAMERA: f32 = 0.02;
/// Pixels that all move from one moment to the next, at most; deviations of turn and zoom, and, in pixels, of the bend.
const SHIFT: f32 = 12.0;
const TURN: f32 = 0.02;
const WAVER: f32 = 0.75;
/// Side of a square whose mean must hold still, in pixels; and of the window that it may come from.
const STEADY: usize = 6;
const WINDOW: usize = 12;
/// Squares along the side of the crop.
const SQUARES: usize = CROP / STEADY;
/// Where in the noise a scene may lie, in cells.
const FAR: i32 = 1 << 14;

/// A photo to paint, of any size.
pub(super) struct Photo {
    picture: RgbImage,
}

impl Photo {
    /// Of a large one no more is kept than is looked at.
    pub(super) fn new(picture: &RgbImage) -> Result<Self> {
        let whole = Self { picture: picture.clone() };
        let most = LINES[LINES.len() - 1].0;
        if picture.width().min(picture.height()) <= most {
            return Ok(whole);
        }
        let (pixels, Size { width, height }) = whole.with_lines(most)?;
        Ok(RgbImage::from_raw(width, height, pixels).map_or(whole, |picture| Self { picture }))
    }

    /// With so many lines.
    fn with_lines(&self, lines: u32) -> Result<(Vec<u8>, Size)> {
        let (width, height) = self.picture.dimensions();
        let scale = f64::from(lines) / f64::from(width.min(height));
        let side = |side: u32| ((f64::from(side) * scale).round() as u32).max(lines);
        // Of a ribbon no more than is looked at.
        let (most, own) = (16 * lines, Size { width, height });
        let to = Size { width: side(width).min(most), height: side(height).min(most) };
        let filter = if scale < 1.0 { Filter::Box } else { Filter::CatmullRom };
        let pixels = Pixels { bytes: self.picture.as_raw(), size: own };
        Ok((Resizer::default().pixels(pixels, to, filter)?, to))
    }
}

/// One patch and its next moment, as the network takes them.
pub(super) struct Scene {
    pub(super) lines: u32,
    /// Three planes in the painting's colours.
    pub(super) patch: Vec<f32>,
    pub(super) noise: Vec<f32>,
    pub(super) next_patch: Vec<f32>,
    pub(super) next_noise: Vec<f32>,
    /// The crop in the photo's own colours.
    pub(super) original: Vec<f32>,
    /// For each square of the next crop, the pixels of the patch that it is the mean of, and what each counts for.
    pub(super) from: Vec<f32>,
    pub(super) share: Vec<f32>,
}

impl Scene {
    pub(super) fn random(random: &mut Rng, photo: &Photo, painting: &ColorMoments) -> Result<Self> {
        let mut dice = random.f32() * LINES.iter().map(|(_, share)| share).sum::<f32>();
        let chosen = LINES.iter().find(|(_, share)| {
            dice -= share;
            dice < 0.0
        });
        let lines = chosen.unwrap_or(&LINES[0]).0;
        let (pixels, size) = photo.with_lines(lines)?;
        let colors = ColorMap::between(&ColorMoments::of::<3>(&pixels, size.width as usize), painting);
        let mut own = cut(random, &pixels, size);
        if random.f32() < BENT {
            let bend = Bend::random(random, 4, BEND * PATCH as f32);
            own = moved(&own, |x, y| {
                let [right, down] = bend.at((x + 0.5) / PATCH as f32, (y + 0.5) / PATCH as f32);
                [x + right, y + down]
            });
            own.iter_mut().for_each(|value| *value = value.clamp(0.0, 1.0));
        }
        if random.f32() < PLAIN {
            cover(random, &mut own);
        }
        let patch = recolored(&own, &colors);
        let motion = Motion::random(random);
        let mut next_patch = moved(&patch, |x, y| motion.at(x, y));
        let grain = CAMERA * random.f32();
        next_patch.iter_mut().for_each(|value| *value = (*value + grain * normal(random)).clamp(0.0, 1.0));
        // Whole steps of the coarsest lattice: its nodes stay where they are among the cells.
        let begin = [0, 1].map(|_| (random.i32(0..FAR) << (OCTAVES - 1)) as f32 / 4.0);
        let noise = smeared(&patch, |x, y| [x + begin[0], y + begin[1]]);
        let next_noise = smeared(&next_patch, |x, y| {
            let middle = |cell: f32| (cell + 0.5) * CELL as f32 - 0.5;
            let came = motion.at(middle(x), middle(y));
            [0, 1].map(|axis| (came[axis] + 0.5) / CELL as f32 - 0.5 + begin[axis])
        });
        let (from, share) = motion.squares();
        Ok(Self { lines, original: inner(&own), patch, noise, next_patch, next_noise, from, share })
    }

    pub(super) fn noise_shape(&self) -> [usize; 4] {
        [1, OCTAVES, CELLS, CELLS]
    }

    pub(super) fn still_shape(&self) -> [usize; 2] {
        [SQUARES * SQUARES, WINDOW * WINDOW]
    }
}

/// A move of the camera and a bend of the scene: where the pixels of the next moment were before.
struct Motion {
    shift: [f32; 2],
    turn: [f32; 2],
    bend: Bend,
}

impl Motion {
    fn random(random: &mut Rng) -> Self {
        let shift = [0, 1].map(|_| (2.0 * random.f32() - 1.0) * SHIFT);
        let (angle, zoom) = (TURN * normal(random), (TURN * normal(random)).exp());
        let turn = [zoom * angle.cos(), zoom * angle.sin()];
        Self { shift, turn, bend: Bend::random(random, 6, WAVER) }
    }

    /// In pixels.
    fn at(&self, x: f32, y: f32) -> [f32; 2] {
        let middle = (PATCH - 1) as f32 / 2.0;
        let [across, along] = self.turn;
        let (right, down) = (x - middle, y - middle);
        let bend = self.bend.at((x + 0.5) / PATCH as f32, (y + 0.5) / PATCH as f32);
        let turned = [across * right - along * down, along * right + across * down];
        [0, 1].map(|axis| middle + turned[axis] + self.shift[axis] + bend[axis])
    }

    /// The pixels that the next crop's squares are the means of, and their shares.
    fn squares(&self) -> (Vec<f32>, Vec<f32>) {
        let of_square = |square: usize| {
            let corner = [square % SQUARES, square / SQUARES].map(|k| ROOM + STEADY * k);
            let place = |k: usize| self.at((corner[0] + k % STEADY) as f32, (corner[1] + k / STEADY) as f32);
            let places: Vec<_> = (0..STEADY * STEADY).map(place).collect();
            let least = |axis: usize| places.iter().map(|place| place[axis]).fold(f32::INFINITY, f32::min);
            let first = [0, 1].map(|axis| least(axis).floor() as i64 - 1);
            let mut share = [0.0; WINDOW * WINDOW];
            for [x, y] in places {
                let (right, down) = (x.floor() as i64 - 1 - first[0], y.floor() as i64 - 1 - first[1]);
                let (x, y) = (Taps::new(x, PATCH), Taps::new(y, PATCH));
                for k in 0..16 {
                    let column = (right as usize + k % 4).min(WINDOW - 1);
                    let row = (down as usize + k / 4).min(WINDOW - 1);
                    let counts = x.share[k % 4] * y.share[k / 4];
                    share[row * WINDOW + column] += counts / (STEADY * STEADY) as f32;
                }
            }
            let pixel = |k: usize| {
                let at = |axis: usize, step: usize| mirrored(first[axis] + step as i64, PATCH);
                (at(1, k / WINDOW) * PATCH + at(0, k % WINDOW)) as f32
            };
            ((0..WINDOW * WINDOW).map(pixel).collect::<Vec<_>>(), share)
        };
        let (from, share): (Vec<_>, Vec<_>) =
            (0..SQUARES * SQUARES).into_par_iter().map(of_square).collect::<Vec<_>>().into_iter().unzip();
        (from.concat(), share.concat())
    }
}

/// A random square of a picture, mirrored half of the time, as three planes of 0 to 1.
fn cut(random: &mut Rng, pixels: &[u8], size: Size) -> Vec<f32> {
    let (width, height) = (size.width as usize, size.height as usize);
    let (left, top) = (random.usize(..=width - PATCH), random.usize(..=height - PATCH));
    let turned = random.bool();
    let value = |k: usize| {
        let (channel, y, x) = (k / (PATCH * PATCH), k / PATCH % PATCH, k % PATCH);
        let x = if turned { PATCH - 1 - x } else { x };
        f32::from(pixels[((top + y) * width + left + x) * 3 + channel]) / 255.0
    };
    (0..3 * PATCH * PATCH).map(value).collect()
}

/// Three planes at the places that each pixel came from.
fn moved(planes: &[f32], from: impl Fn(f32, f32) -> [f32; 2] + Sync) -> Vec<f32> {
    let mut out = vec![0.0; planes.len()];
    let mut rows: Vec<Vec<&mut [f32]>> = (0..PATCH).map(|_| Vec::new()).collect();
    out.chunks_exact_mut(PATCH).enumerate().for_each(|(k, row)| rows[k % PATCH].push(row));
    rows.par_iter_mut().enumerate().for_each(|(y, rows)| {
        for x in 0..PATCH {
            let [column, row] = from(x as f32, y as f32).map(|place| Taps::new(place, PATCH));
            for (out, plane) in rows.iter_mut().zip(planes.chunks_exact(PATCH * PATCH)) {
                out[x] = value(plane, PATCH, &column, &row);
            }
        }
    });
    out
}

/// Covers one side of a random line by a shaded plain colour, dark more often than not: photos have few walls, skies and nights
/// as large as those of a video.
fn cover(random: &mut Rng, planes: &mut [f32]) {
    let signed = |random: &mut Rng| 2.0 * random.f32() - 1.0;
    let (angle, light) = (TAU * random.f32(), random.f32());
    let color = [0, 1, 2].map(|_| light * random.f32());
    let (down, right, offset) = (signed(random), signed(random), 0.5 * signed(random));
    for (channel, plane) in planes.chunks_exact_mut(PATCH * PATCH).enumerate() {
        for (k, pixel) in plane.iter_mut().enumerate() {
            let [x, y] = [k % PATCH, k / PATCH].map(|at| 2.0 * at as f32 / (PATCH - 1) as f32 - 1.0);
            let covered = 1.0 / (1.0 + (-40.0 * (y * angle.sin() + x * angle.cos() - offset)).exp());
            let shade = (color[channel] * (1.0 + 0.2 * (y * down + x * right))).clamp(0.0, 1.0);
            *pixel += (shade - *pixel) * covered;
        }
    }
}

fn recolored(planes: &[f32], colors: &ColorMap) -> Vec<f32> {
    let count = planes.len() / 3;
    let mut out = vec![0.0; planes.len()];
    for k in 0..count {
        let color = colors.apply([planes[k], planes[count + k], planes[2 * count + k]]);
        (0..3).for_each(|channel| out[channel * count + k] = color[channel]);
    }
    out
}

/// Without the room around the crop.
fn inner(planes: &[f32]) -> Vec<f32> {
    let rows = planes.chunks_exact(PATCH).enumerate();
    let inside = rows.filter(|(k, _)| (ROOM..PATCH - ROOM).contains(&(k % PATCH)));
    inside.flat_map(|(_, row)| &row[ROOM..PATCH - ROOM]).copied().collect()
}

/// Noise along the forms of a patch, from where each cell's comes from.
fn smeared(patch: &[f32], from: impl Fn(f32, f32) -> [f32; 2]) -> Vec<f32> {
    let mut orientation = Orientation::default();
    let (mut luminance, mut noise) = (Vec::new(), Vec::new());
    cell_luminance(patch, [CELLS; 2], &mut luminance);
    orientation.update(&luminance, [CELLS; 2], None);
    let places: Vec<_> = (0..CELLS * CELLS).map(|k| from((k % CELLS) as f32, (k / CELLS) as f32)).collect();
    orientation.smear(&noise_at(&places), &mut noise);
    noise
}

#[cfg(test)]
mod tests;
