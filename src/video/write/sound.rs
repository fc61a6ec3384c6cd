//! Sound stored anew: decoded, resampled to what the encoder takes, encoded.
//!
//! FFmpeg's own resampler keeps the samples on the clock of their packets: a gap in the input
//! becomes silence, an overlap is cut, and the first sample is that of moment 0. Live sound, whose device counts by a
//! clock of its own, is stretched by up to a thousandth besides, which nobody hears.

use ffmpeg::codec::Context;
use ffmpeg::filter::{self, Graph};
use ffmpeg::format::context::Output;
use ffmpeg::format::sample::Sample;
use ffmpeg::{ChannelLayout, Packet, Stream, codec, decoder, encoder, frame};
use ffmpeg_next as ffmpeg;

use crate::time::{FrameTime, TimeBase};
use crate::video::libav;

/// Bits a second and channel. Both encoders are transparent to most ears there.
const BITS_PER_CHANNEL: usize = 80_000;

/// Gaps are filled and overlaps cut, from this many seconds on.
const FILES: &str = "async=1:min_hard_comp=0.05";
/// What is off by more than 5 ms is caught up with at so many samples a second.
const LIVE: &str = "async=48:min_comp=0.005:min_hard_comp=0.1";

/// What a filter graph cannot change once built.
type Shape = (Sample, u32, u64, u16);

/// One stream of sound on its way.
pub(super) struct Transcoder {
    decoder: decoder::Audio,
    encoder: encoder::audio::Encoder,
    /// What the packets count in.
    base: TimeBase,
    graph: Option<(Shape, Graph)>,
    /// How the resampler keeps to the packets' clock.
    keeps_time: &'static str,
    /// The first sample that is not encoded yet, on the frames' clock.
    next: i64,
    /// Where sound ends, in samples.
    end: Option<i64>,
}

impl Transcoder {
    /// Opens both codecs for a stream of the input.
    pub(super) fn open(stream: &Stream, encoder: &str) -> Result<Self, ffmpeg::Error> {
        let mut context = Context::from_parameters(stream.parameters())?.decoder();
        context.set_packet_time_base(stream.time_base());
        let decoder = context.audio()?;
        let encoder = open_encoder(&decoder, encoder)?;
        let (base, keeps_time) = (libav::time_base(stream), FILES);
        Ok(Self { decoder, encoder, base, graph: None, keeps_time, next: 0, end: None })
    }

    /// As [`Self::open`], for a device.
    pub(super) fn live(stream: &Stream, encoder: &str) -> Result<Self, ffmpeg::Error> {
        Ok(Self { keeps_time: LIVE, ..Self::open(stream, encoder)? })
    }

    /// Adds the stream that will take the packets; its number in the output.
    pub(super) fn add_stream(&self, output: &mut Output) -> Result<usize, ffmpeg::Error> {
        let mut stream = output.add_stream(self.encoder.codec())?;
        stream.set_parameters(&self.encoder);
        stream.set_time_base(self.time_base());
        Ok(stream.index())
    }

    /// What its packets count in: samples.
    pub(super) fn time_base(&self) -> (i32, i32) {
        (1, self.encoder.rate() as i32)
    }

    /// Cuts all sound from `end` on.
    pub(super) fn end_at(&mut self, end: FrameTime) {
        self.end = TimeBase::new(1, self.encoder.rate() as i32).map(|base| end.to_ticks(base));
    }

    /// Takes a packet of the input, its times on the frames' clock; gives packets of the output.
    pub(super) fn push(&mut self, packet: &Packet) -> Result<Vec<Packet>, ffmpeg::Error> {
        // What cannot be decoded is passed over, as a player would.
        if let Err(reason) = self.decoder.send_packet(packet) {
            tracing::debug!(%reason, "passed over a damaged packet of sound");
        }
        self.run()
    }

    /// Gives what is held back.
    pub(super) fn finish(mut self) -> Result<Vec<Packet>, ffmpeg::Error> {
        if let Err(reason) = self.decoder.send_eof() {
            tracing::debug!(%reason, "the sound's decoder could not be emptied");
        }
        let mut packets = self.run()?;
        packets.extend(self.close_graph()?);
        self.encoder.send_eof()?;
        self.receive(&mut packets);
        Ok(packets)
    }

    /// Encodes what the decoder has ready.
    fn run(&mut self) -> Result<Vec<Packet>, ffmpeg::Error> {
        let mut packets = Vec::new();
        let mut samples = frame::Audio::empty();
        while self.decoder.receive_frame(&mut samples).is_ok() {
            let shape =
                (samples.format(), samples.rate(), samples.channel_layout().bits(), samples.channels());
            if self.graph.as_ref().is_some_and(|(built_for, _)| *built_for != shape) {
                packets.extend(self.close_graph()?);
            }
            if self.graph.is_none() {
                self.graph = Some((shape, self.build_graph(shape)?));
            }
            let time = samples.timestamp();
            samples.set_pts(time);
            if let Some((_, graph)) = &mut self.graph {
                graph.get("in").ok_or(ffmpeg::Error::FilterNotFound)?.source().add(&samples)?;
            }
            self.encode(&mut packets)?;
        }
        Ok(packets)
    }

