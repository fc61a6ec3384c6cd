//! The networks on any GPU, through ONNX Runtime's plug-in for WebGPU; here on a Vulkan driver made of software.

use std::path::Path;
use std::process::Command;

use image::RgbImage;
use stylewarp::assets;

use crate::kit::difference;

/// SwiftShader, which comes with Chromium.
const DRIVER: &str = "/usr/lib/chromium/vk_swiftshader_icd.json";

/// The program's picture of a small photo, painted on a device (the network that bends takes minutes on such a driver); what it said.
fn still(folder: &Path, device: &str, is_software_wanted: bool) -> (Option<RgbImage>, String) {
    let output = folder.join(format!("{device}.png"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_stylewarp"));
    command
        .arg("still")
        .arg(folder.join("photo.png"))
        .arg(&output)
        .args(["-v", "-y", "--warp", "0", "--device", device]);
    command.env("STYLEWARP_MODELS", Path::new(env!("CARGO_MANIFEST_DIR")).join("models"));
    command.env("VK_ICD_FILENAMES", DRIVER).env("VK_DRIVER_FILES", DRIVER);
    if is_software_wanted {
        command.env("ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER", "1");
    }
    let ran = command.output().expect("the program starts");
    let said = String::from_utf8(ran.stderr).expect("UTF-8");
    assert!(!said.contains("panicked"), "{said}");
    (ran.status.success().then(|| image::open(&output).expect("a picture").into_rgb8()), said)
}

#[test]
#[ignore = "needs the plug-in for any GPU, and Chromium for its Vulkan driver: ./setup.sh --gpu --tests"]
fn any_gpu_draws_what_the_processor_draws() {
    let folder = tempfile::tempdir().expect("a folder");
    let photo = assets::painting("girls-at-the-piano").expect("the program's own");
    let photo = image::imageops::thumbnail(&photo, 160, 120);
    photo.save(folder.path().join("photo.png")).expect("written");
    let (processor, _) = still(folder.path(), "cpu", false);
    let (gpu, said) = still(folder.path(), "webgpu", true);
    let (processor, gpu) = (processor.expect("always there"), gpu.unwrap_or_else(|| panic!("{said}")));
    assert!(said.contains("networks run on webgpu"), "{said}");
    let (own, drawn) = (difference(&gpu, &processor), difference(&photo, &processor));
    assert!(own < 2.0 && drawn > 10.0, "{own} apart; {drawn} from the photo");
    // Without a GPU that is one, it is not chosen in silence.
    let (refused, said) = still(folder.path(), "webgpu", false);
    assert!(refused.is_none() && said.contains("finds no GPU") && said.contains("--device auto"), "{said}");
}
