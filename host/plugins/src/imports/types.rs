//! `types`: no functions.

use crate::bindings::sockerless::backend::types::Host;
use crate::state::CallState;

impl Host for CallState {}
