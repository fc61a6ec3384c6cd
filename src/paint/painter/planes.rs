//! A frame as the painter's network takes it, and the network's answer as a picture.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::frame::Size;
use crate::paint::noise::CELL;
use crate::paint::recolor::{ColorMap, LUMINANCE, recolor_row};

/// What the network takes as zero.
const GREY: f32 = 0.5;

/// Packed RGBA of a size -> three planes, recoloured, less [`GREY`], continued by their mirror image.
pub(super) fn fill_planes(
    pixels: &[u8],
    size: Size,
    colors: &ColorMap,
    planes: &mut [f32],
    [width, height]: [usize; 2],
) {
    let (w, h) = (size.width as usize, size.height as usize);
    let (red, rest) = planes.split_at_mut(width * height);
    let (green, blue) = rest.split_at_mut(width * height);
    let rows = red
        .par_chunks_exact_mut(width)
        .zip(green.par_chunks_exact_mut(width))
        .zip(blue.par_chunks_exact_mut(width));
    rows.enumerate().for_each(|(y, ((red, green), blue))| {
        let source = &pixels[mirrored(y, h) * w * 4..][..w * 4];
        recolor_row(colors, source, [&mut red[..w], &mut green[..w], &mut blue[..w]], GREY);
        for plane in [red, green, blue] {
            for x in w..width {
                plane[x] = plane[mirrored(x, w)];
            }
        }
    });
}

/// Fills `cells` with the mean luminance of the cells of three planes.
pub(crate) fn cell_luminance(planes: &[f32], [across, down]: [usize; 2], cells: &mut Vec<f32>) {
    let (width, plane) = (across * CELL, across * down * CELL * CELL);
    cells.clear();
    cells.resize(across * down, 0.0);
    cells.par_chunks_exact_mut(across).enumerate().for_each(|(row, cells)| {
        for (channel, weight) in LUMINANCE.iter().enumerate() {
            let rows = &planes[channel * plane + row * CELL * width..][..CELL * width];
            for line in rows.chunks_exact(width) {
                for (cell, values) in cells.iter_mut().zip(line.chunks_exact(CELL)) {
                    *cell += values.iter().sum::<f32>() * weight / (CELL * CELL) as f32;
                }
            }
        }
    });
}

/// Fills `pixels` with packed RGBA of a size from the network's cells: channel `16 c + 4 y + x` is colour c of the
/// pixel in row y and column x of each cell.
pub(super) fn write_pixels(cells: &[f32], [across, down]: [usize; 2], size: Size, pixels: &mut Vec<u8>) {
    let width = size.width as usize;
    pixels.resize(size.rgba_bytes(), 255);
    pixels.par_chunks_exact_mut(width * 4).enumerate().for_each(|(y, row)| {
        let values: [&[f32]; 3 * CELL] = std::array::from_fn(|channel| {
            let (colour, x) = (channel / CELL, channel % CELL);
            let plane = (colour * CELL + y % CELL) * CELL + x;
            &cells[(plane * down + y / CELL) * across..][..across]
        });
        cells_row(&values, row);
    });
}

/// A row of packed RGBA from the twelve values of each cell: four of red, of green, of blue.
#[multiversion(targets("x86_64+avx2+fma", "x86_64+sse4.1"))]
fn cells_row(values: &[&[f32]; 3 * CELL], row: &mut [u8]) {
    for (cell, pixels) in row.chunks_mut(4 * CELL).enumerate() {
        let mut whole = [255; 4 * CELL];
        for (x, pixel) in whole.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            for colour in 0..3 {
                pixel[colour] = (values[colour * CELL + x][cell] * 255.0 + 0.5) as u8;
            }
        }
        pixels.copy_from_slice(&whole[..pixels.len()]);
    }
}

/// The place of a picture of `len` that continues it at `at`.
pub(crate) fn mirrored(at: usize, len: usize) -> usize {
    let wrapped = at % (2 * len);
    wrapped.min(2 * len - 1 - wrapped)
}
