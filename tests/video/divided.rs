//! Films in parts: what is joined is what one run makes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::kit::{Folder, Run, packets, probe, program, run, runs, stream_times, times, with};

/// The other program, on the tiny networks.
pub(crate) fn other(folder: &Folder, args: &str) -> Command {
    let ours = program(folder);
    let mut command = Command::new(env!("CARGO_BIN_EXE_stylewarp"));
    command.current_dir(folder.path("")).args(args.split_whitespace());
    for (name, value) in ours.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// Runs the other program to a good end; what it said.
fn others(folder: &Folder, args: &str) -> String {
    let Run { code, out, said } = run(&mut other(folder, args));
    assert_eq!((code, &*out), (Some(0), ""), "{args}\n{said}");
    said
}

/// Four shots of a second or so each, with sound, subtitles, chapters and a title: 100 frames.
fn film(folder: &Folder, name: &str) {
    fs::write(folder.path("words.srt"), "1\n00:00:00,500 --> 00:00:03,500\nover all cuts\n")
        .expect("written");
    let chapters = ";FFMETADATA1\ntitle=Four shots\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=one\n\
                    [CHAPTER]\nTIMEBASE=1/1000\nSTART=2000\nEND=4000\ntitle=two\n";
    fs::write(folder.path("words.txt"), chapters).expect("written");
    folder.ffmpeg(&format!(
        "-f lavfi -i testsrc2=size=96x64:rate=25:duration=1.2 -f lavfi -i mandelbrot=size=96x64:rate=25 \
         -f lavfi -i sine=duration=4 -i words.srt -f ffmetadata -i words.txt -filter_complex \
         [0]split=3[a][b][c];[b]negate[d];[c]hflip,negate,trim=duration=0.6,setpts=PTS-STARTPTS[e];\
         [1]trim=duration=1,format=yuv420p[f];[a][f][d][e]concat=n=4[v] \
         -map [v] -map 2 -map 3 -map_metadata 4 -c:v libx264 -preset superfast -pix_fmt yuv420p -c:a aac \
         -c:s mov_text {name}"
    ));
    assert_eq!(times(&folder.path(name)).len(), 100);
}

/// Draws every part of a job, the last one first.
fn draw_all(folder: &Folder, job: &str, parts: usize) {
    (0..parts).rev().for_each(|part| draws(folder, &format!("--job {job} --part {part}")));
}

fn draws(folder: &Folder, args: &str) {
    let run = run(program(folder).args(args.split_whitespace()).arg("--quiet"));
    assert_eq!((run.code, &*run.out, &*run.said), (Some(0), "", ""), "{args}");
}

/// A digest of every decoded picture.
fn pictures(path: &Path) -> Vec<String> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(path);
    let text = crate::clips::run(command.args("-map 0:v:0 -vsync passthrough -f framemd5 -".split(' ')));
    let lines = String::from_utf8(text).expect("text");
    let digest = |line: &str| line.rsplit(',').next().expect("a digest").trim().to_owned();
    lines.lines().filter(|line| !line.starts_with('#')).map(digest).collect()
}

/// All that `ffprobe` says of a file and its packets, but its name and size.
fn all_of(path: &Path) -> Value {
    let mut all = probe(path, "-show_format -show_streams -show_chapters -show_packets -show_data_hash md5");
    all["format"]["filename"] = Value::Null;
    all
}

