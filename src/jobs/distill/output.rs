//! The preset and the style of a run, both renewed while it goes on.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use image::RgbImage;

use crate::atomic_file::AtomicFile;
use crate::error::{Error, Result};
use crate::image_file;
use crate::jobs::distill::request::DistillRequest;
use crate::paint::recolor::ColorMoments;
use crate::paint::tune::Tuner;
use crate::paint::tune::saved::Saved;

/// Colours of two views of one painting differ by less.
const SAME: f32 = 0.01;

/// What is written. While it lives, no other run can write the same.
pub(super) struct Output {
    /// Style and preset.
    files: [AtomicFile; 2],
    preset: String,
}

impl Output {
    /// Refuses outputs that cannot be written or would destroy something.
    ///
    /// # Errors
    /// [`Error::NotAPreset`], [`Error::OutputExists`], [`Error::OutputIsInput`], [`Error::OutputBusy`] or [`Error::Write`].
    pub(super) fn new(request: &DistillRequest) -> Result<Self> {
        let (painting, output) = (&request.painting, &request.output);
        if output.extension().is_none_or(|extension| extension != "toml") {
            return Err(Error::NotAPreset { path: output.clone() });
        }
        if output.to_str().is_none() {
            let reason = "a preset is text, and this name that it would hold is not UTF-8";
            return Err(Error::Write { path: output.clone(), source: reason.into() });
        }
        let overwrite = request.overwrite || request.resume;
        let style = request.style_file();
        image_file::check_overwrite(painting, output, overwrite)?;
        image_file::check_overwrite(painting, &style, overwrite)?;
        if let Some(preview) = &request.preview {
            image_file::check_output(painting, preview, overwrite)?;
        }
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut text = toml::Table::from_iter([
            ("description".into(), format!("in the brushwork of {}", name(painting)).into()),
            ("texture".into(), name(&style).into()),
        ]);
        if painting.parent() == output.parent() && painting.to_str().is_some() {
            // It stays beside the preset wherever both go.
            text.insert("painting".into(), name(painting).into());
        }
        let files = [AtomicFile::create(&style, overwrite)?, AtomicFile::create(output, overwrite)?];
        Ok(Self { files, preset: text.to_string() })
    }

    /// The style to go on from, if that is wanted and there is one.
    ///
    /// # Errors
    /// [`Error::StyleInvalid`] if it is no style; [`Error::OtherPainting`] if it was tuned to another one.
    pub(super) fn before(&self, request: &DistillRequest, painting: &RgbImage) -> Result<Option<Saved>> {
        let path = request.style_file();
        if !request.resume || !path.exists() {
            return Ok(None);
        }
        let bytes = std::fs::read(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let saved =
            Saved::parse(&bytes).map_err(|source| Error::StyleInvalid { path: path.clone(), source })?;
        let own = ColorMoments::of::<3>(painting.as_raw(), painting.width() as usize).values();
        let is_other = saved.style.colors().is_none_or(|colors| {
            colors.values().iter().zip(own).any(|(there, own)| (there - own).abs() > SAME)
        });
        if is_other {
            return Err(Error::OtherPainting { path });
        }
        Ok(Some(saved))
    }

    /// Writes what there is now; `used` is the time used so far, where it is not done.
    ///
    /// # Errors
    /// [`Error::Write`]; then what was there before is there still.
    pub(super) fn renew(&mut self, tuner: &Tuner, used: Option<Duration>) -> Result<()> {
        let spoilt = || self.files[0].cannot_write("the weights are no numbers any more");
        let style = tuner.style().ok_or_else(spoilt)?;
        let unfinished = used.map(|used| (tuner.state(), used.as_secs_f64()));
        let bytes = Saved { style, unfinished }.to_bytes();
        let bytes = bytes.map_err(|reason| self.files[0].cannot_write(reason))?;
        for (file, bytes) in self.files.iter_mut().zip([&bytes[..], self.preset.as_bytes()]) {
            let next = file.another()?;
            next.file().write_all(bytes).map_err(|reason| next.cannot_write(reason))?;
            next.commit()?;
            // From now on what is there is ours.
            file.replace_from_now_on();
        }
        Ok(())
    }
}
