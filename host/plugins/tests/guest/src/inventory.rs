//! A cloud that has nothing in it. Where no container's name can say how an export ends, the cursor and the id do.

use crate::Guest;
use crate::behaviour::misbehave_everywhere;
use crate::exports::sockerless::backend::inventory::{Guest as Inventory, Page};
use crate::sockerless::backend::types::{Error, Handle};

impl Inventory for Guest {
    fn list(cursor: Option<String>) -> Result<Page, Error> {
        misbehave_everywhere(&cursor.unwrap_or_default());
        Ok(Page { items: Vec::new(), next: None })
    }

    fn agent_environment(id: String, _: Handle) -> Result<Vec<(String, String)>, Error> {
        misbehave_everywhere(&id);
        Ok(Vec::new())
    }
}