fn files(folder: &Folder, job: &str) -> Vec<String> {
    let entries = fs::read_dir(folder.path(job)).expect("there");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("read").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_film_in_parts_is_the_film_of_one_run() {
    let folder = Folder::new();
    film(&folder, "in.mp4");
    runs(&folder, "in.mp4 whole.mkv --codec ffv1");
    let said = others(&folder, "split in.mp4 --parts 4 -o film.job --codec ffv1 --device cpu");
    assert!(said.contains("film.job: 100 frames in 4 parts, 4 of them bit for bit"), "{said}");
    draw_all(&folder, "film.job", 4);
    assert_eq!(
        files(&folder, "film.job"),
        ["part-0.mov", "part-1.mov", "part-2.mov", "part-3.mov", "plan.toml"]
    );
    others(&folder, "join film.job joined.mkv");
    let [whole, joined] = ["whole.mkv", "joined.mkv"].map(|name| folder.path(name));
    let (of_whole, of_joined) = (pictures(&whole), pictures(&joined));
    assert_eq!(of_joined.len(), 100);
    assert!(of_joined == of_whole, "every picture, bit for bit");
    assert_eq!(times(&joined), times(&whole));
    assert_eq!(packets(&joined, "a:0"), packets(&whole, "a:0"));
    assert_eq!(stream_times(&joined, "s:0"), stream_times(&whole, "s:0"));
    let words = |path: &Path| {
        let mut all =
            probe(path, "-show_chapters -show_entries format_tags=title:stream=codec_name:format=duration");
        all["packets"] = Value::Null;
        all
    };
    assert_eq!(words(&joined), words(&whole));
    assert_eq!(words(&whole)["chapters"].as_array().map(Vec::len), Some(2));
}

#[test]
fn another_look_would_be_noticed() {
    let folder = Folder::new();
    film(&folder, "in.mp4");
    for (name, warp) in [("a.mkv", "1"), ("b.mkv", "0.9")] {
        runs(&folder, &format!("in.mp4 {name} --codec ffv1 --duration 0.4 --warp {warp}"));
    }
    assert_ne!(pictures(&folder.path("a.mkv")), pictures(&folder.path("b.mkv")));
}

#[test]
fn a_film_of_one_part_is_that_of_no_plan_packet_by_packet() {
    let folder = Folder::new();
    film(&folder, "even.mp4");
    // Uneven times, B-frames, sound that begins first.
    folder.ffmpeg(
        "-f lavfi -i testsrc2=size=96x64:rate=30000/1001:duration=2 -f lavfi -i sine=duration=2 \
         -vf select=not(mod(n\\,3))+not(mod(n\\,7)),setpts=PTS+0.2/TB -vsync vfr -c:v libx264 -bf 2 -c:a aac uneven.mkv",
    );
    for (input, formats) in [("even.mp4", &["mp4", "mkv", "mov"][..]), ("uneven.mkv", &["mp4", "mkv"])] {
        let job = format!("{input}.job");
        others(&folder, &format!("split {input} --parts 1 -o {job} --device cpu"));
        draw_all(&folder, &job, 1);
        for format in formats {
            let [whole, joined] = ["whole", "joined"].map(|name| format!("{name}.{input}.{format}"));
            runs(&folder, &format!("{input} {whole}"));
            others(&folder, &format!("join {job} {joined}"));
            let [whole, joined] = [whole, joined].map(|name| all_of(&folder.path(&name)));
            for (what, of_whole) in whole.as_object().expect("an object") {
                assert_eq!(&joined[what], of_whole, "{input} to {format}: {what}");
            }
        }
    }
}

#[test]
fn parts_of_uneven_times_and_lossy_pictures_join_too() {
    let folder = Folder::new();
    folder.ffmpeg(
        "-f lavfi -i testsrc2=size=96x64:rate=50:duration=2 -vf \
         select=not(mod(n\\,5))+lt(mod(n\\,40)\\,6) -vsync vfr -c:v libx264 -bf 3 uneven.mkv",
    );
    let input = folder.path("uneven.mkv");
    others(&folder, "split uneven.mkv --parts 5 -o a.job --device cpu");
    draw_all(&folder, "a.job", 5);
    for name in ["joined.mkv", "joined.mp4"] {
        others(&folder, &format!("join a.job {name}"));
        let joined = folder.path(name);
        assert_eq!(times(&joined), times(&input), "{name}");
        assert_eq!(pictures(&joined).len(), times(&input).len(), "{name}");
        let keys = probe(&joined, "-select_streams v:0 -skip_frame nokey -show_entries frame=pts_time");
        assert!(
            keys["frames"].as_array().is_some_and(|keys| keys.len() >= 5),
            "each part begins with a key picture"
        );
    }
}

#[test]
fn a_part_that_is_there_is_left_alone_and_two_runs_at_once_do_no_harm() {
    let folder = Folder::new();
    film(&folder, "in.mp4");
    others(&folder, "split in.mp4 --parts 2 -o a.job --device cpu");
    let part = || program(&folder).args("--job a.job --part 1 --quiet".split(' ')).spawn().expect("starts");
    let at_once = [part(), part(), part()];
    for mut child in at_once {
        assert_eq!(child.wait().expect("ends").code(), Some(0));
    }
    assert_eq!(files(&folder, "a.job"), ["part-1.mp4", "plan.toml"]);
    let path = folder.path("a.job/part-1.mp4");
    let before =
        (fs::read(&path).expect("there"), fs::metadata(&path).expect("there").modified().expect("told"));
    draws(&folder, "--job a.job --part 1");
    let after =
        (fs::read(&path).expect("there"), fs::metadata(&path).expect("there").modified().expect("told"));
    assert!(before == after);
}

#[test]
fn the_scheduler_names_the_part() {
    let folder = Folder::new();
    film(&folder, "in.mp4");
    others(&folder, "split in.mp4 --parts 12 -o a.job --device cpu");
    let none = run(program(&folder).args(["--job", "a.job"]));
    assert_eq!(none.code, Some(2));
    assert!(
        none.said.contains("no part of the 12 is named") && none.said.contains("--part 0 to 11"),
        "{}",
        none.said
    );
    for (name, part) in [("SLURM_ARRAY_TASK_ID", 3), ("JOB_COMPLETION_INDEX", 11)] {
        let mut command = program(&folder);
        let run = run(command.args(["--job", "a.job", "--quiet"]).env(name, part.to_string()));
        assert_eq!(run.code, Some(0), "{}", run.said);
    }
    assert_eq!(files(&folder, "a.job"), ["part-03.mp4", "part-11.mp4", "plan.toml"]);
    let beyond = run(program(&folder).args(["--job", "a.job", "--part", "12"]));
    assert_eq!(beyond.code, Some(2), "{}", beyond.said);
    let mixed = run(program(&folder).args(["--job", "a.job", "--part", "1", "--warp", "0.5"]));
    assert!(mixed.code == Some(2) && mixed.said.contains("cannot be used with"), "{}", mixed.said);
}

/// A job of two parts, both drawn; its film is `in.mp4`.
fn drawn_job(folder: &Folder) {
    film(folder, "in.mp4");
    others(folder, "split in.mp4 --parts 2 -o a.job --device cpu");
    draw_all(folder, "a.job", 2);
}

/// Joining is refused in these words, and leaves nothing.
fn no_join(folder: &Folder, words: &[&str]) {
    let run = run(&mut other(folder, "join a.job out.mp4"));
    assert!(
        run.code == Some(1) && words.iter().all(|word| run.said.contains(word)),
        "{words:?}\n{}",
        run.said
    );
    assert!(run.said.contains("\n  try: "), "{}", run.said);
    assert!(!folder.list().iter().any(|name| name.contains("out.mp4")), "{:?}", folder.list());
}

#[test]
fn parts_that_are_missing_cut_short_swapped_or_of_another_plan_are_named() {
    let folder = Folder::new();
    drawn_job(&folder);
    let [first, second] = ["a.job/part-0.mp4", "a.job/part-1.mp4"].map(|name| folder.path(name));
    let whole = fs::read(&second).expect("there");
    fs::remove_file(&second).expect("removed");
    no_join(&folder, &["1 of 2 parts are missing from a.job: 1", "--part 1"]);
    for length in [0, 100, whole.len() / 2, whole.len() - 1] {
        fs::write(&second, &whole[..length]).expect("written");
        no_join(&folder, &["part-1.mp4 cannot be used", "rm "]);
    }
    let begins = fs::read(&first).expect("there");
    fs::write(&first, &whole).expect("written");
    fs::write(&second, &begins).expect("written");
    no_join(&folder, &["part-0.mp4 cannot be used", "it is part 1 of 2, plan ", "wanted is part 0 of 2"]);
    // The same film, another look.
    others(&folder, "split in.mp4 --parts 2 -o b.job --device cpu --warp 0.5");
    draw_all(&folder, "b.job", 2);
    fs::write(&first, &begins).expect("written");
    fs::copy(folder.path("b.job/part-1.mp4"), &second).expect("copied");
    no_join(&folder, &["part-1.mp4 cannot be used", "it is part 1 of 2, plan "]);
    // A part that cannot be used is drawn again where it is wanted.
    let run = run(program(&folder).args("--job a.job --part 1".split(' ')));
    assert!(run.code == Some(0) && run.said.contains("drawn again"), "{}", run.said);
    assert!(fs::read(&second).expect("there") == whole);
    others(&folder, "join a.job out.mp4");
    assert_eq!(times(&folder.path("out.mp4")), times(&folder.path("in.mp4")));
}

/// Drawing is refused in these words.
fn no_part(folder: &Folder, words: &[&str]) {
    let run = run(program(folder).args("--job a.job --part 0 --quiet".split(' ')));
    assert!(
        run.code == Some(1) && words.iter().all(|word| run.said.contains(word)),
        "{words:?}\n{}",
        run.said
    );
    assert!(run.said.contains("\n  try: "), "{}", run.said);
    assert_eq!(files(folder, "a.job"), ["plan.toml"]);
}

#[test]
fn a_plan_that_does_not_fit_is_refused_with_the_reason() {
    let folder = Folder::new();
    film(&folder, "in.mp4");
    let (plan, input) = (folder.path("a.job/plan.toml"), folder.path("in.mp4"));
    image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([x as u8, y as u8, 9]))
        .save(folder.path("g.png"))
        .expect("saved");
    others(&folder, "split in.mp4 --parts 2 -o a.job --device cpu --geometry g.png --texture scream");
    let written = fs::read_to_string(&plan).expect("there");

    fs::write(&plan, written.replace("frames = 100", "frames = 99")).expect("written");
    no_part(&folder, &["plan.toml cannot be used", "changed after it was written"]);
    let version = concat!("version = \"", env!("CARGO_PKG_VERSION"), "\"");
    fs::write(&plan, written.replace(version, "version = \"0.0.1\"")).expect("written");
    no_part(&folder, &["is for another version", "expected 0.0.1"]);
    fs::remove_file(&plan).expect("removed");
    let none = run(program(&folder).args("--job a.job --part 0".split(' ')));
    assert!(none.code == Some(1) && none.said.contains("cannot read a.job/plan.toml"), "{}", none.said);
    fs::write(&plan, &written).expect("written");

    let whole = fs::read(&input).expect("there");
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(&input, &changed).expect("written");
    no_part(&folder, &["is for another film"]);
    fs::write(&input, &whole).expect("written");

    let exemplar = fs::read(folder.path("g.png")).expect("there");
    image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([y as u8, x as u8, 9]))
        .save(folder.path("g.png"))
        .expect("saved");
    no_part(&folder, &["is for another look"]);
    fs::write(folder.path("g.png"), exemplar).expect("written");

    let models = crate::networks::Copy::new();
    models.replace("painter.onnx", &crate::networks::substitute("fussy_painter.onnx"));
    let mut command = program(&folder);
    let other = run(command.args("--job a.job --part 0".split(' ')).env("STYLEWARP_MODELS", models.folder()));
    assert!(other.code == Some(1) && other.said.contains("is for other networks"), "{}", other.said);
    assert!(other.said.contains("painter.onnx"), "{}", other.said);

    draws(&folder, "--job a.job --part 0");
    // Where the film has moved on this machine, it is named.
    fs::rename(&input, folder.path("moved.mp4")).expect("renamed");
    let gone = run(program(&folder).args("--job a.job --part 1".split(' ')));
    assert!(gone.code == Some(1) && gone.said.contains("in.mp4"), "{}", gone.said);
    draws(&folder, "moved.mp4 --job a.job --part 1");
    others(&folder, "join a.job out.mp4 --film moved.mp4");
    assert_eq!(times(&folder.path("out.mp4")).len(), 100);
}

