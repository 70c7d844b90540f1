//! Reading a table.

use super::expectation::{Expectation, Part};

/// A table: what is done, line by line.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name: that of the file without `.table`.
    pub name: String,
    pub(super) steps: Vec<Step>,
}

/// A line at the left margin, with what is indented below it.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) line: usize,
    pub(super) action: Action,
    pub(super) checks: Vec<Check>,
    pub(super) captures: Vec<(String, Part)>,
    pub(super) otherwise: Option<Otherwise>,
}

#[derive(Debug, Clone)]
pub(super) enum Action {
    /// Gives a variable a value.
    Set(String, String),
    Request(Request),
    /// Reads the rest of the answer to a request that was begun.
    End(String),
}

#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    /// The name under which the answer is waited for later.
    pub(super) begin: Option<String>,
    /// Asked again and again until the answer is as expected.
    pub(super) eventually: bool,
    pub(super) status: u16,
    pub(super) method: String,
    pub(super) target: String,
    pub(super) body: String,
    pub(super) base64: String,
    pub(super) fill: usize,
    pub(super) headers: Vec<(String, String)>,
    pub(super) without: Vec<String>,
}

/// An expectation, and another one that takes its place with the Engine.
#[derive(Debug, Clone)]
pub(super) struct Check {
    pub(super) line: usize,
    pub(super) expectation: Expectation,
    pub(super) engine: Option<Instead>,
}

/// What the Engine has in place of one expectation.
#[derive(Debug, Clone)]
pub(super) struct Instead {
    pub(super) key: String,
    pub(super) line: usize,
    /// Whatever it is, if absent.
    pub(super) expectation: Option<Expectation>,
}

/// What the Engine answers in place of the whole.
#[derive(Debug, Clone)]
pub(super) struct Otherwise {
    pub(super) key: String,
    pub(super) line: usize,
    /// It is not asked at all, if absent.
    pub(super) status: Option<u16>,
    pub(super) checks: Vec<Expectation>,
}

const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"];

impl Table {
    /// Reads the table of this name.
    #[must_use]
    pub fn load(name: &str) -> Self {
        let file = super::folder().join(format!("{name}.table"));
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Self::parse(name, &text).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Reads a table.
    ///
    /// # Errors
    /// A line that means nothing.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let mut steps: Vec<Step> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let complaint = |what: String| format!("{name}.table:{number}: {what}");
            let content = line.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            if !line.starts_with([' ', '\t']) {
                steps.push(step(number, content).map_err(complaint)?);
                continue;
            }
            let step = steps.last_mut().ok_or_else(|| complaint("belongs to no request".to_owned()))?;
            detail(step, number, content).map_err(complaint)?;
        }
        Ok(Self { name: name.to_owned(), steps })
    }

    /// How many requests it has.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.action, Action::Request(_))).count()
    }

    /// The keys of the reasons that it names.
    pub fn reasons(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().flat_map(|step| {
            let instead = step.checks.iter().filter_map(|check| check.engine.as_ref()).map(|instead| &*instead.key);
            instead.chain(step.otherwise.as_ref().map(|otherwise| &*otherwise.key))
        })
    }
}

/// Reads a line at the margin.
fn step(line: usize, text: &str) -> Result<Step, String> {
    let mut checks = Vec::new();
    let action = if let Some(rest) = text.strip_prefix("set ") {
        let (name, value) = rest.split_once('=').ok_or("has no '='")?;
        Action::Set(name.trim().to_owned(), value.trim().to_owned())
    } else if let Some(name) = text.strip_prefix("end ") {
        Action::End(name.trim().to_owned())
    } else {
        let (request, message) = match text.split_once(" => ") {
            Some((request, message)) => (request.trim(), Some(message.trim())),
            None => (text, None),
        };
        if let Some(message) = message {
            checks.push(Check { line, expectation: Expectation::message(message), engine: None });
        }
        Action::Request(request_line(request)?)
    };
    Ok(Step { line, action, checks, captures: Vec::new(), otherwise: None })
}

fn request_line(text: &str) -> Result<Request, String> {
    let mut request = Request::default();
    let mut rest = text;
    if let Some(behind) = rest.strip_prefix("eventually ") {
        request.eventually = true;
        rest = behind.trim_start();
    }
    if let Some(behind) = rest.strip_prefix("begin ") {
        let (name, behind) = behind.trim_start().split_once(' ').ok_or("begins nothing")?;
        request.begin = Some(name.to_owned());
        rest = behind.trim_start();
    }
    let mut words = rest.splitn(4, ' ');
    let status = words.next().unwrap_or_default();
    request.status = status.parse().map_err(|_| format!("{status:?} is no status"))?;
    request.method = words.next().unwrap_or_default().to_owned();
    if !METHODS.contains(&&*request.method) {
        return Err(format!("{:?} is no method", request.method));
    }
    request.target = words.next().filter(|target| target.starts_with('/')).ok_or("has no path")?.to_owned();
    request.body = words.next().unwrap_or_default().trim().to_owned();
    Ok(request)
}

