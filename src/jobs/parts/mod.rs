//! A film in parts, for machines that know nothing of each other: [`split`] writes a [`Plan`] into a folder,
//! [`render`] makes one part of it there, [`join`] makes the film.
//!
//! Parts begin at hard cuts ([`crate::scene_change`]), where warp and paint forget all that was, so that a part
//! is bit for bit what a single run makes there: frames are read at the film's own times, and the few before
//! the cut are looked at so that it is seen as one. A shot longer than a part is divided where the grain of the
//! canvas begins a new count (`paint::pan`); there the frames that the next one depends on are drawn
//! first and not kept, and the shot is looked at from its beginning, where it was decided who is followed.
//!
//! [`split`]: split::split
//! [`render`]: render::render
//! [`join`]: join::join

pub mod error;
mod film;
pub mod join;
mod look_record;
mod plan;
pub mod render;
mod seams;
pub mod split;
pub mod trial;

pub use plan::{PartSpec, Plan, Settings};
