//! Headers, all in lower case.

/// Exit code of the command in decimal, on the response to an invocation. Its absence means that the response is not the
/// agent's, or that the command still runs.
pub const EXIT_CODE: &str = "x-sockerless-exit-code";
/// The run that an invocation asks for, and that a response to it is about.
pub const RUN_ID: &str = "x-sockerless-run-id";
/// The container that an agent belongs to, when it dials.
pub const CONTAINER_ID: &str = "x-sockerless-container-id";
/// Drawn by the agent when it starts: tells two instances of one container apart.
pub const BOOT_ID: &str = "x-sockerless-boot-id";
/// The agent's token, on its answer to a daemon that dials and has proved itself: it is how the daemon recognises the agent.
pub const AGENT_TOKEN: &str = "x-sockerless-agent-token";
/// [`crate::VERSION`] of the side that sends it.
pub const PROTOCOL: &str = "x-sockerless-protocol";
/// The id of the request of Docker's API in whose course the agent is asked: for its log.
pub const REQUEST_ID: &str = "x-request-id";
/// Where in a trace this request belongs, as the W3C's Trace Context has it.
pub const TRACEPARENT: &str = "traceparent";
/// Offset of the first byte of an output body.
pub const OUTPUT_BEGIN: &str = "x-sockerless-output-begin";
/// Offset up to which there was output when the body began.
pub const OUTPUT_END: &str = "x-sockerless-output-end";
/// What is at a path, as base64 of the JSON of a [`crate::archive::PathStat`].
pub const PATH_STAT: &str = "x-sockerless-path-stat";
