//! The table: every fault of the emulator, and what becomes of each command that meets it. The tests drive it, and
//! `docs/faults.md` is made of it.

use serde_json::{Value, json};

use super::row::{Cell, Group, IMAGE, NOWHERE, Provoke, Row};

/// Any number of requests.
const ALWAYS: u32 = 1_000;

fn put(script: &Value) -> Value {
    json!({ "fault": "put", "script": script })
}

fn arm(status: u16, code: &str, times: u32) -> Value {
    json!({ "fault": "answer", "service": "arm", "status": status, "code": code, "message": "As Azure words it.", "times": times })
}

fn after(mut fault: Value, seconds: u64) -> Value {
    fault["retry_after_seconds"] = json!(seconds);
    fault
}

fn throttle(service: &str, layer: &str, seconds: u64, times: u32) -> Value {
    json!({ "fault": "throttle", "service": service, "layer": layer, "retry_after_seconds": seconds, "times": times })
}

/// A bucket that lets nothing pass, for a quarter of an hour.
fn used_up() -> Value {
    json!({ "capacity": 0, "refill_per_second": 0.001 })
}

fn answer(service: &str, status: u16, code: &str, times: u32) -> Value {
    json!({ "fault": "answer", "service": service, "status": status, "code": code, "message": "As Azure words it.", "times": times })
}

/// The whole table.
pub(crate) fn rows() -> Vec<Row> {
    [making(), refusals(), waits(), tokens(), identity(), front_end(), logs(), platform(), not_ready()].concat()
}

fn making() -> Vec<Row> {
    let row = |name, script: Value| Row::fault(Group::Making, name, put(&script));
    vec![
        row(
            "the app is made after some polls of `Azure-AsyncOperation`",
            json!({ "form": "async-operation", "polls": 2, "retry_after_ms": 0 }),
        )
        .makes(Cell::Works),
        row("the app is made after some polls of `Location`", json!({ "form": "location", "polls": 2, "retry_after_ms": 0 }))
            .makes(Cell::Works),
        row("the making fails at once", json!({ "outcome": "failed" })).makes(Cell::Refused(400, "could not be made")),
        row(
            "the operation fails",
            json!({ "form": "async-operation", "polls": 1, "retry_after_ms": 0, "outcome": "failed" }),
        )
        .makes(Cell::Refused(500, "could not be made")),
        row(
            "the operation fails, and the app is there all the same",
            json!({ "form": "location", "polls": 1, "retry_after_ms": 0, "outcome": "failed", "leaves_site": true }),
        )
        .makes(Cell::Refused(400, "could not be made")),
        row(
            "somebody cancels the operation, and the app is there all the same",
            json!({ "form": "async-operation", "polls": 1, "retry_after_ms": 0, "outcome": "canceled", "leaves_site": true }),
        )
        .makes(Cell::Refused(500, "could not be made")),
        Row::fault(Group::Making, "the app's name is somebody else's", json!({ "fault": "name-taken" })).makes(Cell::Works),
        Row::new(
            Group::Making,
            "so are the next two names",
            vec![Provoke::Fault(json!({ "fault": "name-taken" })); 3],
        )
        .makes(Cell::Refused(409, "is taken")),
        Row::new(
            Group::Making,
            "the operation fails, the app is there, and cannot be deleted yet",
            vec![
                Provoke::Fault(put(
                    &json!({ "form": "location", "polls": 0, "retry_after_ms": 0, "outcome": "failed", "leaves_site": true }),
                )),
                Provoke::Fault(
                    json!({ "fault": "answer", "service": "arm", "method": "DELETE", "status": 409, "code": "ScopeLocked",
                        "message": "The scope is locked." }),
                ),
            ],
        )
        .makes(Cell::Refused(400, "could not be made"))
        .removes(Cell::Refused(409, "lock")),
    ]
}

