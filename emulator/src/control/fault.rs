//! What the next requests meet instead of the ordinary.

use std::sync::Mutex;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::arm::ArmError;
use crate::http::{Answer, Exchange};
use crate::sync::lock;
use crate::{identity, logs, storage};

/// How a PUT of a site is answered while it goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PutForm {
    /// 200, and it is done.
    #[default]
    AtOnce,
    /// 202 with `Azure-AsyncOperation`.
    AsyncOperation,
    /// 202 with `Location`.
    Location,
}

/// How a long-running PUT ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PutOutcome {
    /// The site is as it was asked for.
    #[default]
    Succeeded,
    /// It is not.
    Failed,
    /// Somebody ended it.
    Canceled,
}

/// The course of a PUT of a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PutScript {
    /// The form of its answer.
    pub form: PutForm,
    /// Polls that are answered with "in progress" before the one that tells the end.
    pub polls: u32,
    /// How it ends. With [`PutForm::AtOnce`] anything but success is the answer itself.
    pub outcome: PutOutcome,
    /// What `Retry-After` says, in milliseconds; `None` sends no such header.
    pub retry_after_ms: Option<u64>,
    /// Whether a site that was to be created is there although that failed.
    pub leaves_site: bool,
}

impl Default for PutScript {
    fn default() -> Self {
        Self {
            form: PutForm::AtOnce,
            polls: 2,
            outcome: PutOutcome::Succeeded,
            retry_after_ms: Some(1_000),
            leaves_site: false,
        }
    }
}

/// Which layer throttles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThrottleLayer {
    /// The service's front door: the envelope with `error`.
    #[default]
    Arm,
    /// Microsoft.Web: the envelope in PascalCase, with ExtendedCode 51025.
    Provider,
}

/// Something that happens to the next requests it fits. Faults are used in the order in which they came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fault {
    /// The next PUT of a site goes like this.
    Put {
        /// Like this.
        script: PutScript,
    },
    /// The next PUT of a new site finds its name taken.
    NameTaken,
    /// The next requests are answered with 429.
    Throttle {
        /// `arm`, `login`, `metadata`, `logs`, `ingestion` or `files`.
        service: String,
        /// Whose throttle.
        #[serde(default)]
        layer: ThrottleLayer,
        /// What `Retry-After` says.
        retry_after_seconds: u64,
        /// How many requests.
        #[serde(default = "once")]
        times: u32,
    },
    /// The next requests are answered with a status and an error of the service's form.
    Answer {
        /// `arm`, `login`, `metadata`, `logs`, `ingestion` or `files`.
        service: String,
        /// Only requests with this method.
        #[serde(default)]
        method: Option<String>,
        /// Only requests whose path contains this, without regard to case.
        #[serde(default)]
        path: Option<String>,
        /// The status.
        status: u16,
        /// The error's code.
        code: String,
        /// The error's text.
        message: String,
        /// What `Retry-After` says; nothing sends no such header.
        #[serde(default)]
        retry_after_seconds: Option<u64>,
        /// How many requests.
        #[serde(default = "once")]
        times: u32,
    },
    /// The front end fails the next requests to apps by itself.
    FrontEnd {
        /// Only requests whose path contains this, without regard to case.
        #[serde(default)]
        path: Option<String>,
        /// What it answers; nothing breaks the connection off without an answer.
        #[serde(default)]
        status: Option<u16>,
        /// Whether the container gets the request all the same.
        #[serde(default)]
        delivered: bool,
        /// How many requests.
        #[serde(default = "once")]
        times: u32,
    },
    /// The next answers of the log query lack some rows, and say so.
    PartialLogs {
        /// Rows that remain.
        rows: usize,
        /// How many queries.
        #[serde(default = "once")]
        times: u32,
    },
}

fn once() -> u32 {
    1
}

impl Fault {
    fn times(&mut self) -> Option<&mut u32> {
        match self {
            Self::Throttle { times, .. }
            | Self::Answer { times, .. }
            | Self::FrontEnd { times, .. }
            | Self::PartialLogs { times, .. } => Some(times),
            Self::Put { .. } | Self::NameTaken => None,
        }
    }

