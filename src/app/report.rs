//! How the programs tell an error: three lines and an exit code.
//!
//! ```text
//! stylewarp-video: cannot open clip.mp4
//!   because: Invalid data found when processing input
//!   try: ffprobe 'clip.mp4', to see whether FFmpeg can read it at all
//! ```
//!
//! The first two lines are the error's own, the third is written here, because it names
//! flags and commands that only the programs have.

use std::path::Path;

use crate::error::{Cause, Error};
use crate::gpu::error::GpuError;
use crate::jobs::parts::error::PartsError;
use crate::live::error::LiveError;
use crate::nn::error::NetworkError;
use crate::video::error::VideoError;

/// What the user can try, if we know something better than "try again".
pub fn hint(error: &Error) -> Option<String> {
    Some(match error {
        Error::Read { .. } => "check the name and the permissions".into(),
        Error::OutputExists { .. } => "-y to overwrite it, or another name".into(),
        Error::OutputBusy { .. } => "wait until it is done, or another name".into(),
        Error::OutputIsInput { .. } => "another name for the output".into(),
        Error::UnknownFormat { .. } => {
            "a name that ends in .mp4, .mkv, .mov or .webm; frames/%05d.png; or - for a pipe".into()
        }
        Error::Write { source, .. } if is_unsupported(source) => {
            "another format or codec, such as .mkv".into()
        }
        Error::Write { .. } => "check the folder, its permissions and the space left".into(),
        Error::PresetMissing { available, .. } | Error::TextureMissing { available, .. } => {
            format!("one of: {}", available.join(", "))
        }
        Error::PresetInvalid { .. } => "compare it with the presets folder's files".into(),
        Error::StyleInvalid { .. } => "a file that `stylewarp distill` of this version wrote".into(),
        Error::NotAPreset { .. } => "a name that ends in .toml".into(),
        Error::NoBrushwork { .. } => "--crop X,Y,W,H with a part that is painted, or another picture".into(),
        Error::OtherPainting { .. } => "the same painting and --crop; or -y to begin anew".into(),
        Error::NoPainting { .. } => "one texture of the program's own, or one picture file".into(),
        Error::Picture { source: image::ImageError::Limits(_), .. } => "a smaller copy of it".into(),
        Error::Picture { .. } => "a JPEG, PNG, WebP, BMP or TIFF picture".into(),
        Error::PictureTooSmall { .. } => "a picture of at least 16x16 pixels".into(),
        Error::FrameLayout { .. } => {
            "the width, height and stride of the picture as it lies in memory".into()
        }
        Error::NothingToShow => "--geometry IMAGE or a preset, and a --warp above 0".into(),
        Error::Stage { .. } | Error::Resize { .. } => {
            "run again with -vv and report what it prints; this is a bug".into()
        }
        Error::OutOfRange { what, range, .. } => format!("{what} within {range}"),
        Error::Other(_) => {
            let network = || error.downcast_ref().map(network_hint);
            let gpu = || error.downcast_ref().map(gpu_hint);
            let video = || error.downcast_ref().map(video_hint);
            let live = || error.downcast_ref().map(live_hint);
            let parts = || error.downcast_ref().map(parts_hint);
            return network().or_else(gpu).or_else(video).or_else(live).or_else(parts);
        }
        Error::Disconnected => return None,
    })
}

fn network_hint(error: &NetworkError) -> String {
    match error {
        NetworkError::Missing { searched, .. } => format!(
            "--models FOLDER, or put it into one of: {}",
            searched.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
        ),
        NetworkError::Mismatch { .. } => "fetch the models folder again, whole: git checkout models".into(),
        NetworkError::Runtime { .. } => {
            "./setup.sh, or set ORT_DYLIB_PATH to ONNX Runtime 1.24 or newer (libonnxruntime)".into()
        }
        NetworkError::Device { .. } => "--device auto, or --device cpu".into(),
        NetworkError::Ort { .. } => "--device cpu; if that fails too, report it: this is a bug".into(),
    }
}

fn gpu_hint(error: &GpuError) -> String {
    match error {
        GpuError::NoGpu { .. } => "--device cpu".into(),
        GpuError::DeviceLost { .. } => "--device cpu, or a smaller --size".into(),
    }
}