#[test]
fn a_folder_with_a_plan_is_not_written_and_a_film_that_cannot_be_read_leaves_none() {
    let folder = Folder::new();
    film(&folder, "in.mp4");
    others(&folder, "split in.mp4 --parts 2 -o a.job --device cpu");
    let before = fs::read(folder.path("a.job/plan.toml")).expect("there");
    let again = run(&mut other(&folder, "split in.mp4 --parts 3 -o a.job"));
    assert!(again.code == Some(2) && again.said.contains("plan.toml exists already"), "{}", again.said);
    assert!(fs::read(folder.path("a.job/plan.toml")).expect("there") == before);
    for args in [
        "split words.srt --parts 2 -o b.job",
        "split no.mp4 --parts 2 -o b.job",
        "split in.mp4 --parts 2 -o b.job --crf 60",
    ] {
        let run = run(&mut other(&folder, args));
        assert!(run.code.is_some_and(|code| code > 0), "{args}: {}", run.said);
        assert!(!folder.path("b.job").exists(), "{args}");
    }
}

#[cfg(unix)]
#[test]
fn a_part_that_is_killed_or_stopped_leaves_nothing_by_its_name_and_is_drawn_again() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;
    let folder = Folder::new();
    folder.ffmpeg("-f lavfi -i testsrc2=size=320x240:rate=25:duration=2 -c:v libx264 short.mp4");
    folder.ffmpeg("-stream_loop 39 -i short.mp4 -c copy in.mp4");
    others(&folder, "split in.mp4 --parts 2 -o a.job --device cpu");
    for (signal, code) in [("-KILL", None), ("-TERM", Some(130))] {
        let mut command = program(&folder);
        command.args("--job a.job --part 0 --json".split(' ')).stdout(Stdio::piped());
        let mut child = command.spawn().expect("starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("text");
        assert!(line.contains("\"start\""), "{line}");
        let kill = Command::new("kill").arg(signal).arg(child.id().to_string()).status();
        assert!(kill.expect("kill is there").success());
        assert_eq!(child.wait().expect("ends").code(), code, "{signal}");
        assert!(!folder.path("a.job/part-0.mp4").exists(), "{signal}");
    }
    no_join(&folder, &["2 of 2 parts are missing from a.job: 0-1"]);
}

