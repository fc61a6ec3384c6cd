//! Strangers, noisy clients, and requests at random.

use axum::routing::get;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::live::output::http::token::Token;

/// What the server says at once to a client that sends some bytes and then goes away.
fn answer_to(runtime: &tokio::runtime::Runtime, bytes: &[u8]) -> Vec<u8> {
    let address = "127.0.0.1:8787".parse().expect("an address");
    let guard = Guard { address, insecure: false, token: Token::of("0123456789abcdef") };
    let router = Router::new().route("/", get(async || "welcome"));
    runtime.block_on(async {
        let (mut client, server) = tokio::io::duplex(1 << 16);
        let connection = Arc::new(Connection::new());
        let talk = talk(server, connection, Arc::new(guard), TowerToHyperService::new(router));
        let ask = async {
            let mut answer = Vec::new();
            // Some are cut off before they have said everything.
            let _ = client.write_all(bytes).await;
            let moment = Duration::from_millis(2);
            while let Ok(Ok(1..)) = timeout(moment, client.read_buf(&mut answer)).await {}
            let _ = client.shutdown().await;
            let _ = client.read_to_end(&mut answer).await;
            answer
        };
        tokio::join!(talk, ask).1
    })
}

/// Lines that look like a request's head, more or less.
fn head() -> impl Strategy<Value = Vec<u8>> {
    let target = prop_oneof![
        Just("/0123456789abcdef/".to_owned()),
        Just("http://127.0.0.1:8787/0123456789abcdef/".to_owned()),
        Just("*".to_owned()),
        "[!-~]{0,40}",
    ];
    let line = prop_oneof![
        Just("Host: 127.0.0.1:8787".to_owned()),
        Just("Sec-Fetch-Site: none".to_owned()),
        "(Host|Origin|Sec-Fetch-Site|Content-Length|Transfer-Encoding|Upgrade): ?[ -~]{0,24}",
        "[ -~\\t\u{80}-\u{ff}]{0,40}",
    ];
    let method = prop_oneof![4 => Just("GET".to_owned()), 1 => "[A-Z]{1,8}"];
    let version = prop_oneof![4 => Just("HTTP/1.1".to_owned()), 1 => "HTTP/[0-9.]{0,4}"];
    let lines = proptest::collection::vec(line, 0..8);
    (method, target, version, lines).prop_map(|(method, target, version, lines)| {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        format!("{method} {target} {version}\r\n{lines}\r\n").into_bytes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(2000)))]

    #[test]
    fn no_request_panics_or_hangs(
        bytes in prop_oneof![head(), proptest::collection::vec(any::<u8>(), 0..200)]
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let answer = String::from_utf8_lossy(&answer_to(&runtime, &bytes)).into_owned();
        let asked = String::from_utf8_lossy(&bytes).into_owned();
        if answer.contains("welcome") {
            prop_assert!(asked.contains("/0123456789abcdef/") && asked.contains("127.0.0.1:8787"));
        }
    }
}

#[test]
fn a_request_that_is_right_is_answered() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let request = b"GET /0123456789abcdef/ HTTP/1.1\r\nHost: 127.0.0.1:8787\r\n\r\n";
    let answer = String::from_utf8(answer_to(&runtime, request)).expect("text");
    assert!(answer.ends_with("welcome"), "{answer}");
}

#[test]
fn a_client_that_asks_too_often_waits_ever_longer() {
    let begin = Instant::now();
    let mut pace = Pace::new(begin);
    let waits: Vec<_> = (0..800).map(|_| pace.ask(begin)).collect();
    assert!(waits[..400].iter().all(Duration::is_zero));
    assert_eq!(waits[799], Duration::from_secs(2));
    // Whoever waits is served at the rate for the long run.
    assert_eq!(pace.ask(begin + Duration::from_secs(2)), Duration::from_millis(5));
    assert_eq!(pace.ask(begin + Duration::from_secs(60)), Duration::ZERO);
}

#[test]
fn strangers_make_room_and_users_do_not() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let mut open = Open::default();
        let mut connections = Vec::new();
        let mut connect = |open: &mut Open, proven: bool| {
            if !open.has_room() {
                return false;
            }
            let connection = Arc::new(Connection::new());
            connection.proven.store(proven, Ordering::Relaxed);
            let held = connection.clone();
            let task = tokio::spawn(async move {
                let _held = held;
                std::future::pending::<()>().await;
            });
            open.0.push_back((Arc::downgrade(&connection), task.abort_handle()));
            connections.push((connection, task));
            true
        };
        assert!((0..10 * MOST).all(|_| connect(&mut open, false)));
        assert_eq!(open.0.len(), MOST);
        assert!((0..MOST).all(|_| connect(&mut open, true)));
        assert!(!connect(&mut open, true) && !connect(&mut open, false));
        // Those that were cut off have ended.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        assert!(connections[..10 * MOST].iter().all(|(_, task)| task.is_finished()));
        connections.clear();
        open.has_room();
        assert_eq!(open.0.len(), MOST, "their tasks go on");
    });
}
