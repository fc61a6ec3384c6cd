//! The committed networks that paint, on real pictures: the styler against
//! PyTorch's own gradients, the painter on still and moving scenes; and the
//! commands that use them.

mod any_gpu;
mod commands;
mod distill;
mod kit;
mod painter;
#[path = "../common/quality.rs"]
mod quality;
mod regions;
mod styler;
mod textures;
mod tuner;