fn video_hint(error: &VideoError) -> String {
    match error {
        VideoError::IsDirectory { .. } => "name one file; loop over a folder in the shell".into(),
        VideoError::Open { path, .. } => {
            format!("ffprobe {}, to see whether FFmpeg can read it at all", quoted(path))
        }
        VideoError::NoVideo { .. } => "a file with a picture track; sound alone cannot be redrawn".into(),
        VideoError::NoFrames { .. } => {
            "download or export the file again: it seems cut short, or its pictures are too large".into()
        }
        VideoError::ListOfFiles { .. } => {
            "--follow, if you trust whoever made it: it chooses what is read".into()
        }
        VideoError::Encrypted { .. } => "a copy without protection; a key cannot be given here".into(),
        VideoError::AnimatedWebP { path } => {
            format!("a GIF or a video made of it, for instance: magick {} in.gif", quoted(path))
        }
        VideoError::RecordingExists { .. } => "another name for the recording".into(),
        VideoError::Y4m { .. } => {
            "ffmpeg -i FILE -pix_fmt yuv420p -f yuv4mpegpipe - | stylewarp-video - OUTPUT".into()
        }
        VideoError::Terminal => "stylewarp-video INPUT - | ffmpeg -i - OUTPUT".into(),
        VideoError::PartInvalid { path, .. } => {
            format!("rm {}, and render that part again", quoted(path))
        }
        VideoError::Microphone { available, .. } if available.is_empty() => {
            "--microphone none; this system lists no microphone".into()
        }
        VideoError::Microphone { available, .. } => {
            format!("--microphone none, or one of: {}", available.join(", "))
        }
        VideoError::NoEncoder { available, .. } => format!("--codec with one of: {}", available.join(", ")),
        VideoError::Ffmpeg { source, .. } if is_out_of_memory(source) => {
            "a smaller copy of the input: its pictures take more memory than a gigabyte each".into()
        }
        VideoError::Ffmpeg { .. } => "run again with -vvv, to see all that FFmpeg has to say".into(),
    }
}

fn live_hint(error: &LiveError) -> String {
    match error {
        LiveError::Camera { source, .. } => camera_hint(&source.to_string()).into(),
        LiveError::CameraMissing { available, .. } if available.is_empty() => {
            "plug one in; or --camera test, or --camera file:clip.mp4".into()
        }
        LiveError::CameraMissing { available, .. } => {
            format!("--camera with one of: {}", available.join(", "))
        }
        LiveError::CameraStalled { .. } => "unplug it and plug it in again; another --camera".into(),
        LiveError::VirtualCamera { .. } => {
            "stylewarp doctor, which says how to make a virtual camera here".into()
        }
        LiveError::Serve { .. } => "another port; 0 takes one that is free".into(),
        LiveError::NotLoopback { .. } => {
            "127.0.0.1 instead; or, if everyone in the network may watch and steer, --serve-insecure".into()
        }
        LiveError::TuningBusy { .. } => "wait until it is done, or stop it: it can go on later".into(),
        LiveError::NothingToTune => {
            "drop a painting onto the window, or begin with --texture painting.jpg".into()
        }
        LiveError::PaintingLost { .. } => "drop the painting onto the window once more".into(),
        LiveError::Window { .. } => "--no-window, with --serve or --loopback".into(),
    }
}

fn parts_hint(error: &PartsError) -> String {
    match error {
        PartsError::PlanInvalid { .. } => "stylewarp split again, into a new folder".into(),
        PartsError::PlanMismatch { what: "another version", source, .. } => {
            let expected = &source.expected;
            format!("stylewarp {expected} on every machine, or stylewarp split again with this one")
        }
        PartsError::PlanMismatch { .. } => "what the plan was made with, or stylewarp split again".into(),
        PartsError::NoPart { parts } => {
            format!("--part 0 to {}, or a Slurm array or Indexed Job, which name it", parts.saturating_sub(1))
        }
        PartsError::Missing { folder, missing, .. } => format!(
            "stylewarp-video --job {} --part {}, and so each of them",
            quoted(folder),
            missing.first().copied().unwrap_or_default()
        ),
    }
}

