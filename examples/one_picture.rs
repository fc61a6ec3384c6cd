//! Redraws one picture: `cargo run --example one_picture -- photo.jpg drawn.png [LOOK]`.

use std::path::Path;

use stylewarp::engine::{Engine, EngineConfig};
use stylewarp::image_file;
use stylewarp::look::{self, Look};

fn main() -> stylewarp::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (input, output, look) = match &arguments[..] {
        [input, output] => (input, output, look::DEFAULT),
        [input, output, look] => (input, output, &look[..]),
        _ => {
            eprintln!("usage: one_picture IN OUT [LOOK]");
            return Ok(());
        }
    };
    let photo = image_file::read_frame(Path::new(input))?;
    let mut engine = Engine::new(&Look::load(look)?, None, photo.size.aspect(), &EngineConfig::default())?;
    image_file::write(Path::new(output), &engine.stylize(photo)?, false)
}