fn refusals() -> Vec<Row> {
    let row = |name, status, code| Row::fault(Group::Refusals, name, arm(status, code, ALWAYS));
    vec![
        row("the role is missing (403)", 403, "AuthorizationFailed").everywhere(Cell::Refused(403, "Website Contributor")),
        Row::new(
            Group::Refusals,
            "no role grants what is done with apps (403)",
            vec![Provoke::Configure(
                json!({ "arm": { "permissions": [{ "actions": ["*"], "not_actions": ["Microsoft.Web/sites/*"] }] } }),
            )],
        )
        .everywhere(Cell::Refused(403, "Website Contributor")),
        row("a lock forbids it (409)", 409, "ScopeLocked").everywhere(Cell::Refused(409, "A lock")),
        row("the provider is not registered (409)", 409, "MissingSubscriptionRegistration")
            .everywhere(Cell::Refused(500, "az provider register")),
        row("the quota is used up (400)", 400, "QuotaExceeded").everywhere(Cell::Refused(503, "quota is used up")),
        row("the subscription is not there (404)", 404, "SubscriptionNotFound")
            .everywhere(Cell::Refused(500, "SOCKERLESS_AZF_SUBSCRIPTION_ID")),
        Row::fault(
            Group::Refusals,
            "the resource group is not there (404)",
            json!({ "fault": "answer", "service": "arm", "method": "PUT", "status": 404, "code": "ResourceGroupNotFound",
                "message": "As Azure words it." }),
        )
        .makes(Cell::Refused(500, "SOCKERLESS_AZF_RESOURCE_GROUP")),
        Row::new(
            Group::Refusals,
            "the version of the API is not known (400)",
            vec![Provoke::Configure(json!({ "arm": { "api_versions": ["1999-01-01"] } }))],
        )
        .everywhere(Cell::Refused(400, "InvalidApiVersion")),
        row("an answer in neither of its forms (418)", 418, "").everywhere(Cell::Refused(500, "418")),
    ]
}

fn waits() -> Vec<Row> {
    let row = |name, fault| Row::fault(Group::Waits, name, fault);
    vec![
        row("429, once", throttle("arm", "arm", 0, 1)).everywhere(Cell::Works),
        row("429, come back in ten minutes", throttle("arm", "arm", 600, ALWAYS)).everywhere(Cell::Refused(503, "429")),
        row("the provider's own 429, come back in ten minutes", throttle("arm", "provider", 600, ALWAYS))
            .everywhere(Cell::Refused(503, "429")),
        row("the provider's own 429, once", throttle("arm", "provider", 0, 1)).everywhere(Cell::Works),
        Row::new(
            Group::Waits,
            "the subscription's requests are used up",
            vec![Provoke::Configure(
                json!({ "arm": { "throttle": { "reads": used_up(), "writes": used_up(), "deletes": used_up() } } }),
            )],
        )
        .everywhere(Cell::Refused(503, "429")),
        row("500, once", after(arm(500, "InternalServerError", 1), 0)).everywhere(Cell::Works),
        row("503, twice", after(arm(503, "ServerBusy", 2), 0)).everywhere(Cell::Works),
        row("503, again and again", after(arm(503, "ServerBusy", ALWAYS), 0))
            .everywhere(Cell::Refused(503, "ServerBusy")),
        row("504, again and again", after(arm(504, "GatewayTimeout", ALWAYS), 0))
            .everywhere(Cell::Refused(503, "GatewayTimeout")),
    ]
}

fn tokens() -> Vec<Row> {
    let row = |name, faults: &[Value]| {
        let faults = faults.iter().cloned().map(Provoke::Fault);
        Row::new(Group::Tokens, name, std::iter::once(Provoke::ExpireTokens).chain(faults).collect())
    };
    let logs_too = |row: Row, cell: Cell| row.everywhere(cell.clone()).logs(cell);
    let refused = || Cell::Refused(403, "AZURE_CLIENT_SECRET");
    vec![
        logs_too(row("every token has expired", &[]), Cell::Works),
        logs_too(
            Row::new(
                Group::Tokens,
                "tokens are good for a minute only",
                vec![Provoke::Configure(json!({ "identity": { "token_lifetime_ms": 60_000 } })), Provoke::ExpireTokens],
            ),
            Cell::Works,
        ),
        logs_too(
            row("the secret is not the right one any more", &[answer("login", 401, "invalid_client", ALWAYS)]),
            refused(),
        ),
        logs_too(
            row("the directory answers 503, once", &[after(answer("login", 503, "unavailable", 1), 0)]),
            Cell::Works,
        ),
        logs_too(row("the directory answers 429, once", &[throttle("login", "arm", 0, 1)]), Cell::Works),
    ]
}

