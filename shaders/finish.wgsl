// Puts the painting on the frame: enlarges it along the frame's own edges where
// it was painted smaller, keeps the frame's colours if asked to, lights the
// paint, and blends; where the subject is told from the background, it blends
// by the mask, drawn along the same edges, and puts another background behind.
//
// Twins: src/paint/composite/cpu.rs and src/paint/relief.rs, kept in the same order and with the same names; tests
// hold the two within 1/255.

struct Params {
    /// Frame size in pixels.
    size: vec2<u32>,
    /// Size of the painting.
    canvas: vec2<u32>,
    /// 0 leaves the frame, 1 the painting.
    strength: f32,
    /// 1 keeps the frame's colours and takes only the painting's light and dark.
    keep: f32,
    /// Columns and rows of the light.
    grid: vec2<u32>,
    /// How much of a colour the light may add or take; 0 leaves the paint flat.
    depth: f32,
    /// Size of the mask.
    cut: vec2<u32>,
    /// How much of the painting lies on the subject and on the background; both 1 without a mask.
    shares: vec2<f32>,
    /// Size of what shows behind the subject; 0 leaves the background.
    behind_size: vec2<u32>,
}

@group(0) @binding(0) var<uniform> params: Params;
/// -1 (away from the light) to 1 (towards it), row by row.
@group(0) @binding(1) var<storage, read> light: array<f32>;
@group(0) @binding(2) var frame: texture_2d<f32>;
/// The frame as the painter saw it, of the canvas's size.
@group(0) @binding(3) var seen: texture_2d<f32>;
@group(0) @binding(4) var painted: texture_2d<f32>;
/// The frame at the mask's size; alpha is the mask, 1 where the subject is.
@group(0) @binding(5) var cutout: texture_2d<f32>;
@group(0) @binding(6) var behind: texture_2d<f32>;
@group(0) @binding(7) var finished: texture_storage_2d<rgba8unorm, write>;

/// Square of the colour difference, in 0..3, at which a neighbour counts a quarter.
const TOLERANCE: f32 = 0.01;
/// What a neighbour of any colour counts: nothing is ever divided by zero.
const LEAST: f32 = 0.001;
/// What a slope that faces the light by more than so much throws back whatever its colour, and its share.
const SHINE_FROM: f32 = 0.55;
const SHINE: f32 = 0.2;

/// Joint bilateral upsampling (Kopf et al., 2007): of the four painted pixels
/// around, those count most under which the painter saw this pixel's colour.
fn enlarged(at: vec2<u32>, own: vec3<f32>) -> vec3<f32> {
    if all(params.size == params.canvas) {
        return textureLoad(painted, at, 0).rgb;
    }
    let position = (vec2<f32>(at) + 0.5) * vec2<f32>(params.canvas) / vec2<f32>(params.size) - 0.5;
    let corner = floor(position);
    let f = position - corner;
    let last = vec2<i32>(params.canvas) - 1;
    var sum = vec3(0.0);
    var total = 0.0;
    for (var j = 0; j < 2; j++) {
        for (var i = 0; i < 2; i++) {
            let from_ = clamp(vec2<i32>(corner) + vec2(i, j), vec2(0), last);
            let off = textureLoad(seen, from_, 0).rgb - own;
            let alike = 1.0 / (1.0 + dot(off, off) / TOLERANCE);
            let near = select(1.0 - f.x, f.x, i == 1) * select(1.0 - f.y, f.y, j == 1);
            let weight = near * (alike * alike + LEAST);
            sum += weight * textureLoad(painted, from_, 0).rgb;
            total += weight;
        }
    }
    return sum / total;
}

/// The mask at a pixel: of the sixteen cells around, those count most that have this pixel's colour.
fn subject_at(at: vec2<u32>, own: vec3<f32>) -> f32 {
    let position = (vec2<f32>(at) + 0.5) * vec2<f32>(params.cut) / vec2<f32>(params.size) - 0.5;
    let corner = floor(position);
    let f = position - corner;
    let last = vec2<i32>(params.cut) - 1;
    var sum = 0.0;
    var total = 0.0;
    for (var j = -1; j < 3; j++) {
        for (var i = -1; i < 3; i++) {
            let cell = textureLoad(cutout, clamp(vec2<i32>(corner) + vec2(i, j), vec2(0), last), 0);
            let off = cell.rgb - own;
            let alike = 1.0 / (1.0 + dot(off, off) / TOLERANCE);
            let near = (2.0 - abs(f32(i) - f.x)) * (2.0 - abs(f32(j) - f.y));
            let weight = near * (alike * alike + LEAST);
            sum += weight * cell.a;
            total += weight;
        }
    }
    return sum / total;
}

