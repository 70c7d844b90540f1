//! Whether and when a request is sent again.

use std::time::UNIX_EPOCH;

use super::error::{Refusal, THROTTLED_BY_PROVIDER};
use crate::bindings::http::{HttpError, Response};
use crate::bindings::types::Timestamp;
use crate::world::{Request, SendError, World, header};

/// How often a request is sent at most.
pub(crate) const ATTEMPTS: u32 = 5;

/// Before the second attempt, when the server does not say; twice as long before each further one.
const FIRST_PAUSE: u64 = 800;

/// The same for the provider's own throttle, which asks for less than it takes.
const FIRST_PROVIDER_PAUSE: u64 = 10_000;

/// Who asks for a longer pause than this gets no second attempt: the client is told how long it is to wait.
const LONGEST_PAUSE: u64 = 90_000;

/// An attempt that would begin later than so many milliseconds after the first one is not made. The last one may take 100 s, the
/// host's limit of a request, and then there is still time to say what happened: most calls of a backend may take 300 s.
pub(super) const LAST_ATTEMPT: u64 = 180_000;

/// The pause before the next attempt, in milliseconds; nothing when there shall be none.
pub(super) fn pause(
    world: &dyn World,
    request: &Request,
    result: &Result<Response, SendError>,
    attempt: u32,
) -> Option<u64> {
    let idempotent = request.idempotent;
    let doubled = |first: u64| first << (attempt - 1).min(16);
    let wait = match result {
        Ok(response) => {
            let asked = wait_asked(response, world.now());
            let repeatable = match response.status {
                0..=399 => false,
                // Whatever the status, a server that says when to come back wants that.
                _ if asked.is_some() => true,
                429 | 503 => true,
                408 | 500 | 502 | 504 => idempotent,
                _ => false,
            };
            if !repeatable {
                return None;
            }
            let is_provider = response.status == 429
                && Refusal::parse(response, world.now()).extended_code.as_deref() == Some(THROTTLED_BY_PROVIDER);
            match asked {
                Some(asked) if is_provider => asked.max(doubled(FIRST_PROVIDER_PAUSE)),
                None if is_provider => doubled(FIRST_PROVIDER_PAUSE),
                Some(asked) => asked,
                None => jittered(world, doubled(FIRST_PAUSE)),
            }
        }
        Err(SendError::Http(HttpError::Connect(_))) => jittered(world, doubled(FIRST_PAUSE)),
        Err(SendError::Http(HttpError::Timeout(_) | HttpError::Interrupted(_))) if idempotent => {
            jittered(world, doubled(FIRST_PAUSE))
        }
        Err(_) => return None,
    };
    (wait <= LONGEST_PAUSE).then_some(wait)
}

/// Up to a quarter more, so that many who failed together do not come back together.
fn jittered(world: &dyn World, wait: u64) -> u64 {
    wait + u64::from(world.now().nanoseconds) % (wait / 4).max(1)
}

/// How long the server asks to wait, in milliseconds.
pub(crate) fn wait_asked(response: &Response, now: Timestamp) -> Option<u64> {
    for name in ["retry-after-ms", "x-ms-retry-after-ms"] {
        if let Some(wait) = header(response, name).and_then(|value| value.trim().parse::<f64>().ok()) {
            return milliseconds(wait);
        }
    }
    let value = header(response, "retry-after")?.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return milliseconds(seconds * 1_000.0);
    }
    let then = httpdate::parse_http_date(value).ok()?;
    // Only arithmetic: the clock is the host's.
    let then = then.duration_since(UNIX_EPOCH).ok()?;
    let now =
        u64::try_from(now.seconds).ok()?.checked_mul(1_000)?.checked_add(u64::from(now.nanoseconds) / 1_000_000)?;
    Some(u64::try_from(then.as_millis()).ok()?.saturating_sub(now))
}

