//! A coarse grid under a picture: its values at every pixel, bilinear, a row at a time.

use crate::frame::Size;

/// For every column of a picture the cells of a grid around it, and the second one's share. Kept from picture to
/// picture, for as long as neither has another width.
#[derive(Default)]
pub(crate) struct GridColumns {
    /// Cells, pixels to a cell, and pixels.
    across: Option<(usize, f32, u32)>,
    columns: Vec<(u32, u32, f32)>,
}

impl GridColumns {
    fn of(&mut self, cells: usize, pitch: f32, width: u32) -> &[(u32, u32, f32)] {
        if self.across.replace((cells, pitch, width)) != Some((cells, pitch, width)) {
            self.columns.clear();
            self.columns.extend((0..width).map(|x| {
                let [left, right, share] = between(x as f32, pitch, cells);
                (left as u32, right as u32, share)
            }));
        }
        &self.columns
    }
}

/// The values of a coarse grid at every pixel, bilinear as [`between`] has it, a row at a time.
pub(crate) struct GridRows<'a, const N: usize> {
    grid: &'a [[f32; N]],
    down: usize,
    pitch: f32,
    columns: &'a [(u32, u32, f32)],
    across: usize,
}

impl<'a, const N: usize> GridRows<'a, N> {
    /// A grid of `across` x `down` cells, so many pixels to a cell, under a picture of this size.
    pub(crate) fn new(
        grid: &'a [[f32; N]],
        [across, down]: [usize; 2],
        pitch: [f32; 2],
        size: Size,
        columns: &'a mut GridColumns,
    ) -> Self {
        Self { grid, down, pitch: pitch[1], columns: columns.of(across, pitch[0], size.width), across }
    }

    /// The values along a row of pixels; `out` is filled anew.
    pub(crate) fn row(&self, y: usize, out: &mut Vec<[f32; N]>) {
        let [upper, lower, share] = between(y as f32, self.pitch, self.down);
        let of = |row: f32| &self.grid[row as usize * self.across..][..self.across];
        let (upper, lower) = (of(upper), of(lower));
        out.clear();
        out.extend(self.columns.iter().map(|&(left, right, along)| {
            let at = |column: u32| mix(upper[column as usize], lower[column as usize], share);
            mix(at(left), at(right), along)
        }));
    }
}

/// The two cells of a coarser grid around a place (0 is the middle of the first pixel) along one axis, and
/// the second one's share; `pitch` is in pixels to a cell. Beyond the edge, the edge.
#[inline(always)]
pub(super) fn between(place: f32, pitch: f32, cells: usize) -> [f32; 3] {
    let last = (cells - 1) as f32;
    let at = ((place + 0.5) / pitch - 0.5).clamp(0.0, last);
    let first = at.floor();
    [first, (first + 1.0).min(last), at - first]
}

#[inline(always)]
pub(super) fn mix<const N: usize>(a: [f32; N], b: [f32; N], share: f32) -> [f32; N] {
    let mut mixed = [0.0; N];
    for k in 0..N {
        mixed[k] = a[k] + (b[k] - a[k]) * share;
    }
    mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_made_anew_for_another_grid_or_picture() {
        let mut kept = GridColumns::default();
        for (cells, pitch, width) in [(4, 10.0, 40), (4, 10.0, 40), (4, 9.0, 36), (5, 9.0, 36), (5, 9.0, 7)] {
            let fresh = GridColumns::default().of(cells, pitch, width).to_vec();
            assert_eq!(kept.of(cells, pitch, width), fresh, "{cells} cells of {pitch} over {width}");
        }
    }
}
