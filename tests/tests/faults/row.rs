//! What a row of the table is: a fault, how it is brought about, and what becomes of each command that meets it.

use serde_json::Value;

/// The commands, in the order of the columns.
pub(crate) const COMMANDS: [&str; 7] = ["create", "start", "run", "exec", "logs", "kill", "rm"];

/// What becomes of a command.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    /// It never meets the fault.
    Unmet,
    /// It meets the fault and does what it shall: Docker's client sees nothing of it.
    Works,
    /// Docker's client is told why not, and nothing has changed. The number is the HTTP status; of `run` and `exec` it is the exit
    /// code of the Docker CLI.
    Refused(u16, &'static str),
    /// The container has ended by it, with 137 and this text as its error. The Docker CLI shows such an error, and ends with 125.
    Ended(&'static str),
    /// It succeeds, and the container's output is lost to it.
    Silent,
    /// The platform has asked the command to end, which did, with this code.
    Stopped(u16),
}

/// What brings a fault about.
#[derive(Debug, Clone)]
pub(crate) enum Provoke {
    /// The control API is told of a fault.
    Fault(Value),
    /// The emulator's configuration is changed.
    Configure(Value),
    /// Every token that was given out expires.
    ExpireTokens,
    /// The control API has something done to the container's app: `move`, `crash`.
    Order(&'static str),
    /// Somebody changes the app's settings: the platform starts a second container beside the first.
    Settings,
}

/// How long the fault is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    /// It comes anew before each command, and goes after it.
    Command,
    /// It is there from before the container is made until it is removed.
    Life,
}

/// A fault.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Tests of one group are one world, one after another.
    pub(crate) group: Group,
    /// What happens in Azure.
    pub(crate) name: &'static str,
    /// What brings it about.
    pub(crate) provoke: Vec<Provoke>,
    /// How long.
    pub(crate) span: Span,
    /// The image of its containers.
    pub(crate) image: &'static str,
    /// What they run, for a shell: it writes `out` and ends with 7.
    pub(crate) script: &'static str,
    /// The status of an invocation by which one sees that the fault was met, where a fault is there for life.
    pub(crate) sign: Option<u16>,
    /// What becomes of each of the commands.
    pub(crate) cells: [Cell; 7],
}

/// Rows that share a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// How the making of an app goes.
    Making,
    /// What the resource manager refuses.
    Refusals,
    /// Where it asks to wait.
    Waits,
    /// Tokens.
    Tokens,
    /// The token of a managed identity.
    Identity,
    /// Between the Internet and the app.
    FrontEnd,
    /// Telemetry and the log query.
    Logs,
    /// The platform that runs containers.
    Platform,
    /// The same, when it has none for the app as long as a start lasts. Starts are given up soon.
    NotReady,
}

impl Group {
    /// All of them, with their headings.
    pub(crate) const ALL: [(Self, &'static str); 9] = [
        (Self::Making, "The making of an app"),
        (Self::Refusals, "The resource manager refuses"),
        (Self::Waits, "The resource manager asks to wait"),
        (Self::Tokens, "Tokens"),
        (Self::Identity, "Tokens of a managed identity"),
        (Self::FrontEnd, "The front end"),
        (Self::Logs, "Telemetry and logs"),
        (Self::Platform, "The platform"),
        (Self::NotReady, "The platform has no container for the app"),
    ];
}

/// The image that the containers of nearly every row have.
pub(crate) const IMAGE: &str = "alpine";

/// From a registry that nobody serves.
pub(crate) const NOWHERE: &str = "127.0.0.1:1/none:1";

impl Row {
    pub(crate) fn new(group: Group, name: &'static str, provoke: Vec<Provoke>) -> Self {
        let cells = [const { Cell::Unmet }; 7];
        Self { group, name, provoke, span: Span::Command, image: IMAGE, script: "echo out; exit 7", sign: None, cells }
    }

    pub(crate) fn fault(group: Group, name: &'static str, fault: Value) -> Self {
        Self::new(group, name, vec![Provoke::Fault(fault)])
    }

    pub(crate) fn cell(mut self, command: &str, cell: Cell) -> Self {
        let index = COMMANDS.iter().position(|known| *known == command);
        self.cells[index.unwrap_or_else(|| panic!("{command} is no command of the table"))] = cell;
        self
    }

    /// What making an app comes to, for `create` and for `run`.
    pub(crate) fn makes(self, cell: Cell) -> Self {
        self.cell("create", cell.clone()).cell("run", by_the_cli(cell))
    }

    /// What invoking it comes to, for `start` and for `run`.
    pub(crate) fn starts(self, cell: Cell) -> Self {
        self.cell("start", cell.clone()).cell("run", by_the_cli(cell))
    }

    pub(crate) fn removes(self, cell: Cell) -> Self {
        self.cell("rm", cell)
    }

    pub(crate) fn logs(self, cell: Cell) -> Self {
        self.cell("logs", cell)
    }

    /// The same for all that the resource manager does.
    pub(crate) fn everywhere(self, cell: Cell) -> Self {
        self.makes(cell.clone()).removes(cell)
    }

    pub(crate) fn everything(mut self, cell: Cell) -> Self {
        self.cells = std::array::from_fn(|_| cell.clone());
        self
    }

    /// Whether there are two containers at once for long, and not one that makes way for the other.
    pub(crate) fn has_two(&self) -> bool {
        let overlaps = |provoke: &Provoke| match provoke {
            Provoke::Configure(patch) => patch.pointer("/platform/overlap_ms").is_some(),
            _ => false,
        };
        self.provoke.iter().any(overlaps)
    }

    pub(crate) fn for_life(mut self) -> Self {
        self.span = Span::Life;
        self
    }
}

/// A container that `docker run` could not make or start is exit code 125.
fn by_the_cli(cell: Cell) -> Cell {
    match cell {
        Cell::Refused(_, text) => Cell::Refused(125, text),
        other => other,
    }
}
