//! Painting: a warped frame takes over the brushwork of a painting.
//!
//! In: frames, and a style. Out: painted frames. In order: [`style_spec`] says what was asked for and
//! [`style`] what the network needs of it ([`style_encoder`] predicts it for an unknown painting);
//! [`recolor`] gives the frame the painting's colours; `noise` is where strokes begin, smeared along the
//! forms by `orientation` and moved along by [`flow`] and `pan`; [`painter`] runs the network, `crossfade` lets one
//! painter follow another; [`stabilize`] holds strokes still; `relief` is the light on thick paint; [`composite`] puts
//! the painting on its frame, and [`subject`] says where.
//! A single picture can be painted by [`optimize`] instead, in minutes; [`tune`] makes a painter for one painting.
//! This room never moves a pixel of the frame, and knows nothing of warping.

pub mod composite;
pub(crate) mod crossfade;
pub mod flow;
pub(crate) mod noise;
pub mod optimize;
pub(crate) mod orientation;
pub mod painter;
pub(crate) mod pan;
pub mod recolor;
pub(crate) mod relief;
pub mod stabilize;
pub mod style;
pub mod style_encoder;
pub mod style_spec;
pub mod subject;
pub mod tune;
