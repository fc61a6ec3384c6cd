// Backward warp of a picture by a coarse field of displacements.
//
// Twin: src/warp/remap/cpu.rs, kept in the same order and with the same names; tests
// hold the two within 1/255. Texels are read with textureLoad and blended here,
// not by a sampler, whose 8-bit weights would differ between GPUs.

struct Params {
    /// Picture size in pixels.
    size: vec2<u32>,
    /// Control points across and down, without padding.
    grid: vec2<u32>,
}

@group(0) @binding(0) var<uniform> params: Params;
/// Displacements in fractions of the frame, padded by two on each side.
@group(0) @binding(1) var<storage, read> control: array<vec2<f32>>;
/// Samples across and down for each spline cell, in the low and high halves.
@group(0) @binding(2) var<storage, read> taps: array<u32>;
@group(0) @binding(3) var source: texture_2d<f32>;
@group(0) @binding(4) var warped: texture_storage_2d<rgba8unorm, write>;

/// Weights of the uniform cubic B-spline at t in 0..1.
fn cubic_weights(t: f32) -> vec4<f32> {
    let s = 1.0 - t;
    return vec4(
        s * s * s,
        4.0 - 6.0 * t * t + 3.0 * t * t * t,
        4.0 - 6.0 * s * s + 3.0 * s * s * s,
        t * t * t,
    ) / 6.0;
}

/// Their derivatives by t.
fn cubic_slopes(t: f32) -> vec4<f32> {
    let s = 1.0 - t;
    return vec4(-s * s, 3.0 * t * t - 4.0 * t, 4.0 * s - 3.0 * s * s, t * t) / 2.0;
}

/// Outside the picture its mirror image continues it: nearby pixels fill the
/// edge without the streaks that a repeated border leaves.
fn mirrored(at: i32, len: i32) -> i32 {
    let period = 2 * len;
    let wrapped = ((at % period) + period) % period;
    return min(wrapped, period - 1 - wrapped);
}

fn texel(at: vec2<i32>) -> vec4<f32> {
    let size = vec2<i32>(params.size);
    return textureLoad(source, vec2(mirrored(at.x, size.x), mirrored(at.y, size.y)), 0);
}

/// Bilinear sample; whole numbers are texel centres.
fn bilinear(at: vec2<f32>) -> vec4<f32> {
    let corner = floor(at);
    let f = at - corner;
    let c = vec2<i32>(corner);
    let top = mix(texel(c), texel(c + vec2(1, 0)), f.x);
    let bottom = mix(texel(c + vec2(0, 1)), texel(c + vec2(1, 1)), f.x);
    return mix(top, bottom, f.y);
}

@compute @workgroup_size(16, 8)
fn remap(@builtin(global_invocation_id) id: vec3<u32>) {
    if any(id.xy >= params.size) {
        return;
    }
    let size = vec2<f32>(params.size);
    let grid = vec2<f32>(params.grid);
    let pixel = vec2<f32>(id.xy);

    // Displacement and its derivatives, from 4x4 control points.
    let at = (pixel + 0.5) / size * grid - 0.5;
    let cell = floor(at);
    let t = at - cell;
    let wx = cubic_weights(t.x);
    let wy = cubic_weights(t.y);
    let sx = cubic_slopes(t.x);
    let sy = cubic_slopes(t.y);
    let columns = params.grid.x + 4u;
    let corner = vec2<u32>(vec2<i32>(cell) + 1);
    var shift = vec2(0.0);
    var by_x = vec2(0.0);
    var by_y = vec2(0.0);
    for (var j = 0u; j < 4u; j++) {
        for (var i = 0u; i < 4u; i++) {
            let value = control[(corner.y + j) * columns + corner.x + i];
            shift += wx[i] * wy[j] * value;
            by_x += sx[i] * wy[j] * value;
            by_y += wx[i] * sy[j] * value;
        }
    }
    let centre = pixel + shift * size;

    // Where the warp shrinks the picture, an output pixel covers several source
    // pixels: average taps spread over that footprint, none where there is none.
    let packed = taps[corner.y * (params.grid.x + 1u) + corner.x];
    let count = vec2(packed & 0xffffu, packed >> 16u);
    if all(count == vec2(1u)) {
        textureStore(warped, id.xy, bilinear(centre));
        return;
    }
    let step_x = vec2(1.0, 0.0) + by_x * size * (grid.x / size.x);
    let step_y = vec2(0.0, 1.0) + by_y * size * (grid.y / size.y);
    let spread_x = step_x * clamp(length(step_x) - 1.0, 0.0, 1.0);
    let spread_y = step_y * clamp(length(step_y) - 1.0, 0.0, 1.0);
    var sum = vec4(0.0);
    for (var j = 0u; j < count.y; j++) {
        let along_y = (f32(j) + 0.5) / f32(count.y) - 0.5;
        for (var i = 0u; i < count.x; i++) {
            let along_x = (f32(i) + 0.5) / f32(count.x) - 0.5;
            sum += bilinear(centre + spread_x * along_x + spread_y * along_y);
        }
    }
    textureStore(warped, id.xy, sum / f32(count.x * count.y));
}