/// What shows behind a pixel, bilinear; alpha is how much of a picture that is.
fn behind_at(at: vec2<u32>) -> vec4<f32> {
    let last = vec2<f32>(params.behind_size) - 1.0;
    let position = clamp((vec2<f32>(at) + 0.5) * vec2<f32>(params.behind_size) / vec2<f32>(params.size) - 0.5, vec2(0.0), last);
    let corner = vec2<u32>(position);
    let next = min(corner + 1u, params.behind_size - 1u);
    let share = position - vec2<f32>(corner);
    let upper = mix(textureLoad(behind, corner, 0), textureLoad(behind, vec2(next.x, corner.y), 0), share.x);
    let lower = mix(textureLoad(behind, vec2(corner.x, next.y), 0), textureLoad(behind, next, 0), share.x);
    return mix(upper, lower, share.y);
}

fn linear(c: vec3<f32>) -> vec3<f32> {
    return select(pow((c + 0.055) / 1.055, vec3(2.4)), c / 12.92, c <= vec3(0.04045));
}

fn encoded(c: vec3<f32>) -> vec3<f32> {
    let l = max(c, vec3(0.0));
    return select(1.055 * pow(l, vec3(1.0 / 2.4)) - 0.055, l * 12.92, l <= vec3(0.0031308));
}

/// Oklab (Ottosson, 2020) of sRGB.
fn to_lab(c: vec3<f32>) -> vec3<f32> {
    let rgb = linear(c);
    let l = dot(vec3(0.4122214708, 0.5363325363, 0.0514459929), rgb);
    let m = dot(vec3(0.2119034982, 0.6806995451, 0.1073969566), rgb);
    let s = dot(vec3(0.0883024619, 0.2817188376, 0.6299787005), rgb);
    let root = pow(vec3(l, m, s), vec3(1.0 / 3.0));
    return vec3(
        dot(vec3(0.2104542553, 0.7936177850, -0.0040720468), root),
        dot(vec3(1.9779984951, -2.4285922050, 0.4505937099), root),
        dot(vec3(0.0259040371, 0.7827717662, -0.8086757660), root),
    );
}

fn from_lab(lab: vec3<f32>) -> vec3<f32> {
    let l = dot(vec3(1.0, 0.3963377774, 0.2158037573), lab);
    let m = dot(vec3(1.0, -0.1055613458, -0.0638541728), lab);
    let s = dot(vec3(1.0, -0.0894841775, -1.2914855480), lab);
    let cube = vec3(l * l * l, m * m * m, s * s * s);
    return encoded(vec3(
        dot(vec3(4.0767416621, -3.3077115913, 0.2309699292), cube),
        dot(vec3(-1.2684380046, 2.6097574011, -0.3413193965), cube),
        dot(vec3(-0.0041960863, -0.7034186147, 1.7076147010), cube),
    ));
}

/// Light and dark of `over` with the hue and chroma of `own`; less chroma where
/// it has become darker or lighter, as screens cannot show it there.
fn recoloured(over: vec3<f32>, own: vec3<f32>) -> vec3<f32> {
    let light = to_lab(over).x;
    let lab = to_lab(own);
    let room = min(light / max(lab.x, 0.001), (1.0 - light) / max(1.0 - lab.x, 0.001));
    return clamp(from_lab(vec3(light, lab.yz * clamp(room, 0.0, 1.0))), vec3(0.0), vec3(1.0));
}

/// The light on a pixel, bilinear.
fn light_at(at: vec2<u32>) -> f32 {
    let last = vec2<f32>(params.grid) - 1.0;
    let position = clamp((vec2<f32>(at) + 0.5) * vec2<f32>(params.grid) / vec2<f32>(params.size) - 0.5, vec2(0.0), last);
    let corner = vec2<u32>(position);
    let next = min(corner + 1u, params.grid - 1u);
    let share = position - vec2<f32>(corner);
    let upper = corner.y * params.grid.x;
    let lower = next.y * params.grid.x;
    let left = mix(light[upper + corner.x], light[lower + corner.x], share.y);
    let right = mix(light[upper + next.x], light[lower + next.x], share.y);
    return mix(left, right, share.x);
}

/// A colour under the light.
fn lit(over: vec3<f32>, at: vec2<u32>) -> vec3<f32> {
    let towards = light_at(at);
    let shine = SHINE * params.depth * max(towards - SHINE_FROM, 0.0);
    return min(over * (1.0 + params.depth * towards) + shine, vec3(1.0));
}

@compute @workgroup_size(16, 8)
fn finish(@builtin(global_invocation_id) id: vec3<u32>) {
    if any(id.xy >= params.size) {
        return;
    }
    let texel = textureLoad(frame, id.xy, 0);
    let own = texel.rgb;
    var over = enlarged(id.xy, own);
    if params.keep > 0.0 {
        over = recoloured(over, own);
    }
    if params.depth > 0.0 {
        over = lit(over, id.xy);
    }
    let subject = subject_at(id.xy, own);
    var shown = mix(own, over, params.strength * mix(params.shares.y, params.shares.x, subject));
    var alpha = texel.a;
    if params.behind_size.x > 0u {
        let behind = behind_at(id.xy);
        shown = mix(behind.rgb, shown, subject);
        alpha *= mix(behind.a, 1.0, subject);
    }
    textureStore(finished, id.xy, vec4(shown, alpha));
}