fn identity() -> Vec<Row> {
    let row = |name, fault| Row::new(Group::Identity, name, vec![Provoke::ExpireTokens, Provoke::Fault(fault)]);
    let logs_too = |row: Row, cell: Cell| row.everywhere(cell.clone()).logs(cell);
    vec![
        logs_too(
            row("the metadata service answers 503, once", after(answer("metadata", 503, "unavailable", 1), 0)),
            Cell::Works,
        ),
        logs_too(
            row("the machine has no identity any more (400)", answer("metadata", 400, "invalid_request", ALWAYS)),
            Cell::Refused(403, "managed identity"),
        ),
    ]
}

fn front_end() -> Vec<Row> {
    let row = |name, status: Option<u16>, delivered: bool| {
        let fault = json!({ "fault": "front-end", "path": "/api/function", "status": status, "delivered": delivered });
        Row::fault(Group::FrontEnd, name, fault)
    };
    vec![
        row("502, and the app never got the request", Some(502), false).starts(Cell::Refused(503, "status 502")),
        row("503: no container of the app takes requests yet", Some(503), false).starts(Cell::Works),
        row("401: authentication is switched on for the app", Some(401), false)
            .starts(Cell::Refused(503, "status 401")),
        row("the connection breaks, and the app never got the request", None, false)
            .starts(Cell::Refused(503, "invocation failed")),
        row("502, and the app got the request", Some(502), true).starts(Cell::Works),
        row("504, and the app got the request", Some(504), true).starts(Cell::Works),
        row("the connection breaks, and the app got the request", None, true).starts(Cell::Works),
        Row {
            script: "echo out; sleep 3; exit 7",
            sign: Some(504),
            ..Row::new(
                Group::FrontEnd,
                "the command takes longer than the front end waits for a response",
                vec![Provoke::Configure(json!({ "platform": { "response_limit_ms": 1_000 } }))],
            )
        }
        .for_life()
        .everything(Cell::Works),
    ]
}

fn logs() -> Vec<Row> {
    let row = |name, fault| Row::fault(Group::Logs, name, fault);
    let configured = |name, patch| Row::new(Group::Logs, name, vec![Provoke::Configure(json!({ "logs": patch }))]);
    vec![
        row("429, once", throttle("logs", "arm", 0, 1)).logs(Cell::Works),
        row("429, come back in ten minutes", throttle("logs", "arm", 600, ALWAYS)).logs(Cell::Refused(503, "429")),
        row("the role is missing (403)", answer("logs", 403, "InsufficientAccessError", ALWAYS))
            .logs(Cell::Refused(403, "Log Analytics Reader")),
        row("the workspace is not there (404)", answer("logs", 404, "PathNotFoundError", ALWAYS))
            .logs(Cell::Refused(500, "SOCKERLESS_AZF_LOG_ANALYTICS_WORKSPACE")),
        row("the query takes too long (504), once", after(answer("logs", 504, "GatewayTimeout", 1), 0))
            .logs(Cell::Works),
        row("some rows are missing from the answer", json!({ "fault": "partial-logs", "rows": 0 })).logs(Cell::Silent),
        configured("the answer is cut at the limit of rows", json!({ "max_rows": 0 })).logs(Cell::Silent),
        configured("the answer is cut at the limit of bytes", json!({ "max_bytes": 0 })).logs(Cell::Silent),
        configured("the workspace's queries are used up", json!({ "queries": used_up() }))
            .logs(Cell::Refused(503, "429")),
        configured("no rows are answered as 204", json!({ "no_content": true })).logs(Cell::Works),
        configured("the columns come in another order", json!({ "reverse_columns": true })).logs(Cell::Works),
        configured("rows are late, and out of order", json!({ "delay_ms": 200, "disorder_ms": 200 }))
            .for_life()
            .everything(Cell::Works),
        row("telemetry is answered 503, once", after(answer("ingestion", 503, "", 1), 0))
            .for_life()
            .everything(Cell::Works),
        row("telemetry is answered 429, once", throttle("ingestion", "arm", 0, 1)).for_life().everything(Cell::Works),
        row("telemetry is answered 402: the day's quota is used up", answer("ingestion", 402, "", ALWAYS))
            .for_life()
            .everything(Cell::Works)
            .logs(Cell::Silent),
    ]
}

