//! File shares in containers.

use std::fs;

use serde_json::json;
use sockerless_tests::{Emulator, STORAGE_KEY, Site, site_body};

/// A folder of shares, with a program in one of them.
fn emulator(folder: &std::path::Path) -> Emulator {
    let share = folder.join("sockerlessstorage/tools");
    fs::create_dir_all(&share).unwrap();
    fs::write(share.join("told"), "from the share").unwrap();
    Emulator::alone(&format!("[storage]\nfolder = '{}'", folder.display()))
}

/// The body of a PUT of an app that tells what it finds in a share, mounted with this key.
fn body(key: &str) -> serde_json::Value {
    // The container has no network of its own: it listens where the platform says.
    let program = "import http.server, os\n\
        class Handler(http.server.BaseHTTPRequestHandler):\n    \
            def do_GET(self):\n        \
                said = open('/a/mount/told').read()\n        \
                open('/a/mount/said', 'w').write(said + ', and back')\n        \
                self.send_response(200)\n        self.end_headers()\n        self.wfile.write(said.encode())\n\
        http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()";
    let mut body = site_body(&shell_words::join(["python3", "-c", program]), &[]);
    body["properties"]["siteConfig"]["azureStorageAccounts"] = json!({ "tools": {
        "type": "AzureFiles", "accountName": "sockerlessstorage", "shareName": "tools", "accessKey": key, "mountPath": "/a/mount",
    } });
    body
}

#[test]
fn a_container_has_the_share_from_its_first_start() {
    let folder = tempfile::tempdir().unwrap();
    let azure = emulator(folder.path());
    if !azure.isolates_files() {
        return;
    }
    let site = Site::of(&azure, "app");
    assert_eq!(site.arm("PUT", "", Some(&body(STORAGE_KEY))).status, 200);
    let reply = site.get("/");
    assert_eq!((reply.status, reply.text().as_str()), (200, "from the share"));
    assert_eq!(site.view()["container"]["starts"], 1);
    let back = fs::read_to_string(folder.path().join("sockerlessstorage/tools/said")).unwrap();
    assert_eq!(back, "from the share, and back");
}

#[test]
fn a_wrong_key_or_share_fails_the_start_and_the_log_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let azure = emulator(folder.path());
    if !azure.isolates_files() {
        return;
    }
    let site = Site::of(&azure, "app");
    assert_eq!(site.arm("PUT", "", Some(&body("d3Jvbmc="))).status, 200);
    site.becomes("it has failed", |app| app["container"]["phase"] == "failed");
    let log = site.arm("POST", "/containerlogs", None).text();
    assert!(log.contains("Failed to mount") && log.contains("InvalidCredentials"), "{log}");
    // With another share the site is put right, or wrong in another way.
    let mount = |share: &str| {
        json!({ "properties": { "tools": { "type": "AzureFiles", "accountName": "sockerlessstorage", "shareName": share,
            "accessKey": STORAGE_KEY, "mountPath": "/a/mount" } } })
    };
    let below = "/config/azurestorageaccounts";
    assert_eq!(site.arm("PUT", below, Some(&mount("none"))).json()["properties"]["tools"]["state"], "InvalidShare");
    site.becomes("the log says so", |app| app["platformLog"].as_str().is_some_and(|log| log.contains("InvalidShare")));
    assert_eq!(site.arm("PUT", below, Some(&mount("tools"))).json()["properties"]["tools"]["state"], "Ok");
    site.becomes("it is ready", |app| app["container"]["phase"] == "ready");
    assert_eq!(site.get("/").text(), "from the share");
}
