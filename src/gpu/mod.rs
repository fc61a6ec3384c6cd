//! The graphics card, through wgpu.
//!
//! In: a shader of `shaders/`, a picture, tables and parameters. Out: a picture of the
//! same kind. [`adapter`] opens the card, `compute` runs one compute shader over a picture.
//! This room does not know what a shader draws; the processor's twin of every shader
//! stands with the stage that uses both.

#[cfg(feature = "gpu")]
pub mod adapter;
#[cfg(feature = "gpu")]
pub(crate) mod compute;
#[cfg(feature = "gpu")]
pub mod error;

/// Built without the feature `gpu`: no card can be opened.
#[cfg(not(feature = "gpu"))]
pub mod adapter {
    /// A card, of which there is none.
    #[derive(Debug, Clone)]
    pub enum Gpu {}

    impl Gpu {
        /// `None`.
        pub fn real() -> Option<Self> {
            None
        }
    }
}
