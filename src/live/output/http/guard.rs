//! Who may ask.
//!
//! A web page that someone visits can make the browser send requests to this machine, and can even have its own name
//! resolved to it (DNS rebinding). Four rules, each enough against most of them, stand in the way of all:
//!
//! * the request names this server as its host, once and in its exact form;
//! * a page that sent it is this server's: `Sec-Fetch-Site`, which browsers send with everything, says `same-origin`,
//!   or `none` for an address that the user typed or OBS was given; and so says `Origin`, where it is sent;
//! * the address holds the token ([`Token`]), which programs that are no browsers need as well;
//! * an answer is never shown inside a page of others ([`protect`]).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::http::uri::{PathAndQuery, Scheme};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};

use super::token::Token;

/// What browsers say of the page that a request comes from.
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The port of an address that names none.
const HTTP_PORT: &str = "80";

/// What is asked of a request.
pub(super) struct Guard {
    pub(super) address: SocketAddr,
    /// Whether other machines may ask, who know this one by an address of theirs.
    pub(super) insecure: bool,
    pub(super) token: Token,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Host,
    Page,
    Token,
    /// The token is right; its folder has the page.
    Slash,
}

impl Guard {
    /// The address that is asked for, without the token.
    ///
    /// # Errors
    /// Returns why the request is refused, if it is.
    pub(super) fn admit(&self, uri: &Uri, headers: &HeaderMap) -> Result<Uri, Refusal> {
        let host =
            only(headers, &header::HOST).flatten().filter(|host| self.is_ours(host)).ok_or(Refusal::Host)?;
        // A whole address in place of a path takes precedence over the host header.
        if uri.authority().is_some_and(|authority| authority.as_str() != host)
            || uri.scheme().is_some_and(|scheme| *scheme != Scheme::HTTP)
        {
            return Err(Refusal::Host);
        }
        if !matches!(only(headers, &SITE).ok_or(Refusal::Page)?, None | Some("none" | "same-origin")) {
            return Err(Refusal::Page);
        }
        if let Some(origin) = only(headers, &header::ORIGIN).ok_or(Refusal::Page)?
            && origin.strip_prefix("http://") != Some(host)
        {
            return Err(Refusal::Page);
        }
        let path = uri.path().strip_prefix('/').ok_or(Refusal::Token)?;
        let (token, rest) = path.find('/').map_or((path, ""), |slash| path.split_at(slash));
        if !self.token.is(token) {
            return Err(Refusal::Token);
        }
        if rest.is_empty() {
            return Err(Refusal::Slash);
        }
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let rest = PathAndQuery::try_from(format!("{rest}{query}")).map_err(|_| Refusal::Token)?;
        Ok(Uri::from(rest))
    }

    /// Whether a name or address, and a port, mean this server.
    fn is_ours(&self, host: &str) -> bool {
        // An address of IPv6 has colons of its own, and brackets around them.
        let end = host.rfind(']').map_or(0, |end| end + 1);
        let (name, port) = match host[end..].find(':') {
            Some(colon) => (&host[..end + colon], &host[end + colon + 1..]),
            None => (host, HTTP_PORT),
        };
        let ip = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::from),
            None => name.parse::<Ipv4Addr>().ok().map(IpAddr::from),
        };
        // Digits as we would write them: the standard library also reads `+8787` and `08787`.
        port == self.address.port().to_string()
            && match ip {
                // Of an address that was served on purpose, or to all: whoever can reach it names it by it.
                Some(ip) => ip.is_loopback() || ip == self.address.ip() || self.insecure,
                // A name other than this one may be anybody's.
                None => name.eq_ignore_ascii_case("localhost"),
            }
    }
}

/// The value of a header that may come once, if it came; `None` if it came more often, or is no text.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Option<&'a str>> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Some(None),
        (Some(value), None) => value.to_str().ok().map(Some),
        _ => None,
    }
}

impl Refusal {
    /// The answer; a client that was refused has to connect anew.
    pub(super) fn answer(self) -> Response {
        let (status, reason) = match self {
            Self::Host => (StatusCode::FORBIDDEN, "this is not the host you asked for"),
            Self::Page => (StatusCode::FORBIDDEN, "pages of other origins may not ask"),
            Self::Token => (StatusCode::FORBIDDEN, "use the whole address that stylewarp printed"),
            Self::Slash => (StatusCode::NOT_FOUND, "the address of the page ends in a slash"),
        };
        (status, [(header::CONNECTION, "close")], reason).into_response()
    }
}

/// Says of an answer that pages of others may neither show nor read it, and that it is what it says it is.
pub(super) fn protect(mut answer: Response) -> Response {
    for (name, value) in [
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::CONTENT_SECURITY_POLICY, "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // The address of the page holds the token.
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

#[cfg(test)]
mod tests {
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
        #![proptest_config(ProptestConfig::with_cases(20_000))]

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
                let host = headers[header::HOST].to_str().expect("text").to_owned();
                let (name, port) = host.rsplit_once(':').expect("a port");
                prop_assert!(port == "8787" && !name.contains("evil"), "{host}");
                prop_assert_eq!(headers.get_all(header::HOST).iter().count(), 1);
                let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().expect("text"));
                prop_assert!(origin.is_none_or(|origin| origin.strip_prefix("http://") == Some(&host)));
                let site = headers.get(SITE).map(|site| site.to_str().expect("text"));
                prop_assert!(matches!(site, None | Some("none" | "same-origin")));
                prop_assert_eq!(uri.path().split('/').nth(1), Some(TOKEN));
            }
        }
    }
}