    /// Encodes what is left in the graph, and drops it.
    fn close_graph(&mut self) -> Result<Vec<Packet>, ffmpeg::Error> {
        let mut packets = Vec::new();
        if let Some((_, graph)) = &mut self.graph {
            graph.get("in").ok_or(ffmpeg::Error::FilterNotFound)?.source().flush()?;
            self.encode(&mut packets)?;
        }
        self.graph = None;
        Ok(packets)
    }

    /// Encodes what the graph has ready.
    fn encode(&mut self, packets: &mut Vec<Packet>) -> Result<(), ffmpeg::Error> {
        let Some((_, graph)) = &mut self.graph else { return Ok(()) };
        let mut out = graph.get("out").ok_or(ffmpeg::Error::FilterNotFound)?;
        let mut ready = Vec::new();
        loop {
            let mut samples = frame::Audio::empty();
            if out.sink().frame(&mut samples).is_err() {
                break;
            }
            ready.push(samples);
        }
        for mut samples in ready {
            let start = samples.pts().unwrap_or(self.next).max(self.next);
            let room = self.end.map_or(i64::MAX, |end| end - start);
            if room <= 0 {
                continue;
            }
            if (samples.samples() as i64) > room {
                samples.set_samples(room as usize);
            }
            samples.set_pts(Some(start));
            self.next = start + samples.samples() as i64;
            self.encoder.send_frame(&samples)?;
            self.receive(packets);
        }
        Ok(())
    }

    fn receive(&mut self, packets: &mut Vec<Packet>) {
        loop {
            let mut packet = Packet::empty();
            if self.encoder.receive_packet(&mut packet).is_err() {
                break;
            }
            packets.push(packet);
        }
    }

    fn build_graph(&self, (format, rate, layout, channels): Shape) -> Result<Graph, ffmpeg::Error> {
        let find = |name| filter::find(name).ok_or(ffmpeg::Error::FilterNotFound);
        let mut graph = Graph::new();
        let (num, den) = self.base.parts();
        let layout =
            if layout == 0 { format!("channels={channels}") } else { format!("channel_layout=0x{layout:x}") };
        let input = format!("time_base={num}/{den}:sample_rate={rate}:sample_fmt={}:{layout}", format.name());
        graph.add(&find("abuffer")?, "in", &input)?;
        graph.add(&find("abuffersink")?, "out", "")?;
        let (rate, first, keeps_time) = (self.encoder.rate(), self.next, self.keeps_time);
        let chain = format!(
            "aresample={rate}:{keeps_time}:first_pts={first},\
             aformat=sample_fmts={}:sample_rates={rate}:channel_layouts=0x{:x}",
            self.encoder.format().name(),
            self.encoder.channel_layout().bits()
        );
        graph.output("in", 0)?.input("out", 0)?.parse(&chain)?;
        graph.validate()?;
        let takes_any_size = self
            .encoder
            .codec()
            .is_some_and(|codec| codec.capabilities().contains(codec::Capabilities::VARIABLE_FRAME_SIZE));
        if !takes_any_size && self.encoder.frame_size() > 0 {
            let mut out = graph.get("out").ok_or(ffmpeg::Error::FilterNotFound)?;
            out.sink().set_frame_size(self.encoder.frame_size());
        }
        Ok(graph)
    }
}

/// Opens an encoder for what the decoder gives: with its channels, or as many in their usual
/// places, or two.
fn open_encoder(decoder: &decoder::Audio, name: &str) -> Result<encoder::audio::Encoder, ffmpeg::Error> {
    let codec = encoder::find_by_name(name).ok_or(ffmpeg::Error::EncoderNotFound)?;
    let known = codec.audio()?;
    let format = known.formats().and_then(|mut formats| formats.next()).ok_or(ffmpeg::Error::InvalidData)?;
    let rates = known.rates().map(|rates| rates.collect::<Vec<_>>()).unwrap_or_default();
    let rate = rate_for(decoder.rate() as i32, &rates);
    let told = decoder.channel_layout();
    let usual = ChannelLayout::default(i32::from(decoder.channels()));
    let mut failure = ffmpeg::Error::InvalidData;
    for layout in [told, usual, ChannelLayout::STEREO] {
        if layout.bits() == 0 {
            continue;
        }
        let mut audio = Context::new_with_codec(codec).encoder().audio()?;
        audio.set_format(format);
        audio.set_rate(rate);
        audio.set_channel_layout(layout);
        audio.set_time_base((1, rate));
        audio.set_bit_rate(BITS_PER_CHANNEL * layout.channels().max(1) as usize);
        audio.set_flags(codec::Flags::GLOBAL_HEADER);
        match audio.open() {
            Ok(encoder) => return Ok(encoder),
            Err(reason) => failure = reason,
        }
    }
    Err(failure)
}

/// The input's rate if the encoder knows it, else the next one above, else its highest.
fn rate_for(rate: i32, known: &[i32]) -> i32 {
    if known.is_empty() {
        return rate;
    }
    let above = known.iter().copied().filter(|known| *known >= rate).min();
    above.or(known.iter().copied().max()).unwrap_or(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_rate_becomes_the_next_one_above() {
        let opus = [48_000, 24_000, 16_000, 12_000, 8_000];
        let found = [44_100, 8_000, 22_050, 96_000].map(|rate| rate_for(rate, &opus));
        assert_eq!(found, [48_000, 8_000, 24_000, 48_000]);
        assert_eq!(rate_for(11_025, &[]), 11_025);
    }
}
