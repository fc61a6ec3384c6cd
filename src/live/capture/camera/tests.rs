//! Cameras that send torn pictures, or none.

use super::*;

/// A driver whose pictures go round, and that tells when it is given back.
struct Fake {
    pictures: Vec<Option<Vec<u8>>>,
    asked: usize,
    closed: CancelToken,
}

impl Driver for Fake {
    fn shoot(&mut self) -> Result<Shot<'_>, Cause> {
        self.asked += 1;
        if self.asked.is_multiple_of(2) {
            return Ok(Shot::Nothing);
        }
        match &self.pictures[self.asked / 2 % self.pictures.len()] {
            Some(bytes) => Ok(Shot::Picture { bytes, age: std::time::Duration::ZERO }),
            None => Ok(Shot::Damaged),
        }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.closed.raise();
    }
}

const SIZE: Size = Size { width: 16, height: 8 };

fn camera(format: FrameFormat, pictures: Vec<Option<Vec<u8>>>) -> (CameraSource, CancelToken, CancelToken) {
    let (closed, stop) = (CancelToken::new(), CancelToken::new());
    let driver = Box::new(Fake { pictures, asked: 0, closed: closed.clone() });
    let info = live_info(SIZE, FrameRate::new(30, 1).expect("positive"));
    let clock = LiveClock::new();
    let source = CameraSource { driver, name: "fake".into(), info, format, clock, stop: stop.clone() };
    (source, closed, stop)
}

fn jpeg(size: Size) -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = image::RgbImage::from_pixel(size.width, size.height, image::Rgb([200, 90, 20]));
    picture.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Jpeg).expect("encoded");
    bytes
}

#[test]
fn a_camera_of_torn_pictures_only_ends_in_an_error() {
    let whole = jpeg(SIZE);
    // A header that promises a gigabyte.
    let mut bomb = whole.clone();
    let size_at = bomb.windows(2).position(|two| two == [0xff, 0xc0]).expect("a frame header") + 5;
    bomb[size_at..size_at + 4].copy_from_slice(&[0x3f, 0xff, 0x3f, 0xff]);
    for (format, picture, told) in [
        (FrameFormat::YUYV, Some(Vec::new()), "privacy shutter"),
        (FrameFormat::YUYV, Some(vec![128; 255]), "255 bytes"),
        (FrameFormat::NV12, Some(vec![128; 191]), "191 bytes"),
        (FrameFormat::YUYV, None, "damaged"),
        (FrameFormat::MJPEG, Some(Vec::new()), "privacy shutter"),
        (FrameFormat::MJPEG, Some(whole[..whole.len() / 4].to_vec()), "30 pictures"),
        (FrameFormat::MJPEG, Some(jpeg(Size { width: 32, height: 8 })), "32x8"),
        (FrameFormat::MJPEG, Some(bomb), "16383x16383"),
    ] {
        let (mut source, closed, _stop) = camera(format, vec![picture]);
        let error = source.next().expect_err(told);
        assert!(error.explained("").contains(told), "{}", error.explained(""));
        drop(source);
        assert!(closed.is_raised(), "the device is given back");
    }
}

#[test]
fn a_torn_picture_now_and_then_is_passed_over() {
    let torn = vec![None; MOST_UNREADABLE as usize - 1];
    let pictures = torn.into_iter().chain([Some(vec![128; 256])]).collect();
    let (mut source, _closed, stop) = camera(FrameFormat::YUYV, pictures);
    for _ in 0..5 {
        assert_eq!(source.next().expect("goes on").expect("a picture").size, SIZE);
    }
    stop.raise();
    assert!(source.next().expect("no failure").is_none());
}

#[test]
fn a_camera_that_is_silent_stops_when_told() {
    struct Silent;
    impl Driver for Silent {
        fn shoot(&mut self) -> Result<Shot<'_>, Cause> {
            std::thread::sleep(std::time::Duration::from_millis(1));
            Ok(Shot::Nothing)
        }
    }
    let (source, _closed, stop) = camera(FrameFormat::YUYV, vec![None]);
    let mut source = CameraSource { driver: Box::new(Silent), ..source };
    std::thread::scope(|scope| {
        let read = scope.spawn(move || source.next());
        stop.raise();
        assert!(read.join().expect("no panic").expect("no failure").is_none());
    });
}

#[test]
fn two_of_one_name_are_told_apart_by_their_bus() {
    let names = ["UVC Camera", "UVC Camera", "Phone"].map(str::to_owned);
    let buses = [Some("usb-1".to_owned()), Some("usb-2".to_owned()), Some("usb-3".to_owned())];
    assert_eq!(titles(&names, &buses), ["UVC Camera (usb-1)", "UVC Camera (usb-2)", "Phone"]);
    assert_eq!(titles(&names, &[None, None, None]), names);
}
