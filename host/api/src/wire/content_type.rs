//! The content type of a JSON body, which the Engine insists on.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use sockerless_engine::Error;

/// Whether a body that is not empty may be read as JSON.
pub(super) fn check_json(headers: &HeaderMap) -> Result<(), Error> {
    let value = headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let value = value.as_deref().unwrap_or_default();
    let malformed = |reason| Err(Error::invalid(format!("malformed Content-Type header ({value}): mime: {reason}")));
    let (media, parameters) = value.split_once(';').unwrap_or((value, ""));
    let media = media.trim();
    if media.is_empty() {
        return malformed("no media type");
    }
    for (index, parameter) in parameters.split(';').enumerate() {
        // A semicolon at the very end is tolerated.
        if parameter.trim().is_empty() && parameters.split(';').count() == index + 1 {
            break;
        }
        if !parameter.split_once('=').is_some_and(|(name, value)| is_token(name.trim()) && !value.is_empty()) {
            return malformed("invalid media parameter");
        }
    }
    if !media.eq_ignore_ascii_case("application/json") {
        return Err(Error::invalid(format!("unsupported Content-Type header ({value}): must be 'application/json'")));
    }
    Ok(())
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::check_json;
    use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};

    #[test]
    fn texts_of_the_engine() {
        for (value, want) in [
            ("application/json", None),
            ("Application/JSON; charset=utf-8", None),
            ("application/json;", None),
            ("", Some("malformed Content-Type header (): mime: no media type")),
            ("text/plain", Some("unsupported Content-Type header (text/plain): must be 'application/json'")),
            ("bad;;;", Some("malformed Content-Type header (bad;;;): mime: invalid media parameter")),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(value))]);
            let error = check_json(&headers).err().map(|error| error.message);
            assert_eq!(error.as_deref(), want, "{value}");
        }
        assert!(check_json(&HeaderMap::new()).is_err());
    }
}
