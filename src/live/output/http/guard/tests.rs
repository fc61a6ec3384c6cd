//! Hosts, origins, sites and tokens, right, nearly right and at random.

use proptest::prelude::*;

use super::*;

const TOKEN: &str = "0123456789abcdef";
const OURS: &str = "127.0.0.1:8787";

fn guard(address: &str, insecure: bool) -> Guard {
    Guard { address: address.parse().expect("an address"), insecure, token: Token::of(TOKEN) }
}

fn admits(guard: &Guard, uri: &str, headers: &[(&str, &str)]) -> Result<String, Refusal> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::try_from(*name).expect("a name");
        map.append(name, value.parse().expect("a header"));
    }
    guard.admit(&uri.parse().expect("an address"), &map).map(|uri| uri.to_string())
}

fn asks(path: &str, headers: &[(&str, &str)]) -> Result<String, Refusal> {
    admits(&guard(OURS, false), path, headers)
}

fn by_host(guard: &Guard, host: &str) -> Result<String, Refusal> {
    admits(guard, &format!("/{TOKEN}/"), &[("host", host)])
}

#[test]
fn only_this_server_in_its_exact_form_is_a_host() {
    let local = guard(OURS, false);
    for host in [OURS, "localhost:8787", "[::1]:8787", "LOCALHOST:8787", "127.0.0.2:8787"] {
        assert_eq!(by_host(&local, host), Ok("/".into()), "{host}");
    }
    for host in [
        "evil.example:8787",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1:+8787",
        "127.0.0.1:08787",
        "127.0.0.1:8787x",
        "127.0.0.1:",
        "127.0.0.1:8787:8787",
        "[[127.0.0.1]]:8787",
        "[127.0.0.1]:8787",
        "::1:8787",
        "[::1]8787",
        "[::1:8787",
        "user@127.0.0.1:8787",
        "127.1:8787",
        "192.168.1.5:8787",
        "",
        "localhost.evil:8787",
        "localhost.:8787",
    ] {
        assert_eq!(by_host(&local, host), Err(Refusal::Host), "{host}");
    }
    // Served to all, names are still nobody's.
    let open = guard("0.0.0.0:8787", true);
    assert!(by_host(&open, "192.168.1.5:8787").is_ok() && by_host(&open, "evil.example:8787").is_err());
    // The port that goes without saying.
    let plain = guard("127.0.0.1:80", false);
    assert!(by_host(&plain, "127.0.0.1").is_ok() && by_host(&plain, "[::1]").is_ok());
}

#[test]
fn a_request_names_one_host() {
    let path = format!("/{TOKEN}/");
    assert_eq!(asks(&path, &[]), Err(Refusal::Host));
    assert_eq!(asks(&path, &[("host", OURS), ("host", OURS)]), Err(Refusal::Host));
    let whole = |authority: &str| asks(&format!("http://{authority}/{TOKEN}/"), &[("host", OURS)]);
    assert_eq!(whole(OURS), Ok("/".into()));
    for other in ["evil.example", "evil.example:8787", "localhost:8787", "127.0.0.1:80"] {
        assert_eq!(whole(other), Err(Refusal::Host), "{other}");
    }
    assert_eq!(asks(&format!("ftp://{OURS}/{TOKEN}/"), &[("host", OURS)]), Err(Refusal::Host));
}

#[test]
fn pages_of_others_are_refused_even_with_the_token() {
    let path = format!("/{TOKEN}/stream.mjpg");
    let from = |name: &str, value: &str| asks(&path, &[("host", OURS), (name, value)]);
    for site in ["none", "same-origin"] {
        assert!(from("sec-fetch-site", site).is_ok(), "{site}");
    }
    for site in ["cross-site", "same-site", "", "None", "same-origin, cross-site"] {
        assert_eq!(from("sec-fetch-site", site), Err(Refusal::Page), "{site}");
    }
    assert!(from("origin", "http://127.0.0.1:8787").is_ok());
    for origin in [
        "http://evil.example",
        "https://127.0.0.1:8787",
        "null",
        "http://127.0.0.1:9999",
        "http://localhost:8787",
        "http://127.0.0.1:8787/",
    ] {
        assert_eq!(from("origin", origin), Err(Refusal::Page), "{origin}");
    }
    let twice = [("host", OURS), ("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")];
    assert_eq!(asks(&path, &twice), Err(Refusal::Page));
}

#[test]
fn every_address_needs_the_token() {
    let ask = |path: &str| asks(path, &[("host", OURS)]);
    for (path, rest) in [("/", "/"), ("/source", "/source"), ("/api/state?a=b/c", "/api/state?a=b/c")] {
        assert_eq!(ask(path), Err(Refusal::Token), "{path}");
        assert_eq!(ask(&format!("/{TOKEN}{path}")), Ok(rest.into()), "{path}");
        assert_eq!(ask(&format!("/{}{path}", &TOKEN[1..])), Err(Refusal::Token), "{path}");
        assert_eq!(ask(&format!("/x/../{TOKEN}{path}")), Err(Refusal::Token), "{path}");
    }
    assert_eq!(ask(&format!("/{TOKEN}")), Err(Refusal::Slash));
    assert_eq!(ask(&format!("/{TOKEN}?x")), Err(Refusal::Slash));
    assert_eq!(ask("*"), Err(Refusal::Token));
}

/// Texts that are nearly a host.
fn host() -> impl Strategy<Value = String> {
    let name =
        prop_oneof![Just("127.0.0.1"), Just("localhost"), Just("[::1]"), Just("evil.example"), Just("")];
    let exact = (name, prop_oneof![Just(":8787"), Just(""), Just(":"), Just(":+8787")]);
    prop_oneof![
        exact.prop_map(|(name, port)| format!("{name}{port}")),
        "[\\[\\]0-9a-f:.+@ -]{0,24}",
        ".{0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(20_000)))]

    #[test]
    fn nothing_that_is_asked_panics_or_slips_through(
        hosts in proptest::collection::vec(host(), 0..3),
        origin in proptest::option::of(host()),
        site in proptest::option::of(prop_oneof![Just("none".to_owned()), Just("same-origin".to_owned()), ".{0,12}"]),
        path in prop_oneof![Just(format!("/{TOKEN}/")), "/[!-~]{0,30}", "[!-~]{0,30}"],
    ) {
        let mut headers = HeaderMap::new();
        let mut add = |name: &HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                headers.append(name, value);
            }
        };
        hosts.iter().for_each(|host| add(&header::HOST, host));
        origin.iter().for_each(|origin| add(&header::ORIGIN, &format!("http://{origin}")));
        site.iter().for_each(|site| add(&SITE, site));
        let Ok(uri) = path.parse::<Uri>() else { return Ok(()) };
        if guard(OURS, false).admit(&uri, &headers).is_ok() {
            assert_is_ours(&uri, &headers, TOKEN);
        }
    }
}
