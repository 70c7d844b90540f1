//! Writes the table of create fields into `docs/compatibility.md`: `cargo run -p sockerless-azf --example compatibility`.

use std::error::Error;
use std::path::Path;

use sockerless_azf::plan;

fn main() -> Result<(), Box<dyn Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/compatibility.md");
    let text = std::fs::read_to_string(&path)?;
    let updated =
        plan::with_table(&text).ok_or("docs/compatibility.md lacks the marks between which the table stands")?;
    if updated != text {
        std::fs::write(&path, updated)?;
    }
    Ok(())
}
