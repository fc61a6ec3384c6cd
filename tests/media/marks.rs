//! What a film says of how it is to be looked at.

use std::fs;
use std::path::Path;

use crate::kit::{Folder, copy, log_of};

/// Marks the first track of an MP4 file as spherical, as cameras of the first version do: an XML text in a box.
fn make_spherical(path: &Path) {
    const UUID: [u8; 16] =
        [0xff, 0xcc, 0x82, 0x63, 0xf8, 0x55, 0x4a, 0x93, 0x88, 0x14, 0x58, 0x7a, 0x02, 0x52, 0x1f, 0xdd];
    const XML: &str = "<?xml version=\"1.0\"?><rdf:SphericalVideo \
        xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" \
        xmlns:GSpherical=\"http://ns.google.com/videos/1.0/spherical/\">\
        <GSpherical:Spherical>true</GSpherical:Spherical>\
        <GSpherical:Stitched>true</GSpherical:Stitched>\
        <GSpherical:StitchingSoftware>a test</GSpherical:StitchingSoftware>\
        <GSpherical:ProjectionType>equirectangular</GSpherical:ProjectionType></rdf:SphericalVideo>";
    let mut bytes = fs::read(path).expect("readable");
    let added = 8 + UUID.len() + XML.len();
    let size =
        |bytes: &[u8], at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("4 bytes")) as usize;
    let find =
        |bytes: &[u8], name: &[u8]| bytes.windows(4).rposition(|part| part == name).expect("a box") - 4;
    let (moov, track) = (find(&bytes, b"moov"), find(&bytes, b"trak"));
    assert!(moov > find(&bytes, b"mdat"), "nothing behind it moves");
    let end = track + size(&bytes, track);
    for at in [moov, track] {
        let longer = u32::try_from(size(&bytes, at) + added).expect("short");
        bytes[at..at + 4].copy_from_slice(&longer.to_be_bytes());
    }
    let length = u32::try_from(added).expect("short").to_be_bytes();
    let marked = [&length[..], b"uuid", &UUID, XML.as_bytes()].concat();
    bytes.splice(end..end, marked);
    fs::write(path, bytes).expect("written");
}

#[test]
fn a_mark_that_is_lost_is_named() {
    let folder = Folder::new();
    let film = |name: &str, args: &str| {
        folder.clip(name, "testsrc=size=64x32:rate=25:duration=0.2", &format!("-c:v libx264 {args}"))
    };
    let said_of = |input: &Path| {
        log_of(|| {
            let _ = fs::remove_file(folder.path("out.mp4"));
            copy(input, &folder.path("out.mp4")).expect("copied");
        })
    };
    assert_eq!(said_of(&film("plain.mp4", "")), "");
    let all_around = film("around.mp4", "");
    make_spherical(&all_around);
    let said = said_of(&all_around);
    assert!(said.contains("mark of 360 degrees") && said.contains("left out: players will show"), "{said}");
    let said = said_of(&film("eyes.mkv", "-metadata:s:v stereo_mode=left_right"));
    assert!(said.contains("mark of two eyes"), "{said}");
}
