//! Cameras that vanish, fall silent or hang.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::frame::Size;
use crate::live::capture::info::live_info;
use crate::live::capture::request::CameraName;
use crate::live::controls::{ControlState, Wardrobe};
use crate::live::latest::{Received, channel};
use crate::look::{Look, LookSpec};
use crate::time::FrameTime;

fn desk() -> Arc<Controls> {
    let (wanted, _names) = channel();
    let wardrobe = Wardrobe {
        worn: LookSpec::default(),
        own: ControlState::of(&Look::default(), false),
        looks: Vec::new(),
        paintings: Vec::new(),
    };
    Arc::new(Controls::new(ControlState::of(&Look::default(), false), wardrobe, wanted))
}

#[track_caller]
fn until(done: &dyn Fn() -> bool) {
    for _ in 0..3000 {
        if done() {
            return;
        }
        sleep(Duration::from_millis(10));
    }
    panic!("it never came");
}

/// Where pictures go, and what comes of them; and what takes other cameras.
fn outs()
-> (Outs, latest::Receiver<Arc<Frame>>, latest::Sender<CameraRequest>, latest::Receiver<CameraRequest>) {
    let (frames, taken) = channel();
    let (cameras, others) = channel();
    (Outs { frames, rates: channel().0 }, taken, cameras, others)
}

#[test]
fn a_clip_that_vanishes_is_told_and_comes_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("clip.mp4");
    // Short: it is opened again and again.
    std::fs::copy("tests/data/bunny.mp4", &path).expect("copied");
    let request = CameraRequest { name: CameraName::File(path.clone()), size: None, fps: None };
    let stop = CancelToken::new();
    let capture = Capture::new(request, LiveClock::new(), stop.clone());
    let controls = desk();
    let (outs, take, _cameras, others) = outs();
    let opened = capture.open().expect("a clip");
    std::fs::rename(&path, folder.path().join("away.mp4")).expect("renamed");
    capture.watch(opened, others, outs, controls.clone(), Arc::default()).expect("started");
    let patience = Duration::from_secs(30);
    assert!(matches!(take.take(patience), Received::Item(_)));
    until(&|| controls.notices.line().is_some_and(|told| told.contains("stands still")));
    std::fs::rename(folder.path().join("away.mp4"), &path).expect("renamed");
    until(&|| controls.notices.line().is_none());
    take.now();
    assert!(matches!(take.take(patience), Received::Item(_)));
    stop.raise();
}

#[test]
fn what_cannot_be_opened_is_an_error_at_once() {
    let name = CameraName::File("no-such.mp4".into());
    let request = CameraRequest { name, size: None, fps: None };
    let capture = Capture::new(request, LiveClock::new(), CancelToken::new());
    assert!(matches!(capture.open(), Err(Error::Read { .. })));
}

/// How often a fake camera was opened, how often it is open now, and how often it was at most.
#[derive(Default)]
struct Count {
    opened: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
}

/// A camera of one picture, which then hangs: until it is asked to end, or for good.
struct Hanging {
    info: VideoInfo,
    given: bool,
    end: Option<CancelToken>,
    free: CancelToken,
    count: Arc<Count>,
}

impl Source for Hanging {
    fn info(&self) -> &VideoInfo {
        &self.info
    }

