//! A file in the making: packets of pictures, and beside them what is passed on of the input.

use std::path::Path;

use ffmpeg::Packet;
use ffmpeg::format::context::{Output, StreamIo};
use ffmpeg_next as ffmpeg;

use crate::atomic_file::AtomicFile;
use crate::error::Result;
use crate::time::{FrameTime, TimeBase};
use crate::video::libav;
use crate::video::read::VideoInfo;
use crate::video::read::microphone::Microphone;
use crate::video::write::container::Container;
use crate::video::write::defragment::defragment;
use crate::video::write::passthrough;
use crate::video::write::passthrough::Copier;
use crate::video::write::streams::{Audio, Changed, encoder_for};
use crate::video::write::track::{Cut, Track};

/// What kind of file it is.
pub(super) enum Kind<'a> {
    /// A film, with sound and the rest of this input.
    Film { input: &'a Path, audio: Audio },
    /// Pictures alone.
    Pictures,
    /// Pictures and sound that come once, in pieces that each play by themselves.
    Recording { microphone: Option<&'a Microphone> },
    /// A stretch of a film's pictures, whose times count from `from`, in ticks, with a word about it.
    Part { from: i64, comment: String },
}

/// An open file with its header written.
pub(super) struct Muxer {
    copier: Option<Copier>,
    /// Of a recording: its sound.
    sound: Option<Track>,
    // Before `file`: fields drop in this order, and a file is closed before it
    // is removed.
    output: Output,
    file: AtomicFile,
    /// Number of the video stream in the output.
    video: usize,
    /// What the pictures' packets count in, and which tick becomes zero.
    base: TimeBase,
    from: i64,
    container: Container,
    /// Of a recording: so many bytes of it play, whatever comes.
    playable: Option<u64>,
}

impl Muxer {
    /// Creates the hidden file and writes its header; `add_video` adds the stream of pictures.
    pub(super) fn open(
        file: AtomicFile,
        container: Container,
        info: &VideoInfo,
        kind: Kind<'_>,
        add_video: impl FnOnce(&mut Output) -> Result<usize, ffmpeg::Error>,
    ) -> Result<Self> {
        libav::init();
        let handle = file.file().try_clone().map_err(|reason| file.cannot_write(reason))?;
        let mut output = StreamIo::from_write_seek(handle)
            .and_then(|stream| ffmpeg::format::output_to_stream(stream, None, Some(container.muxer())))
            .map_err(|reason| file.cannot_write(reason))?;
        let video = add_video(&mut output).map_err(|reason| file.cannot_write(reason))?;
        let mut options = container.header_options(info.time_base);
        let (mut copier, mut sound, mut playable, mut zero) = (None, None, None, 0);
        match kind {
            Kind::Film { input, audio } => {
                let opened = Copier::open(input, info, container, audio, &mut output)
                    .map_err(|reason| file.cannot_write(reason))?;
                passthrough::copy_titles(opened.input(), info, &mut output, video);
                copier = Some(opened);
            }
            Kind::Pictures => {}
            Kind::Recording { microphone } => {
                sound = add_sound(microphone, container, &mut output)
                    .map_err(|reason| file.cannot_write(reason))?;
                container.in_pieces(&mut options);
                playable = Some(0);
            }
            Kind::Part { from, comment } => {
                zero = from;
                output.set_metadata([("comment", comment.as_str())].into_iter().collect());
            }
        }
        output.write_header_with(options).map_err(|reason| file.cannot_write(reason))?;
        Ok(Self { copier, sound, output, file, video, base: info.time_base, from: zero, container, playable })
    }

    /// What of the input is not in the output as it was.
    pub(super) fn changed(&self) -> &[Changed] {
        self.copier.as_ref().map_or(&[], Copier::changed)
    }

    /// Writes a packet of pictures.
    pub(super) fn write(&mut self, mut packet: Packet) -> Result<()> {
        let stream = self.output.stream(self.video).expect("added when the file was created");
        if self.from != 0 {
            packet.set_pts(packet.pts().map(|pts| pts - self.from));
            packet.set_dts(packet.dts().map(|dts| dts - self.from));
        }
        packet.rescale_ts(self.base.parts(), stream.time_base());
        packet.set_stream(self.video);
        packet.set_position(-1);
        packet.write_interleaved(&mut self.output).map_err(|reason| self.file.cannot_write(reason))?;
        if let Some(playable) = &mut self.playable {
            // What there is of a piece is written at once, and nothing of the next.
            *playable = self.file.file().metadata().map_or(*playable, |about| about.len());
        }
        Ok(())
    }

    /// Writes what was heard, its time on the frames' clock.
    pub(super) fn hear(&mut self, packet: Packet) -> Result<()> {
        let Some(sound) = &mut self.sound else { return Ok(()) };
        sound.push(packet, FROM_ZERO, &mut self.output).map_err(|reason| self.file.cannot_write(reason))
    }

    /// Passes on what is to be heard and read up to the moment `until`.
    pub(super) fn advance(&mut self, until: FrameTime) -> Result<()> {
        match &mut self.copier {
            Some(copier) => {
                copier.advance(&mut self.output, until).map_err(|reason| self.file.cannot_write(reason))
            }
            None => Ok(()),
        }
    }

    /// Writes the rest and gives the file its name, unless the pictures failed (`written`); the last one is
    /// shown from `last` until `end`.
    pub(super) fn finish(self, written: Result<()>, last: FrameTime, end: FrameTime) -> Result<()> {
        // In this order for the same reason as the fields.
        let Self { file, mut output, copier, sound, container, base, playable, .. } = self;
        let written = written.and_then(|()| {
            copier
                .map_or(Ok(()), |copier| copier.finish(&mut output, last, end))
                .and_then(|()| sound.map_or(Ok(()), |sound| sound.finish(Some(end), &mut output)))
                .and_then(|()| output.write_trailer())
                .map_err(|reason| file.cannot_write(reason))
        });
        drop(output);
        match written {
            Ok(()) if playable.is_some() && container.has_one_index() => {
                finish_recording(file, container, base)
            }
            Ok(()) => file.commit(),
            // What failed is told, and the recording kept as far as it goes.
            Err(failed) if playable.is_some() => keep(file, playable).and(Err(failed)),
            Err(failed) => Err(failed),
        }
    }

    /// Ends a recording that cannot go on: what of it plays gets its name.
    #[cfg(feature = "live")]
    pub(super) fn keep(self) -> Result<()> {
        let Self { file, output, playable, copier, sound, .. } = self;
        drop((copier, sound, output));
        keep(file, playable)
    }
}

/// Nothing before 0:00 is wanted, and all after.
const FROM_ZERO: Cut = Cut { start: true, cuts_at_zero: false, end: None, is_mended: false };

/// The stream of a microphone's sound, where the container has an encoder for it.
fn add_sound(
    microphone: Option<&Microphone>,
    container: Container,
    output: &mut Output,
) -> Result<Option<Track>, ffmpeg::Error> {
    let Some(stream) = microphone.and_then(Microphone::stream) else { return Ok(None) };
    let encoder = encoder_for(container).ok_or(ffmpeg::Error::EncoderNotFound)?;
    Track::live(&stream, encoder, output).map(Some)
}

/// Gives a recording its name, of one piece if there is room for that.
fn finish_recording(fragments: AtomicFile, container: Container, base: TimeBase) -> Result<()> {
    match defragment(&fragments, container, base) {
        Ok(whole) => whole.commit(),
        Err(error) => {
            tracing::warn!("the recording stays in pieces, which play, but are searched badly: {error}");
            fragments.commit()
        }
    }
}

/// Cuts off what does not play, and gives the rest its name.
fn keep(file: AtomicFile, playable: Option<u64>) -> Result<()> {
    let Some(length) = playable.filter(|length| *length > 0) else {
        return Err(file.cannot_write("nothing of it plays"));
    };
    if let Err(reason) = file.file().set_len(length) {
        tracing::debug!(%reason, "what does not play is not cut off");
    }
    file.salvage()
}
