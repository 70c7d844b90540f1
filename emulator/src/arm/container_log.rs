//! `POST {site}/containerlogs`.

use http::StatusCode;

use super::gate::Reply;
use super::state::Site;
use crate::http::Answer;

pub(super) fn read(site: &Site) -> Reply {
    let text = site.handle.as_ref().map(|handle| handle.log().text()).unwrap_or_default();
    if text.is_empty() {
        return Ok(Answer::empty(StatusCode::NO_CONTENT));
    }
    Ok(Answer::text(StatusCode::OK, text))
}
