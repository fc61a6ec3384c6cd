//! Drags files onto a window as a file manager does (the X Drag-and-Drop protocol, version 5), and reads the clipboard.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, PropMode,
    SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

const PATIENCE: Duration = Duration::from_secs(30);

/// A program of its own on the screen, with a window nobody sees.
pub(crate) struct Program {
    connection: RustConnection,
    window: u32,
}

impl Program {
    pub(crate) fn new(screen: &str) -> Self {
        let (connection, number) = x11rb::connect(Some(screen)).expect("a screen");
        let root = connection.setup().roots[number].root;
        let window = connection.generate_id().expect("a number");
        let aux = CreateWindowAux::new();
        connection
            .create_window(0, window, root, 0, 0, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &aux)
            .expect("a window");
        Self { connection, window }
    }

    fn atom(&self, name: &str) -> Atom {
        let asked = self.connection.intern_atom(false, name.as_bytes()).expect("asked");
        asked.reply().expect("an atom").atom
    }

    fn send(&self, to: u32, kind: &str, data: [u32; 5]) {
        let event = ClientMessageEvent::new(32, to, self.atom(kind), data);
        self.connection.send_event(false, to, EventMask::NO_EVENT, event).expect("sent");
        self.connection.flush().expect("sent");
    }

    /// The next event that a question is answered by.
    fn answer<T>(&self, what: &str, is_it: impl Fn(&Event) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            match self.connection.poll_for_event().expect("connected") {
                Some(event) => {
                    if let Some(found) = is_it(&event) {
                        return found;
                    }
                }
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        }
        panic!("no {what}");
    }

    /// Drops files onto a window.
    pub(crate) fn drop_on(&self, target: u32, files: &[PathBuf]) {
        let (selection, list) = (self.atom("XdndSelection"), self.atom("text/uri-list"));
        let text: String = files.iter().map(|file| format!("file://{}\r\n", file.display())).collect();
        self.connection.set_selection_owner(self.window, selection, x11rb::CURRENT_TIME).expect("owned");
        self.send(target, "XdndEnter", [self.window, 5 << 24, list, 0, 0]);
        let copy = self.atom("XdndActionCopy");
        let place = (400 << 16) | 300;
        self.send(target, "XdndPosition", [self.window, 0, place, x11rb::CURRENT_TIME, copy]);
        let (status, finished) = (self.atom("XdndStatus"), self.atom("XdndFinished"));
        let mut accepted = false;
        // It asks for the list before or after it says that it takes it.
        loop {
            let asked = self.answer("answer to a drag", |event| match event {
                Event::SelectionRequest(request) => Some(Some(*request)),
                Event::ClientMessage(message) if message.type_ == status => Some(None),
                Event::ClientMessage(message) if message.type_ == finished => Some(None),
                _ => None,
            });
            if let Some(request) = asked {
                self.connection
                    .change_property8(
                        PropMode::REPLACE,
                        request.requestor,
                        request.property,
                        list,
                        text.as_bytes(),
                    )
                    .expect("told");
                let notify = SelectionNotifyEvent {
                    response_type: SELECTION_NOTIFY_EVENT,
                    sequence: 0,
                    time: request.time,
                    requestor: request.requestor,
                    selection: request.selection,
                    target: request.target,
                    property: request.property,
                };
                self.connection
                    .send_event(false, request.requestor, EventMask::NO_EVENT, notify)
                    .expect("sent");
                self.connection.flush().expect("sent");
                if accepted {
                    return;
                }
            } else if !accepted {
                accepted = true;
                self.send(target, "XdndDrop", [self.window, 0, x11rb::CURRENT_TIME, 0, 0]);
            } else {
                return;
            }
        }
    }

    /// The text in the clipboard.
    pub(crate) fn clipboard(&self) -> String {
        let (clipboard, text) = (self.atom("CLIPBOARD"), self.atom("UTF8_STRING"));
        let property = self.atom("STYLEWARP_TEST");
        self.connection
            .convert_selection(self.window, clipboard, text, property, x11rb::CURRENT_TIME)
            .expect("asked");
        self.connection.flush().expect("asked");
        self.answer("clipboard", |event| matches!(event, Event::SelectionNotify(_)).then_some(()));
        let got =
            self.connection.get_property(true, self.window, property, AtomEnum::ANY, 0, 4096).expect("asked");
        String::from_utf8(got.reply().expect("a text").value).expect("UTF-8")
    }
}
