//! Pictures through pipes and as numbered files, as film people hand them on.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::kit::{Folder, clip, distance, probe, program, run, runs, times, video, with};

/// What comes out of a command of the shell, in the folder; `$S` is the program on the processor.
fn shell(folder: &Folder, script: &str) -> (bool, Vec<u8>, String) {
    let ours = with(folder, "");
    let mut command = Command::new("sh");
    let program = format!("S=\"{} --device cpu --quiet\"; {script}", ours.get_program().display());
    command.args(["-c", &program]).current_dir(folder.path(""));
    for (name, value) in ours.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let done = command.output().expect("a shell");
    (done.status.success(), done.stdout, String::from_utf8_lossy(&done.stderr).into_owned())
}

/// The same, which has to end well and say nothing.
fn pipes(folder: &Folder, script: &str) {
    let (good, _, said) = shell(folder, script);
    assert!(good && said.is_empty(), "{script}\n{said}");
}

const PLAIN: &str = "--warp 0 --paint 0";

#[test]
fn a_pipe_in_and_out_is_the_same_film_as_files() {
    let folder = Folder::new();
    for (rate, range, told) in [("24000/1001", "tv", "24000/1001"), ("30", "pc", "30/1")] {
        folder.ffmpeg(&format!(
            "-f lavfi -i testsrc2=size=96x64:rate={rate}:duration=1 -vf scale=97:65:out_range={range}:out_color_matrix=bt601,format=yuv420p \
             -color_range {range} -colorspace smpte170m -c:v ffv1 in.mkv"
        ));
        pipes(
            &folder,
            "ffmpeg -v error -i in.mkv -f yuv4mpegpipe - | $S - - | ffmpeg -v error -y -i - -c:v ffv1 piped.mkv",
        );
        // Not the Matroska: its clock is of whole milliseconds, and what is smoothed in time sees that.
        folder.ffmpeg("-i in.mkv -f yuv4mpegpipe in.y4m");
        pipes(&folder, "$S in.y4m - | ffmpeg -v error -y -i - -c:v ffv1 file.mkv");
        let [input, piped, file] = ["in.mkv", "piped.mkv", "file.mkv"].map(|name| folder.path(name));
        assert_eq!(
            video(&piped, "width,height,r_frame_rate,color_range"),
            ["97", "65", told, range],
            "{range}"
        );
        assert_eq!(times(&piped), times(&input));
        assert_eq!(distance(&piped, &file), 0.0, "{range}: from a pipe as from a file");
        assert!(distance(&piped, &input) > 15.0, "{range}: the look shows");
    }
}

#[test]
fn untouched_pictures_and_their_range_come_through_as_they_are() {
    let folder = Folder::new();
    for range in ["tv", "pc"] {
        folder.ffmpeg(&format!(
            "-f lavfi -i smptebars=size=96x64:rate=25:duration=0.4 -vf scale=out_range={range},format=yuv420p -color_range {range} \
             -strict -1 -f yuv4mpegpipe in.y4m"
        ));
        pipes(&folder, &format!("$S - - {PLAIN} <in.y4m >out.y4m"));
        let bytes = ["in.y4m", "out.y4m"].map(|name| fs::read(folder.path(name)).expect("there"));
        let header = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes.split(|b| *b == b'\n').next().unwrap_or_default()).into_owned()
        };
        let [before, after] = [&bytes[0], &bytes[1]].map(|bytes| header(bytes));
        let wanted = if range == "pc" { "XCOLORRANGE=FULL" } else { "XCOLORRANGE=LIMITED" };
        assert!(after.contains(wanted) && after.contains(" W96 H64 F25:1 "), "{before} became {after}");
        let body = |bytes: &[u8], head: &str| bytes[head.len() + 1..].to_vec();
        let (of_in, of_out) = (body(&bytes[0], &before), body(&bytes[1], &after));
        assert_eq!(of_in.len(), of_out.len());
        let worst = of_in.iter().zip(&of_out).map(|(a, b)| a.abs_diff(*b)).max().expect("pixels");
        let sum: u64 = of_in.iter().zip(&of_out).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        let mean = sum as f64 / of_in.len() as f64;
        // Bars have hard edges, where chroma at half the size cannot come back.
        assert!(mean < 0.5, "{range}: mean {mean}, at most {worst}");
    }
}

#[test]
fn a_pipe_becomes_a_file_and_a_file_a_pipe() {
    let folder = Folder::new();
    clip(&folder);
    pipes(&folder, "ffmpeg -v error -i in.mp4 -f yuv4mpegpipe - | $S - out.mp4");
    assert_eq!(times(&folder.path("out.mp4")), times(&folder.path("in.mp4")));
    let streams = probe(&folder.path("out.mp4"), "-show_entries stream=codec_type");
    assert_eq!(streams["streams"].as_array().map(Vec::len), Some(1), "a pipe has no sound");
    pipes(&folder, "$S in.mp4 - --start 0.2 --duration 0.4 | ffmpeg -v error -i - -c:v ffv1 part.mkv");
    assert_eq!(times(&folder.path("part.mkv")), (0..10).map(|n| n * 40_000).collect::<Vec<_>>());
}

