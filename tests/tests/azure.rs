//! Microsoft's own clients judge the form of the emulator. They are told of a proxy and of an authority to trust, and are
//! otherwise as they are for Azure: they ask `https://management.azure.com`.

use sockerless_tests::{Emulator, azure_python};

/// Runs a scenario against an emulator with this configuration.
fn scenario(script: &str, config: &str) {
    let azure = Emulator::alone(config);
    assert_eq!(azure_python(&azure, script).ok(), "ok");
}

#[test]
fn azure_identity_gets_tokens() {
    scenario("azure_identities.py", "");
}

#[test]
fn azure_mgmt_web_makes_and_deletes_apps() {
    scenario("azure_resources.py", "[arm]\nresource_groups = ['sockerless', 'second']\npage_size = 2");
}

#[test]
fn azure_monitor_query_reads_logs() {
    scenario("azure_logs.py", "");
}

#[test]
fn azure_storage_file_share_uploads_files() {
    scenario("azure_files.py", "");
}