/// Reads an indented line.
fn detail(step: &mut Step, line: usize, text: &str) -> Result<(), String> {
    if let Some(rest) = text.strip_prefix("> ") {
        let Action::Request(request) = &mut step.action else { return Err("sends nothing".to_owned()) };
        return sending(request, rest.trim());
    }
    if let Some(rest) = text.strip_prefix("let ") {
        let (name, part) = rest.split_once('=').ok_or("has no '='")?;
        step.captures.push((name.trim().to_owned(), Part::parse(part.trim())?));
        return Ok(());
    }
    if let Some(rest) = text.strip_prefix("engine ") {
        let (key, rest) = rest.split_once(':').ok_or("has no colon")?;
        return otherwise(step, line, key.trim(), rest.trim());
    }
    step.checks.push(Check { line, expectation: Expectation::parse(text)?, engine: None });
    Ok(())
}

fn sending(request: &mut Request, text: &str) -> Result<(), String> {
    if let Some(length) = text.strip_prefix("fill ") {
        request.fill = length.trim().parse().map_err(|_| format!("{length:?} is no length"))?;
    } else if let Some(base64) = text.strip_prefix("base64 ") {
        request.base64.push_str(base64.trim());
    } else if let Some(more) = text.strip_prefix("+ ") {
        request.body.push_str(more.trim());
    } else if let Some(name) = text.strip_prefix('-') {
        request.without.push(name.trim().to_owned());
    } else {
        let (name, value) = text.split_once(':').ok_or("has no colon")?;
        request.headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(())
}

fn otherwise(step: &mut Step, line: usize, key: &str, text: &str) -> Result<(), String> {
    let key = key.to_owned();
    let (status, message) = match text.split_once("=> ") {
        Some((status, message)) => (status.trim(), Some(message)),
        None => (text, None),
    };
    if status == "skip" {
        step.otherwise = Some(Otherwise { key, line, status: None, checks: Vec::new() });
        return Ok(());
    }
    if let Ok(status) = status.parse() {
        let checks = message.map(Expectation::message).into_iter().collect();
        step.otherwise = Some(Otherwise { key, line, status: Some(status), checks });
        return Ok(());
    }
    let expectation = match (status, message) {
        ("anything", _) => None,
        ("", Some(message)) => Some(Expectation::message(message)),
        _ => Some(Expectation::parse(text)?),
    };
    if let Some(otherwise) = &mut step.otherwise {
        otherwise.checks.extend(expectation);
        return Ok(());
    }
    let check = step.checks.last_mut().ok_or("there is no expectation above")?;
    if check.engine.is_some() {
        return Err("the expectation above has one already".to_owned());
    }
    check.engine = Some(Instead { key, line, expectation });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Action, Table};

    #[test]
    fn a_table() {
        let table = Table::parse(
            "t",
            r#"
# A comment.
set name = {p}-a
201 POST /containers/create?name={name} {"Image": "x", "Cmd": ["a b"]}
    > Content-Type: text/plain
    > -Host
    > + ,"more"
    Id : id
    let id = Id
    # Another comment.
    Warnings = []
    engine ports: Warnings = null
404 GET /containers/{id}/json => No such: x
    engine other: 500 => Boom
    engine other: body ~ Boom
begin w 200 POST /containers/{id}/wait
eventually 200 GET /info
    engine other: skip
end w
    StatusCode = 0
"#,
        )
        .unwrap();
        assert_eq!((table.steps.len(), table.requests()), (6, 4));
        assert_eq!(table.reasons().collect::<Vec<_>>(), ["ports", "other", "other"]);
        let Action::Request(request) = &table.steps[1].action else { panic!() };
        assert_eq!((request.status, &*request.method), (201, "POST"));
        assert_eq!(request.target, "/containers/create?name={name}");
        assert_eq!(request.body, r#"{"Image": "x", "Cmd": ["a b"]},"more""#);
        assert_eq!(request.headers, [("Content-Type".to_owned(), "text/plain".to_owned())]);
        assert_eq!(request.without, ["Host"]);
        assert_eq!(table.steps[1].checks.len(), 2);
        assert_eq!(table.steps[1].checks[1].line, 11);
        assert!(table.steps[1].checks[1].engine.is_some());
        let otherwise = table.steps[2].otherwise.as_ref().unwrap();
        assert_eq!((otherwise.status, otherwise.checks.len()), (Some(500), 2));
        let Action::Request(request) = &table.steps[3].action else { panic!() };
        assert_eq!(request.begin.as_deref(), Some("w"));
        let Action::Request(request) = &table.steps[4].action else { panic!() };
        assert!(request.eventually && table.steps[4].otherwise.as_ref().unwrap().status.is_none());
        assert!(matches!(&table.steps[5].action, Action::End(name) if name == "w"));
    }

    #[test]
    fn complaints_name_the_line() {
        for (text, what) in [
            ("  Id : id", "t.table:1: belongs to no request"),
            ("\nGET /info", "t.table:2: \"GET\" is no status"),
            ("200 FETCH /info", "\"FETCH\" is no method"),
            ("200 GET info", "has no path"),
            ("200 GET /info\n    nonsense", "t.table:2: neither an expectation"),
            ("200 GET /info\n    engine x: a = b", "no expectation above"),
            ("set a", "has no '='"),
        ] {
            let error = Table::parse("t", text).unwrap_err();
            assert!(error.contains(what), "{error}");
        }
    }
}