fn platform() -> Vec<Row> {
    let ordered = |name, order| {
        Row::new(Group::Platform, name, vec![Provoke::Order(order)])
            .cell("start", Cell::Works)
            .cell("run", Cell::Ended("replaced the instance"))
            .cell("exec", Cell::Refused(1, "is not running"))
            .logs(Cell::Works)
            .cell("kill", Cell::Refused(409, "is not running"))
            .removes(Cell::Works)
    };
    let configured = |name, patch| Row::new(Group::Platform, name, vec![Provoke::Configure(patch)]).for_life();
    vec![
        ordered("the platform moves the container", "move"),
        ordered("the container crashes", "crash"),
        Row::new(
            Group::Platform,
            "somebody changes the app's settings, and the container makes way for another",
            vec![Provoke::Settings],
        )
        .cell("start", Cell::Works)
        .cell("run", Cell::Stopped(143))
        .cell("exec", Cell::Refused(1, "is not running"))
        .logs(Cell::Works)
        .cell("kill", Cell::Refused(409, "is not running"))
        .removes(Cell::Works),
        Row::new(
            Group::Platform,
            "somebody changes the app's settings, and two containers go on at once",
            vec![Provoke::Configure(json!({ "platform": { "overlap_ms": 3_600_000 } })), Provoke::Settings],
        )
        .everything(Cell::Works)
        .cell("create", Cell::Unmet),
        configured("Always-On pings come again and again", json!({ "platform": { "always_on_interval_ms": 20 } }))
            .everything(Cell::Works),
        configured("the app's host cannot be told from its name", json!({ "arm": { "host_suffix": "-a1b2" } }))
            .everything(Cell::Works),
        configured(
            "the container is started by the first request only",
            json!({ "platform": { "start": "first-request" } }),
        )
        .everything(Cell::Works),
    ]
}

fn not_ready() -> Vec<Row> {
    let row = |name, provoke, says| {
        Row::new(Group::NotReady, name, vec![provoke])
            .for_life()
            .cell("create", Cell::Works)
            .starts(Cell::Refused(503, says))
            .cell("exec", Cell::Refused(1, "is not running"))
            .logs(Cell::Silent)
            .cell("kill", Cell::Refused(409, "is not running"))
            .removes(Cell::Works)
    };
    vec![
        row(
            "the agent is not in the image",
            Provoke::Configure(json!({ "images": [{ "name": IMAGE, "agent": false }] })),
            "the image has the program sockerless-agent",
        ),
        Row {
            sign: Some(503),
            ..row(
                "the image is not pulled before requests are given up",
                Provoke::Configure(json!({
                    "images": [{ "name": IMAGE, "start_delay_ms": 3_600_000 }], "platform": { "request_hold_ms": 100 },
                })),
                "status 503",
            )
        },
        Row {
            image: NOWHERE,
            ..row(
                "the image cannot be pulled",
                Provoke::Configure(json!({ "registries": { "pull": ["127.0.0.1:1"] } })),
                "Image pull failed",
            )
        },
        Row {
            sign: Some(503),
            ..row(
                "503, however often it is asked",
                Provoke::Fault(
                    json!({ "fault": "front-end", "path": "/api/function", "status": 503, "delivered": false, "times": ALWAYS }),
                ),
                "status 503",
            )
        },
    ]
}
