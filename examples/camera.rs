//! Redraws what a camera sees and says how fast: `cargo run --release --example camera -- [CAMERA]`; `test` is a
//! test card.

use std::time::Duration;

use stylewarp::cancel::CancelToken;
use stylewarp::engine::EngineConfig;
use stylewarp::live::capture::request::CameraRequest;
use stylewarp::live::latest::Received;
use stylewarp::live::{LiveConfig, LiveSession};
use stylewarp::look::{self, Look, LookSpec};
use stylewarp::video::read::microphone::MicrophoneName;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "test".into()).parse()?;
    let config = LiveConfig {
        camera: CameraRequest { name, size: None, fps: None },
        mirror: false,
        lines: None,
        look: Look::load(look::DEFAULT)?,
        spec: LookSpec { preset: Some(look::DEFAULT.into()), ..LookSpec::default() },
        setup: EngineConfig::default(),
        report: |error, stopped| format!("{stopped}: {error}"),
        window: false,
        folder: ".".into(),
        microphone: MicrophoneName::None,
    };
    let session = LiveSession::start(config, CancelToken::default())?;
    let frames = session.handle.frames.subscribe();
    for _ in 0..100 {
        match frames.take(Duration::from_secs(5)) {
            Received::Item(pair) => eprintln!("{:?} -> {:?}", pair.original, pair.finished),
            Received::Nothing => eprintln!("no picture"),
            Received::Closed => break,
        }
    }
    Ok(session.end()?)
}
