//! SECURITY.md names a test behind each claim. The files are there, and have tests in them.

use std::path::Path;

#[test]
fn each_test_that_a_claim_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let mut rows = 0;
    let mut table = false;
    for line in text.lines() {
        table = line.starts_with('|') && (table || line.starts_with("| Claim | Test |"));
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        if !table || line.starts_with("| Claim") || line.starts_with("|---") {
            continue;
        }
        let [claim, tests] = cells[..] else { panic!("no claim with its tests: {line}") };
        rows += 1;
        // Between backticks.
        let named: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "nothing is behind this claim: {claim}");
        for file in named {
            let path = root.join(file);
            let code = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}, of \"{claim}\": {error}"));
            let tests = file.ends_with(".toml") || code.contains("#[test]") || code.contains("#[tokio::test");
            assert!(tests, "{file} has no test, of \"{claim}\"");
        }
    }
    assert!(rows > 20, "the tables of claims are not found: {rows} rows");
}
