//! `stylewarp distill` that is interrupted, meets another one, or a full disk: what was tuned is kept, and what was there.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use image::{Rgba, RgbaImage};
use safetensors::SafeTensors;
use stylewarp::assets;
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    /// With a painting on a transparent ground, and a photo.
    fn new() -> Self {
        let folder = Self(TempDir::new().expect("a folder"));
        let art = assets::painting("nafea").expect("the program's own");
        let (width, height) = art.dimensions();
        let margin = width / 5;
        let picture = RgbaImage::from_fn(width + 2 * margin, height + 2 * margin, |x, y| {
            let inside = (margin..margin + width).contains(&x) && (margin..margin + height).contains(&y);
            if !inside {
                return Rgba([255, 0, 255, 0]);
            }
            let [r, g, b] = art.get_pixel(x - margin, y - margin).0;
            Rgba([r, g, b, 255])
        });
        picture.save(folder.path("art.png")).expect("written");
        assets::photos().expect("the program's own")[0].save(folder.path("photo.png")).expect("written");
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn names(&self) -> Vec<String> {
        let name = |entry: std::io::Result<fs::DirEntry>| {
            entry.expect("read").file_name().into_string().expect("UTF-8")
        };
        let mut names: Vec<_> = fs::read_dir(self.0.path()).expect("there").map(name).collect();
        names.sort();
        names
    }

    /// The program, or a shell that sets limits and then becomes the program.
    fn command(&self, limits: Option<&str>, args: &str) -> Command {
        let program = env!("CARGO_BIN_EXE_stylewarp");
        let mut command = match limits {
            Some(limits) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("{limits}; exec \"$0\" \"$@\""), program]);
                shell
            }
            None => Command::new(program),
        };
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
        command.current_dir(self.0.path()).args(args.split_whitespace()).args(["--device", "cpu"]);
        command.env("STYLEWARP_MODELS", models).stderr(Stdio::piped());
        command
    }

    fn run(&self, limits: Option<&str>, args: &str) -> (Option<i32>, String) {
        let output = self.command(limits, args).output().expect("the program starts");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(!said.contains("panicked"), "{said}");
        (output.status.code(), said)
    }

    /// Starts tuning, and comes back when some steps are done, with what was said until then.
    fn tuning(&self, args: &str) -> (Child, BufReader<std::process::ChildStderr>) {
        let mut child = self.command(None, &format!("{args} -vv")).spawn().expect("starts");
        let mut said = BufReader::new(child.stderr.take().expect("piped"));
        let (mut line, mut steps) = (String::new(), 0);
        while steps < 3 {
            line.clear();
            assert!(said.read_line(&mut line).expect("UTF-8") > 0, "it ended before it tuned");
            steps += usize::from(line.contains("terms="));
        }
        (child, said)
    }

    fn tensors(&self, name: &str) -> Vec<String> {
        let bytes = fs::read(self.path(name)).expect("there");
        let tensors = SafeTensors::deserialize(&bytes).expect("whole");
        tensors.names().into_iter().map(str::to_owned).collect()
    }
}

/// The steps that the closing line tells.
fn steps(said: &str) -> u32 {
    let line = said.lines().rev().find(|line| line.starts_with("mine.toml: ")).expect("a closing line");
    line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number of steps")
}

#[cfg(unix)]
#[test]
fn what_is_interrupted_can_be_used_and_goes_on() {
    let folder = Folder::new();
    let (mut child, mut rest) = folder.tuning("distill art.png -o mine.toml --minutes 5");
    // Another one at the same output meanwhile, and one that would replace what is there.
    for args in ["", " -y", " --resume"] {
        let (code, said) = folder.run(None, &format!("distill art.png -o mine.toml{args}"));
        assert!(code == Some(1) && said.contains("another run is writing"), "{args}: {code:?} {said}");
    }
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.expect("kill is there").success());
    let mut said = String::new();
    rest.read_to_string(&mut said).expect("UTF-8");
    assert_eq!(child.wait().expect("ends").code(), Some(130), "{said}");
    assert!(said.contains("interrupted: --resume goes on"), "{said}");
    assert_eq!(folder.names(), ["art.png", "mine.safetensors", "mine.toml", "photo.png"]);
    assert!(folder.tensors("mine.safetensors").contains(&"tuning.values".to_owned()));
    let (code, told) = folder.run(None, "still photo.png painted.png --preset mine.toml");
    assert_eq!(code, Some(0), "{told}");

    let before = steps(&said);
    let (code, said) = folder.run(None, "distill art.png -o mine.toml --resume --minutes 0.4");
    assert_eq!(code, Some(0), "{said}");
    assert!(steps(&said) > before, "{before} steps, and then {said}");
    // Done, it holds what painting needs and no more.
    assert_eq!(folder.tensors("mine.safetensors").len(), 4);
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_what_was_there() {
    let folder = Folder::new();
    fs::write(folder.path("mine.safetensors"), "precious").expect("written");
    fs::write(folder.path("mine.toml"), "precious").expect("written");
    // A limit on the size of files is a full disk with another number.
    let (code, said) =
        folder.run(Some("trap '' XFSZ; ulimit -f 100"), "distill art.png -o mine.toml -y --minutes 0.1");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("cannot write") && said.contains("mine.safetensors"), "{said}");
    assert!(said.contains("File too large") && said.contains("the space left"), "{said}");
    for name in ["mine.safetensors", "mine.toml"] {
        assert_eq!(fs::read(folder.path(name)).expect("there"), b"precious", "{name}");
    }
    assert_eq!(folder.names(), ["art.png", "mine.safetensors", "mine.toml", "photo.png"]);
}
