//! Paths.
//!
//! Of the invocation, by the platform's front end:
//!
//! | request | answer |
//! |---|---|
//! | `POST /api/function`, `Authorization: Bearer <invocation key>`, [`RUN_ID`](crate::headers::RUN_ID) | runs the command once for this run id. 200 with [`EXIT_CODE`](crate::headers::EXIT_CODE) when it ends in time, else 202; 401 for another key |
//! | `GET /v1/agent/link`, `Authorization: Bearer <dial key>`, upgraded to a WebSocket | a link, see [`crate::link`]; 401 for another key. Only of an agent that is dialled |
//! | anything else | 200 without any effect: the platform pings |
//!
//! Of the daemon's agent listener: `GET /v1/agents/connect` upgraded to a WebSocket, see [`crate::link`].
//!
//! Of the agent's API over the link. `{id}` is a run id or an exec id. Errors are JSON, [`crate::process::ErrorBody`].
//!
//! | request | answer |
//! |---|---|
//! | `GET /v1/processes/{id}` | [`ProcessState`](crate::process::ProcessState); 404 if unknown |
//! | `GET /v1/processes/{id}?wait=begun` | the same once it exists or is known not to; waits for an id that is not known yet. A run begins only when it is asked for so: an invocation that comes too late runs nothing |
//! | `GET /v1/processes/{id}?wait=exited` | the same once it has ended; 404 if unknown |
//! | `POST /v1/processes/{id}`, [`ProcessSpec`](crate::spec::ProcessSpec) | starts it, once for an id; the same |
//! | `DELETE /v1/processes/{id}` | 204; forgets a process that has ended, with its output |
//! | `POST /v1/processes/{id}/release` | 204; output that nobody reads may be dropped from now on |
//! | `POST /v1/processes/{id}/signal?signal=SIGTERM` | 204; to the process's group |
//! | `POST /v1/processes/{id}/resize?height=&width=` | 204 |
//! | `GET /v1/processes/{id}/output?from=` | [frames](crate::frame), from an [offset](crate::frame::From), until the end of the output; a body that breaks off is asked for again at the offset that was reached |
//! | `PUT /v1/processes/{id}/stdin/{writer}?offset=&close=` | [`crate::input`] |
//! | `GET /v1/run` | [`MainRun`](crate::process::MainRun) |
//! | `GET /v1/sample` | [`Sample`](crate::sample::Sample) |
//! | `GET /v1/changes` | a list of [`Change`](crate::changes::Change); 501 if they are not known |
//! | `GET /v1/export?transfer=&from=` | a tar archive of the root file system, see [`crate::transfer`] |
//! | `GET /v1/top?ps_args=` | [`Top`](crate::process::Top) |
//! | `HEAD /v1/archive?path=` | 200 with [`PATH_STAT`](crate::headers::PATH_STAT) |
//! | `GET /v1/archive?path=&transfer=&from=` | a tar archive, and the same when it begins; see [`crate::transfer`] |
//! | `PUT /v1/archive/{transfer}?path=&no_overwrite_dir_non_dir=&copy_uid_gid=&offset=` | a tar archive is extracted; see [`crate::transfer`] |
//! | `GET /v1/transfers/{transfer}` | 204 or an error, when an archive has been extracted; 404 if unknown |
//! | `DELETE /v1/transfers/{transfer}` | 204; it is forgotten, and ends if it has not |

/// Where the platform's front end invokes the agent.
pub const INVOCATION: &str = "/api/function";
/// Where an agent dials in, below the callback URL.
pub const CONNECT: &str = "/v1/agents/connect";
/// Where a daemon dials in, at the agent's server.
pub const LINK: &str = "/v1/agent/link";
/// Processes, by id.
pub const PROCESSES: &str = "/v1/processes";
/// The run of the container's own process.
pub const RUN: &str = "/v1/run";
/// The processes of the container as `ps` shows them.
pub const TOP: &str = "/v1/top";
/// What has changed in the container's file system.
pub const CHANGES: &str = "/v1/changes";
/// What the container uses.
pub const SAMPLE: &str = "/v1/sample";
/// The container's whole file system.
pub const EXPORT: &str = "/v1/export";
/// Copies of files that are under way.
pub const TRANSFERS: &str = "/v1/transfers";
/// Files.
pub const ARCHIVE: &str = "/v1/archive";