/// A whole number of milliseconds; rubbish is nothing.
fn milliseconds(value: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    (value.is_finite() && (0.0..=1e12).contains(&value)).then_some(value.ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arm::exchange;
    use crate::testing::{Script, response};

    fn asked(name: &str, value: &str) -> Option<u64> {
        // 2026-11-23T19:25:28Z
        let now = Timestamp { seconds: 1_795_461_928, nanoseconds: 0 };
        wait_asked(&response(429, &[(name, value)], ""), now)
    }

    #[test]
    fn every_form_of_retry_after() {
        assert_eq!(asked("retry-after", "7"), Some(7_000));
        assert_eq!(asked("retry-after", "Mon, 23 Nov 2026 19:25:38 GMT"), Some(10_000));
        assert_eq!(asked("retry-after", "Mon, 23 Nov 2026 19:25:18 GMT"), Some(0));
        assert_eq!(asked("retry-after-ms", "250"), Some(250));
        assert_eq!(asked("x-ms-retry-after-ms", "30"), Some(30));
        assert_eq!(asked("retry-after", "soon"), None);
        assert_eq!(asked("retry-after", "-1"), None);
        assert_eq!(asked("other", "1"), None);
    }

    fn tries(method: &'static str, status: u16) -> usize {
        let script = Script::new().answer(status, "").answer(200, "");
        let _ = exchange(&script, &Request::new(method, "https://x/"), ATTEMPTS);
        script.sent().len()
    }

    #[test]
    fn what_may_be_repeated_is() {
        for status in [408, 429, 500, 502, 503, 504] {
            assert_eq!(tries("GET", status), 2, "{status}");
            assert_eq!(tries("PUT", status), 2, "{status}");
            assert_eq!(tries("DELETE", status), 2, "{status}");
            assert_eq!(tries("POST", status), if [429, 503].contains(&status) { 2 } else { 1 }, "{status}");
        }
        for status in [400, 401, 403, 404, 409, 501] {
            assert_eq!(tries("GET", status), 1, "{status}");
        }
    }

    #[test]
    fn retry_after_is_obeyed_whatever_the_status() {
        let script = Script::new().respond(response(409, &[("retry-after", "3")], "")).answer(200, "");
        exchange(&script, &Request::new("POST", "https://x/"), ATTEMPTS).unwrap();
        assert_eq!(script.slept(), [3_000]);
    }

    #[test]
    fn pauses_double_and_attempts_end() {
        let script = (0..9).fold(Script::new(), |script, _| script.answer(503, ""));
        assert_eq!(exchange(&script, &Request::new("GET", "https://x/"), ATTEMPTS).unwrap().status, 503);
        assert_eq!(script.slept(), [800, 1_600, 3_200, 6_400]);
    }

    #[test]
    fn a_long_pause_is_the_clients() {
        let script = Script::new().respond(response(429, &[("retry-after", "600")], ""));
        assert_eq!(exchange(&script, &Request::new("GET", "https://x/"), ATTEMPTS).unwrap().status, 429);
        assert!(script.slept().is_empty());
    }

    #[test]
    fn no_attempt_begins_so_late_that_the_call_might_not_end_in_time() {
        let script =
            (0..9).fold(Script::new(), |script, _| script.respond(response(429, &[("retry-after", "90")], "")));
        assert_eq!(exchange(&script, &Request::new("GET", "https://x/"), ATTEMPTS).unwrap().status, 429);
        assert_eq!(script.slept(), [90_000, 90_000]);
    }

    #[test]
    fn the_providers_throttle_is_not_believed() {
        let body = r#"{"Code":"TooManyRequests","Details":[{"ErrorEntity":{"ExtendedCode":"51025"}}]}"#;
        let throttled = || response(429, &[("retry-after", "5")], body);
        let script = Script::new().respond(throttled()).respond(throttled()).answer(200, "");
        exchange(&script, &Request::new("PUT", "https://x/"), ATTEMPTS).unwrap();
        assert_eq!(script.slept(), [10_000, 20_000]);
    }

    #[test]
    fn broken_connections_are_repeated_where_nothing_can_have_happened_twice() {
        let tries = |method, error: HttpError| {
            let script = Script::new().fail(error).answer(200, "");
            let _ = exchange(&script, &Request::new(method, "https://x/"), ATTEMPTS);
            script.sent().len()
        };
        assert_eq!(tries("POST", HttpError::Connect(String::new())), 2);
        assert_eq!(tries("POST", HttpError::Interrupted(String::new())), 1);
        assert_eq!(tries("PUT", HttpError::Interrupted(String::new())), 2);
        assert_eq!(tries("GET", HttpError::Timeout(String::new())), 2);
        assert_eq!(tries("GET", HttpError::Denied(String::new())), 1);
        assert_eq!(tries("GET", HttpError::Exhausted(String::new())), 1);
    }
}
