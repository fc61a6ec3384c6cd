//! Reading a picture between its pixels, eight places at a time.
//!
//! Everything here is inlined into the row loop of [`crate::warp::remap::cpu`], which is
//! compiled for several instruction sets; that is why every function asks for it.

/// Places sampled together: one AVX2 register of floats.
pub(super) const LANES: usize = 8;

/// All x, all y, in pixels; whole numbers are texel centres.
pub(super) type Places = [[f32; LANES]; 2];

/// A picture of packed RGBA.
#[derive(Clone, Copy)]
pub(super) struct Texels<'a> {
    pub(super) pixels: &'a [u8],
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Mean over the taps of each pixel's footprint.
#[inline(always)]
pub(super) fn average(
    texels: Texels,
    at: Places,
    [spread_x, spread_y]: [Places; 2],
    taps: [u32; 2],
) -> [[f32; LANES]; 4] {
    let mut sum = [[0.0; LANES]; 4];
    for j in 0..taps[1] {
        let v = (j as f32 + 0.5) / taps[1] as f32 - 0.5;
        for i in 0..taps[0] {
            let u = (i as f32 + 0.5) / taps[0] as f32 - 0.5;
            let tap = [0, 1].map(|axis| {
                std::array::from_fn(|k| at[axis][k] + spread_x[axis][k] * u + spread_y[axis][k] * v)
            });
            let colour = sample(texels, tap);
            for (sum, colour) in sum.iter_mut().zip(colour) {
                for (sum, colour) in sum.iter_mut().zip(colour) {
                    *sum += colour;
                }
            }
        }
    }
    let scale = 1.0 / (taps[0] * taps[1]) as f32;
    sum.map(|channel| channel.map(|value| value * scale))
}

/// Bilinear samples in 0..255, channel by channel; whole numbers are texel
/// centres. Loads are scalar; everything else is plain loops over the lanes, the
/// shape that compiles to vector code (iterator chains and `map` did not).
#[inline(always)]
pub(super) fn sample(Texels { pixels, width, height }: Texels, [xs, ys]: Places) -> [[f32; LANES]; 4] {
    let [mut fx, mut fy] = [[0.0; LANES]; 2];
    let [mut x0, mut y0] = [[0; LANES]; 2];
    for k in 0..LANES {
        let (left, top) = (xs[k].floor(), ys[k].floor());
        (fx[k], fy[k]) = (xs[k] - left, ys[k] - top);
        (x0[k], y0[k]) = (whole(left), whole(top));
    }
    let mut outside = false;
    for k in 0..LANES {
        outside |= (x0[k] < 0) | (y0[k] < 0) | (x0[k] >= width as i32 - 1) | (y0[k] >= height as i32 - 1);
    }
    let [mut a, mut b, mut c, mut d] = [[0u32; LANES]; 4];
    if outside {
        for k in 0..LANES {
            let [left, right] = [0, 1].map(|step| mirrored(x0[k], step, width));
            let [top, bottom] = [0, 1].map(|step| mirrored(y0[k], step, height) * width);
            (a[k], b[k]) = (texel(pixels, top + left), texel(pixels, top + right));
            (c[k], d[k]) = (texel(pixels, bottom + left), texel(pixels, bottom + right));
        }
    } else {
        for k in 0..LANES {
            let top = y0[k] as usize * width + x0[k] as usize;
            [a[k], b[k]] = pair(pixels, top);
            [c[k], d[k]] = pair(pixels, top + width);
        }
    }
    let mut colour = [[0.0; LANES]; 4];
    for (channel, colour) in colour.iter_mut().enumerate() {
        let of = |texel: u32| ((texel >> (8 * channel)) & 255) as i32 as f32;
        for k in 0..LANES {
            let top = of(a[k]) + (of(b[k]) - of(a[k])) * fx[k];
            let bottom = of(c[k]) + (of(d[k]) - of(c[k])) * fx[k];
            colour[k] = top + (bottom - top) * fy[k];
        }
    }
    colour
}

/// A texel and the one after it, in one load.
#[inline(always)]
fn pair(pixels: &[u8], at: usize) -> [u32; 2] {
    let bytes: &[u8; 8] = pixels[at * 4..at * 4 + 8].try_into().expect("eight bytes");
    let both = u64::from_le_bytes(*bytes);
    [both as u32, (both >> 32) as u32]
}

#[inline(always)]
fn texel(pixels: &[u8], at: usize) -> u32 {
    let bytes = &pixels[at * 4..at * 4 + 4];
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// A float that is a whole number of less than 2^22, as an integer; any other
/// gives some integer. Adding 1.5 * 2^23 leaves the number in the low bits, which
/// costs one instruction where a saturating cast takes five.
#[inline(always)]
fn whole(value: f32) -> i32 {
    ((value + 12_582_912.0).to_bits() as i32).wrapping_sub(0x4b40_0000)
}

/// The nearest level to a value in 0..=255, by the same device.
#[inline(always)]
pub(super) fn level(value: f32) -> u32 {
    (value + 8_388_608.0).to_bits() & 255
}

/// The place `step` after `at`; outside the picture its mirror image continues it.
#[inline(always)]
pub(super) fn mirrored(at: i32, step: i64, len: usize) -> usize {
    let period = 2 * len as i64;
    let wrapped = (i64::from(at) + step).rem_euclid(period);
    wrapped.min(period - 1 - wrapped) as usize
}