/// A limit on the size of files is a full disk with another number.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_in_one_node_leaves_the_other_parts() {
    let folder = Folder::new();
    film(&folder, "in.mp4");
    others(&folder, "split in.mp4 --parts 2 -o a.job --device cpu --crf 1");
    draws(&folder, "--job a.job --part 0");
    let whole = program(&folder);
    let mut command = Command::new("sh");
    let script = "trap '' XFSZ; ulimit -f 4; exec \"$0\" --job a.job --part 1 --quiet";
    command.args(["-c", script]).arg(whole.get_program()).current_dir(folder.path(""));
    for (name, value) in whole.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let full = run(&mut command);
    assert!(full.code == Some(1) && full.said.contains("File too large"), "{:?} {}", full.code, full.said);
    assert_eq!(files(&folder, "a.job"), ["part-0.mp4", "plan.toml"]);
    draws(&folder, "--job a.job --part 1");
    others(&folder, "join a.job out.mp4");
}

#[cfg(unix)]
#[test]
fn what_schedulers_take_names_every_part_and_draws_the_film() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    film(&folder, "in.mp4");
    for (scheduler, file, words) in [
        (
            "slurm",
            "slurm.sh",
            &["--array=0-3 ", "--mem=", "--time=", "--requeue", "--dependency=afterok"][..],
        ),
        (
            "kubernetes",
            "kubernetes.yaml",
            &["completions: 4", "completionMode: Indexed", "memory: ", "--wait"],
        ),
        ("parallel", "parallel.sh", &["seq 0 3 ", "--retries 3"]),
    ] {
        let job = format!("it's {scheduler}.job");
        let mut command = other(&folder, &format!("split in.mp4 --parts 4 --device cpu --for {scheduler}"));
        let run = run(command.args(["-o", &job]));
        assert!(run.code == Some(0) && run.said.contains("core seconds a frame"), "{}", run.said);
        let mut left = [file, "plan.toml"];
        left.sort_unstable();
        assert_eq!(files(&folder, &job), left, "nothing of the trial is left");
        let path = folder.path(&job).join(file);
        let text = fs::read_to_string(&path).expect("there");
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
        let is_left = |rest: &str| rest.starts_with(|c: char| c.is_ascii_uppercase());
        assert!(!text.split('@').skip(1).any(is_left), "a place that was not filled in: {text}");
        if file.ends_with(".sh") {
            crate::clips::run(Command::new("sh").arg("-n").arg(path));
        }
    }
    // In place of GNU parallel, one that starts part after part.
    let double = "#!/bin/sh\nfor last; do :; done\nwhile read -r n; do\n\
                  sh -c \"$(printf %s \"$last\" | sed \"s/{}/$n/\")\" || exit 1\ndone\n";
    fs::create_dir(folder.path("bin")).expect("made");
    fs::write(folder.path("bin/parallel"), double).expect("written");
    fs::set_permissions(folder.path("bin/parallel"), fs::Permissions::from_mode(0o755)).expect("set");
    let ours = program(&folder);
    let mut command = Command::new("sh");
    command
        .args(["-c", "PATH=\"$PWD/bin:$PATH\" exec sh \"it's parallel.job/parallel.sh\""])
        .current_dir(folder.path(""));
    for (name, value) in ours.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let run = run(&mut command);
    assert_eq!(run.code, Some(0), "{}", run.said);
    assert_eq!(times(&folder.path("it's parallel.job/drawn.mp4")), times(&folder.path("in.mp4")));
}