/// A name as a shell takes it.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// Exit code of the programs: 2 for what the user typed, 1 for the rest.
pub fn exit_code(error: &Error) -> u8 {
    let is_typed = match error {
        Error::OutputExists { .. }
        | Error::OutputIsInput { .. }
        | Error::UnknownFormat { .. }
        | Error::PresetMissing { .. }
        | Error::TextureMissing { .. }
        | Error::NothingToShow
        | Error::NoPainting { .. }
        | Error::OtherPainting { .. }
        | Error::NotAPreset { .. }
        | Error::OutOfRange { .. } => true,
        _ => {
            matches!(
                error.downcast_ref(),
                Some(
                    VideoError::RecordingExists { .. } | VideoError::Terminal | VideoError::Microphone { .. }
                )
            ) || matches!(
                error.downcast_ref(),
                Some(LiveError::CameraMissing { .. } | LiveError::NotLoopback { .. })
            ) || matches!(error.downcast_ref(), Some(PartsError::NoPart { .. }))
        }
    };
    if is_typed { 2 } else { 1 }
}

/// The lines shown on stderr: what, because, try.
pub fn report(error: &Error, who: &str) -> String {
    let mut text = error.explained(who);
    if let Some(hint) = hint(error) {
        text += &format!("\n  try: {hint}");
    }
    text
}

/// What helps against a camera driver's reason.
fn camera_hint(reason: &str) -> &'static str {
    let reason = reason.to_lowercase();
    match () {
        () if reason.contains("busy") => "close the other program that uses it",
        () if reason.contains("permission") || reason.contains("denied") => {
            "let this program use cameras: on Linux `sudo usermod -aG video $USER` and a new login, \
             on macOS System Settings, Privacy, Camera"
        }
        () => "stylewarp live --list, to see what cameras there are; unplug it and plug it in again",
    }
}

/// Whether FFmpeg was refused memory.
fn is_out_of_memory(source: &Cause) -> bool {
    let reason = source.downcast_ref::<ffmpeg_next::Error>();
    matches!(reason, Some(ffmpeg_next::Error::Other { errno: ffmpeg_next::error::ENOMEM }))
}

/// Whether a file could be written, but not this way.
fn is_unsupported(source: &Cause) -> bool {
    let system = source.downcast_ref::<std::io::Error>();
    system.is_some_and(|error| error.kind() == std::io::ErrorKind::Unsupported)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_what_because_and_try() {
        let error = Error::Read { path: "a.mp4".into(), source: std::io::Error::other("gone") };
        assert_eq!(
            report(&error, "stylewarp-video"),
            "stylewarp-video: cannot read a.mp4\n  because: gone\n  try: check the name and the permissions"
        );
    }

    #[test]
    fn usage_and_failure_have_their_own_codes() {
        assert_eq!(exit_code(&Error::OutputExists { path: "a".into() }), 2);
        assert_eq!(exit_code(&Error::Disconnected), 1);
        let missing = LiveError::CameraMissing { name: "x".into(), available: Vec::new() };
        assert_eq!(exit_code(&missing.into()), 2);
        assert_eq!(exit_code(&PartsError::NoPart { parts: 4 }.into()), 2);
        assert_eq!(exit_code(&VideoError::Terminal.into()), 2);
    }

    #[test]
    fn the_parts_failures_have_hints_of_their_own() {
        let hint_of = |error: Error| hint(&error).expect("something to try");
        assert!(hint_of(NetworkError::mismatch("a".into(), "b", "c").into()).contains("git checkout"));
        assert!(hint_of(GpuError::NoGpu { source: "none".into() }.into()).contains("--device cpu"));
        assert!(hint_of(VideoError::NoVideo { path: "a".into() }.into()).contains("picture track"));
        assert!(hint_of(PartsError::NoPart { parts: 4 }.into()).contains("--part 0 to 3"));
        assert!(hint_of(LiveError::CameraStalled { name: "x".into() }.into()).contains("unplug it"));
    }

    #[test]
    fn a_networks_difference_is_told() {
        let error: Error = NetworkError::mismatch("a.onnx".into(), "3", "4").into();
        assert!(
            report(&error, "x")
                .contains("a.onnx is not the network it should be\n  because: expected 3, found 4")
        );
    }
}