#[test]
fn an_uneven_film_is_even_in_a_pipe() {
    let folder = Folder::new();
    folder.ffmpeg("-f lavfi -i testsrc2=size=96x64:rate=25:duration=2 -vf select=not(between(n\\,10\\,19)) -vsync vfr -c:v libx264 in.mkv");
    let (good, _, said) =
        shell(&folder, &format!("${{S% --quiet}} in.mkv - {PLAIN} | ffmpeg -v error -i - -c:v ffv1 out.mkv"));
    assert!(good && said.contains("10 pictures are repeated, 0 left out"), "{said}");
    assert_eq!(times(&folder.path("out.mkv")).len(), 50);
}

/// The program refuses what it reads from a pipe, in these words.
fn refuses_pipe(folder: &Folder, bytes: &[u8], words: &[&str]) {
    let mut command = with(folder, "- out.mp4");
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    // It may be gone before all is written.
    let _ = child.stdin.take().expect("piped").write_all(bytes);
    let done = child.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(words.iter().all(|word| said.contains(word)), "{said}");
    assert!(!folder.path("out.mp4").exists());
}

#[test]
fn what_is_no_pipe_of_bytes_is_refused_with_the_line_to_type() {
    let folder = Folder::new();
    clip(&folder);
    let line = "try: ffmpeg -i FILE -pix_fmt yuv420p -f yuv4mpegpipe - | stylewarp-video - OUTPUT";
    let not = "standard input is not YUV4MPEG2 of 8 bits";
    for bytes in [
        &b""[..],
        b"YUV4MPEG2\n",
        b"YUV4MPEG2 W0 H0 F25:1\nFRAME\n",
        &fs::read(folder.path("in.mp4")).expect("there"),
    ] {
        refuses_pipe(&folder, bytes, &["stylewarp-video: "]);
    }
    refuses_pipe(&folder, &fs::read(folder.path("in.mp4")).expect("there"), &[not, line]);
    folder.ffmpeg("-i in.mp4 -pix_fmt yuv420p10le -strict -1 -f yuv4mpegpipe ten.y4m");
    refuses_pipe(&folder, &fs::read(folder.path("ten.y4m")).expect("there"), &[not, "yuv420p10", line]);
    let events = run(&mut with(&folder, "in.mp4 - --json"));
    assert!(events.code == Some(2) && events.said.contains("--json"), "{}", events.said);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = Folder::new();
    folder.ffmpeg("-f lavfi -i testsrc2=size=320x240:rate=25:duration=4 -c:v libx264 in.mp4");
    let (_, out, said) =
        shell(&folder, &format!("( $S in.mp4 - {PLAIN}; echo $? >code ) | head -c 1000 | wc -c"));
    assert_eq!(String::from_utf8_lossy(&out).trim(), "1000", "{said}");
    assert_eq!((fs::read_to_string(folder.path("code")).expect("there").trim(), &*said), ("0", ""));
}

#[test]
fn numbered_pictures_in_and_out() {
    let folder = Folder::new();
    fs::create_dir(folder.path("in")).expect("made");
    fs::create_dir(folder.path("out")).expect("made");
    folder.ffmpeg("-f lavfi -i testsrc2=size=96x64:rate=24:duration=1 -start_number 1001 in/f.%04d.png");
    runs(&folder, &format!("in/f.%04d.png out/%05d.png --rate 24 {PLAIN}"));
    let names: Vec<_> = fs::read_dir(folder.path("out"))
        .expect("there")
        .map(|entry| entry.expect("read").file_name())
        .collect();
    assert_eq!(names.len(), 24, "{names:?}");
    for (number, name) in [(1001, "00001"), (1024, "00024")] {
        let [before, after] = [format!("in/f.{number}.png"), format!("out/{name}.png")]
            .map(|name| image::open(folder.path(&name)).expect(&name).into_rgb8());
        assert!(before == after, "{name} bit for bit");
    }
    runs(&folder, "in/f.%04d.png film.mp4 --rate 23.976");
    let film = folder.path("film.mp4");
    assert_eq!(video(&film, "r_frame_rate,nb_frames"), ["24000/1001", "24"]);
    runs(&folder, "film.mp4 again-%d.png");
    assert!(folder.path("again-24.png").is_file() && !folder.path("again-25.png").exists());

    let again = run(&mut with(&folder, "film.mp4 again-%d.png"));
    assert!(again.code == Some(2) && again.said.contains("again-1.png exists already"), "{}", again.said);
    runs(&folder, "film.mp4 again-%d.png -y");
    fs::remove_file(folder.path("in/f.1010.png")).expect("removed");
    let gap = run(&mut with(&folder, "in/f.%04d.png gap.mp4"));
    assert!(gap.code == Some(1) && gap.said.contains("f.1010.png is not there"), "{}", gap.said);
    let none = run(&mut with(&folder, "no-%04d.png none.mp4"));
    assert!(none.code == Some(1) && none.said.contains("cannot read no-%04d.png"), "{}", none.said);
    assert!(Path::new(program(&folder).get_program()).is_file());
}