/// Every picture, in grey.
fn greys(path: &Path, size: usize) -> Vec<Vec<u8>> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(path);
    let bytes = crate::clips::run(command.args("-vsync passthrough -f rawvideo -pix_fmt gray -".split(' ')));
    bytes.chunks_exact(size).map(<[u8]>::to_vec).collect()
}

#[test]
fn a_seam_within_a_shot_cannot_be_seen() {
    let folder = Folder::new();
    // A pan over a picture for 20 s, in one shot, with the networks that are used.
    folder.ffmpeg("-f lavfi -i mandelbrot=size=384x96:rate=10:end_scale=0.05 -frames:v 1 wide.png");
    folder.ffmpeg(
        "-loop 1 -framerate 10 -t 20 -i wide.png -vf scroll=h=0.003,crop=160:96 -c:v libx264 -crf 12 -pix_fmt yuv420p in.mp4",
    );
    let models = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models");
    let real = |mut command: Command| {
        let run = run(command.env("STYLEWARP_MODELS", &models));
        assert_eq!(run.code, Some(0), "{}", run.said);
        run.said
    };
    real(with(&folder, "in.mp4 whole.mkv --codec ffv1 --quiet"));
    let said = real(other(&folder, "split in.mp4 --parts 2 -o a.job --codec ffv1 --device cpu"));
    assert!(said.contains("2 parts, 1 of them bit for bit"), "{said}");
    for part in ["0", "1"] {
        let mut command = program(&folder);
        command.args(["--job", "a.job", "--quiet", "--part", part]);
        real(command);
    }
    real(other(&folder, "join a.job joined.mkv --quiet"));
    let [whole, joined] = ["whole.mkv", "joined.mkv"].map(|name| greys(&folder.path(name), 160 * 96));
    assert_eq!((whole.len(), joined.len()), (200, 200));
    let plan = fs::read_to_string(folder.path("a.job/plan.toml")).expect("there");
    let seam: usize = plan
        .lines()
        .find_map(|line| line.strip_prefix("frames = ")?.parse().ok().filter(|n| *n != 200))
        .expect("a part");
    let difference = |a: &[u8], b: &[u8]| -> f64 {
        let sum: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        sum as f64 / a.len() as f64
    };
    // From frame to frame, in the film of one run and across the seam.
    let mut steps: Vec<f64> = (1..200).map(|k| difference(&whole[k - 1], &whole[k])).collect();
    let across = difference(&joined[seam - 1], &joined[seam]);
    steps.sort_by(f64::total_cmp);
    assert!(
        across <= steps[198],
        "{across} across the seam at {seam}, {:?} elsewhere",
        (steps[0], steps[99], steps[198])
    );
    let apart = |k: usize| difference(&whole[k], &joined[k]);
    eprintln!(
        "across the seam at {seam}: {across:.3}; elsewhere {:.3} to {:.3}, median {:.3}; from one run: {:.3}",
        steps[0],
        steps[198],
        steps[99],
        apart(seam)
    );
    assert!(
        apart(seam) < steps[99],
        "{} from what one run makes, {} from frame to frame",
        apart(seam),
        steps[99]
    );
    assert!((0..seam - 30).all(|k| apart(k) == 0.0), "the part before is what one run makes");
}