    fn answer(&self, service: &str, exchange: &Exchange) -> Option<Answer> {
        match self {
            Self::Throttle { service: wanted, layer, retry_after_seconds, .. } if wanted == service => {
                let answer = match layer {
                    ThrottleLayer::Provider => ArmError::provider_throttled().answer(),
                    ThrottleLayer::Arm => {
                        let message = "Too many requests.";
                        refusal(service, StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message)
                    }
                };
                Some(answer.with_header("retry-after", retry_after_seconds.to_string()))
            }
            Self::Answer { service: wanted, method, path, status, code, message, retry_after_seconds, .. }
                if wanted == service
                    && method.as_ref().is_none_or(|method| exchange.method.as_str().eq_ignore_ascii_case(method))
                    && is_within(path.as_deref(), &exchange.path) =>
            {
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let answer = refusal(service, status, code, message);
                Some(match retry_after_seconds {
                    Some(seconds) => answer.with_header("retry-after", seconds.to_string()),
                    None => answer,
                })
            }
            _ => None,
        }
    }
}

/// An error in the form of a service.
fn refusal(service: &str, status: StatusCode, code: &str, message: &str) -> Answer {
    match service {
        "login" | "metadata" => identity::refusal(status, code, message),
        "ingestion" => logs::refusal(status, message),
        "files" => storage::refusal(status, code, message),
        _ => ArmError::new(status, code, message).answer(),
    }
}

/// Whether a path contains what a fault wants.
fn is_within(wanted: Option<&str>, path: &str) -> bool {
    wanted.is_none_or(|wanted| path.to_ascii_lowercase().contains(&wanted.to_ascii_lowercase()))
}

/// How the front end fails a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrontEndFault {
    /// What it answers; nothing breaks the connection off.
    pub(crate) status: Option<StatusCode>,
    /// Whether the container gets the request.
    pub(crate) is_delivered: bool,
}

/// The faults that wait for a request.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        lock(&self.0).push(fault);
    }

    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }

    pub(crate) fn all(&self) -> Vec<Fault> {
        lock(&self.0).clone()
    }

    /// The answer that a fault gives in the service's stead.
    pub(crate) fn answer(&self, service: &str, exchange: &Exchange) -> Option<Answer> {
        self.take(|fault| fault.answer(service, exchange))
    }

    pub(crate) fn put_script(&self) -> Option<PutScript> {
        self.take(|fault| if let Fault::Put { script } = fault { Some(script.clone()) } else { None })
    }

    pub(crate) fn name_taken(&self) -> bool {
        self.take(|fault| matches!(fault, Fault::NameTaken).then_some(())).is_some()
    }

    /// How a request to an app fails.
    pub(crate) fn front_end(&self, requested: &str) -> Option<FrontEndFault> {
        self.take(|fault| match fault {
            Fault::FrontEnd { path, status, delivered, .. } if is_within(path.as_deref(), requested) => {
                let status = status.map(|status| StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY));
                Some(FrontEndFault { status, is_delivered: *delivered })
            }
            _ => None,
        })
    }

    pub(crate) fn partial_logs(&self) -> Option<usize> {
        self.take(|fault| if let Fault::PartialLogs { rows, .. } = fault { Some(*rows) } else { None })
    }

    /// Uses the first fault that fits.
    fn take<T>(&self, fits: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        let mut faults = lock(&self.0);
        let (index, taken) = faults.iter().enumerate().find_map(|(index, fault)| Some((index, fits(fault)?)))?;
        let used_up = faults[index].times().is_none_or(|times| {
            *times = times.saturating_sub(1);
            *times == 0
        });
        if used_up {
            faults.remove(index);
        }
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_used_as_often_as_it_says() {
        let faults = Faults::default();
        faults.add(serde_json::from_str(r#"{"fault":"partial-logs","rows":3,"times":2}"#).unwrap());
        assert_eq!(faults.partial_logs(), Some(3));
        assert_eq!(faults.partial_logs(), Some(3));
        assert_eq!(faults.partial_logs(), None);
        assert!(!faults.name_taken());
    }

    #[test]
    fn a_misspelt_fault_is_refused() {
        assert!(serde_json::from_str::<Fault>(r#"{"fault":"put","script":{"pols":1}}"#).is_err());
        assert!(serde_json::from_str::<Fault>(r#"{"fault":"nothing"}"#).is_err());
    }
}
