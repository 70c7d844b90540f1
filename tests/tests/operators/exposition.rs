//! A strict reader of OpenMetrics' text format: what it does not understand fails the test.

use std::collections::BTreeMap;

type Labels = BTreeMap<String, String>;

/// A family of metrics.
#[derive(Debug)]
struct Family {
    kind: String,
    samples: Vec<(String, Labels, f64)>,
}

/// Everything that a scrape has told.
#[derive(Debug)]
pub(crate) struct Exposition(BTreeMap<String, Family>);

impl Exposition {
    pub(crate) fn read(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("the end is marked");
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        let mut current = String::new();
        for line in body.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                let mut words = comment.splitn(3, ' ');
                let (what, name, rest) =
                    (words.next().unwrap(), words.next().unwrap(), words.next().unwrap_or_default());
                match what {
                    "TYPE" => {
                        assert!(["counter", "gauge", "histogram", "info"].contains(&rest), "{line}");
                        name.clone_into(&mut current);
                        let family = Family { kind: rest.to_owned(), samples: Vec::new() };
                        assert!(families.insert(current.clone(), family).is_none(), "{name} is there twice");
                    }
                    "HELP" => assert!(!rest.is_empty(), "{line}"),
                    "UNIT" => assert!(name.ends_with(&format!("_{rest}")), "{line}"),
                    _ => panic!("{line}"),
                }
                continue;
            }
            let family = families.get_mut(&current).unwrap_or_else(|| panic!("{line} stands before its type"));
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = match series.split_once('{') {
                Some((name, labels)) => (name, labels_of(labels.strip_suffix('}').expect(line))),
                None => (series, Labels::new()),
            };
            let suffix = name.strip_prefix(current.as_str()).unwrap_or_else(|| panic!("{line} is not of {current}"));
            let allowed: &[&str] = match family.kind.as_str() {
                "counter" => &["_total"],
                "histogram" => &["_bucket", "_sum", "_count"],
                "info" => &["_info"],
                _ => &[""],
            };
            assert!(allowed.contains(&suffix), "{line}");
            let value = value.parse().unwrap_or_else(|error| panic!("{error}: {line}"));
            let known = family.samples.iter().any(|(other, there, _)| other == suffix && *there == labels);
            assert!(!known, "{line} is there twice");
            family.samples.push((suffix.to_owned(), labels, value));
        }
        let exposition = Self(families);
        exposition.histograms_add_up();
        exposition
    }

    fn histograms_add_up(&self) {
        for (name, family) in self.0.iter().filter(|(_, family)| family.kind == "histogram") {
            for (_, labels, count) in family.samples.iter().filter(|(suffix, ..)| suffix == "_count") {
                let mut last = 0.0;
                let of = |(suffix, known, value): &(String, Labels, f64)| {
                    let mut known = known.clone();
                    let bound = known.remove("le");
                    (suffix == "_bucket" && known == *labels).then(|| (bound.unwrap(), *value))
                };
                let buckets: Vec<_> = family.samples.iter().filter_map(of).collect();
                for (bound, value) in &buckets {
                    assert!(*value >= last, "{name} {labels:?}: less up to {bound}");
                    last = *value;
                }
                let (bound, all) = buckets.last().expect("a bucket");
                assert_eq!((bound.as_str(), all), ("+Inf", count), "{name} {labels:?}");
            }
        }
    }

    /// The sum of all samples of this name (with its suffix) that have these labels, among others.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |there: &Labels| labels.iter().all(|(name, value)| there.get(*name).is_some_and(|is| is == value));
        let mut sum = 0.0;
        for (family, Family { samples, .. }) in &self.0 {
            let Some(wanted) = name.strip_prefix(family.as_str()) else { continue };
            let found = samples.iter().filter(|(suffix, there, _)| suffix == wanted && fits(there));
            sum += found.map(|(.., value)| value).sum::<f64>();
        }
        sum
    }

    /// Whether there is such a family, by the name that its type is told under.
    pub(crate) fn has(&self, family: &str) -> bool {
        self.0.contains_key(family)
    }
}

fn labels_of(text: &str) -> Labels {
    let mut labels = Labels::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"").unwrap();
        // No label of the daemon's has anything to escape.
        let (value, after) = after.split_once('"').unwrap();
        assert!(!value.contains('\\'), "{text}");
        assert!(labels.insert(name.to_owned(), value.to_owned()).is_none(), "{text}");
        rest = after.strip_prefix(',').unwrap_or(after);
        assert!(after.is_empty() || after.starts_with(','), "{text}");
    }
    labels
}
