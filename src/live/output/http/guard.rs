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

/// Tries the first line and the headers of a request on a guard of its own: for fuzzers.
///
/// # Panics
/// If one is admitted that should not be.
pub(crate) fn try_head(head: &[u8]) {
    const TOKEN: &str = "0123456789abcdef";
    let guard =
        Guard { address: (Ipv4Addr::LOCALHOST, 8787).into(), insecure: false, token: Token::of(TOKEN) };
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let target = lines.next().unwrap_or_default().split(|byte| *byte == b' ').nth(1);
    let Some(uri) = target.and_then(|target| Uri::try_from(target).ok()) else { return };
    let mut headers = HeaderMap::new();
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..colon]), value) {
            headers.append(name, value);
        }
    }
    if guard.admit(&uri, &headers).is_ok() {
        assert_is_ours(&uri, &headers, TOKEN);
    }
}

/// Panics unless a request names a server on this machine at port 8787, comes from no page of others, and has the token.
fn assert_is_ours(uri: &Uri, headers: &HeaderMap, token: &str) {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().expect("text"));
    let host = text(header::HOST).expect("a host");
    assert_eq!(headers.get_all(header::HOST).iter().count(), 1);
    let (name, port) = host.rsplit_once(':').expect("a port");
    let inner = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    let is_here = inner.eq_ignore_ascii_case("localhost")
        || inner.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    assert!(port == "8787" && is_here, "{host}");
    assert!(text(header::ORIGIN).is_none_or(|origin| origin.strip_prefix("http://") == Some(host)));
    assert!(matches!(text(SITE), None | Some("none" | "same-origin")));
    assert_eq!(uri.path().split('/').nth(1), Some(token));
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
mod tests;