    fn next(&mut self) -> Result<Option<Frame>> {
        if !std::mem::replace(&mut self.given, true) {
            return Ok(Some(Frame::filled(self.info.size, FrameTime::ZERO, [9, 9, 9, 255])));
        }
        while !self.free.is_raised() && !self.end.as_ref().is_some_and(CancelToken::is_raised) {
            sleep(Duration::from_millis(1));
        }
        // A driver takes its time to stop.
        sleep(Duration::from_millis(100));
        Ok(None)
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        self.count.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A session with such a camera; `free` lets those go that hang for good.
fn hanging(for_good: bool) -> (Arc<Count>, Arc<Controls>, CancelToken, CancelToken) {
    let (count, stop, free) = (Arc::new(Count::default()), CancelToken::new(), CancelToken::new());
    let (counting, freeing) = (count.clone(), free.clone());
    let opener = move |end: &CancelToken| -> Result<Box<dyn Source>> {
        counting.opened.fetch_add(1, Ordering::SeqCst);
        let now = counting.now.fetch_add(1, Ordering::SeqCst) + 1;
        counting.most.fetch_max(now, Ordering::SeqCst);
        let rate = crate::time::FrameRate::new(30, 1).expect("positive");
        let info = live_info(Size { width: 2, height: 2 }, rate);
        let end = (!for_good).then(|| end.clone());
        Ok(Box::new(Hanging { info, given: false, end, free: freeing.clone(), count: counting.clone() }))
    };
    let (short, long) = (Duration::from_millis(20), Duration::from_secs(30));
    // One that comes back is waited for, however busy the machine is.
    let end = if for_good { short } else { long };
    let patience = Patience { first: long, next: short, end, pause: short };
    let capture = Capture {
        request: CameraRequest { name: CameraName::Device("fake".into()), size: None, fps: None },
        opener: Arc::new(opener),
        clock: LiveClock::new(),
        stop: stop.clone(),
        patience,
    };
    let (outs, take, _cameras, others) = outs();
    // It is read by nobody, and must not end for that.
    std::mem::forget(take);
    let (opened, controls) = (capture.open().expect("opens"), desk());
    capture.watch(opened, others, outs, controls.clone(), Arc::default()).expect("started");
    (count, controls, stop, free)
}

#[test]
fn what_is_replaced_is_closed_first() {
    let (count, _controls, stop, _free) = hanging(false);
    until(&|| count.opened.load(Ordering::SeqCst) >= 5);
    assert_eq!(count.most.load(Ordering::SeqCst), 1);
    stop.raise();
    until(&|| count.now.load(Ordering::SeqCst) == 0);
}

#[test]
fn few_threads_hang_in_a_driver_and_the_user_is_told() {
    let (count, controls, stop, free) = hanging(true);
    until(&|| {
        controls.notices.line().is_some_and(|told| {
            told.contains("the camera fake has given none") && told.contains("its driver hangs")
        })
    });
    sleep(Duration::from_millis(300));
    assert_eq!(count.opened.load(Ordering::SeqCst), MOST_HUNG);
    // A driver that comes to itself is used again.
    free.raise();
    until(&|| count.opened.load(Ordering::SeqCst) > MOST_HUNG);
    stop.raise();
    until(&|| count.now.load(Ordering::SeqCst) == 0);
}

#[test]
fn the_first_cause_stays_until_a_picture_comes() {
    let mut trouble = Trouble::default();
    let told = trouble.first("it was unplugged".into());
    assert_eq!(told, "the picture stands still: it was unplugged");
    assert_eq!(trouble.first("there is no camera 0".into()), told);
    assert_eq!(
        trouble.hangs(&CameraName::Test),
        "the picture stands still: it was unplugged; its driver hangs: unplug it and plug it in again"
    );
}

#[test]
fn another_camera_takes_the_place_of_the_one_before() {
    let fast = CameraRequest { name: CameraName::Test, size: Size::new(64, 36), fps: Some(200) };
    let stop = CancelToken::new();
    let capture = Capture::new(fast, LiveClock::new(), stop.clone());
    let (controls, (outs, take, cameras, others)) = (desk(), outs());
    let opened = capture.open().expect("always there");
    capture.watch(opened, others, outs, controls.clone(), Arc::default()).expect("started");
    let seen = |width: u32| {
        until(
            &|| matches!(take.take(Duration::from_secs(9)), Received::Item(frame) if frame.size.width == width),
        );
    };
    seen(64);
    cameras.send(CameraRequest { name: CameraName::Test, size: Size::new(96, 54), fps: Some(200) });
    seen(96);
    // One that cannot be had is told; the next choice counts.
    cameras.send(CameraRequest { name: CameraName::File("no-such.mp4".into()), size: None, fps: None });
    until(&|| controls.notices.line().is_some_and(|told| told.contains("cannot read no-such.mp4")));
    cameras.send(CameraRequest { name: CameraName::Test, size: Size::new(32, 32), fps: Some(200) });
    seen(32);
    until(&|| controls.notices.line().is_none());
    stop.raise();
}
