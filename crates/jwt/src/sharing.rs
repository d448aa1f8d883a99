//! What an account shares with others, and takes from them.

use serde::{Deserialize, Serialize};

use crate::activation::Activation;
use crate::claims::{Body, Claims};
use crate::issues::Issues;
use crate::lists::{Revocations, is_default};
use crate::subjects;

/// What is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShareKind {
    /// Messages go from the exporter to the importer.
    Stream,
    /// Requests go from the importer to the exporter.
    Service,
}

impl ShareKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Service => "service",
        }
    }
}

/// How a service answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResponseType {
    /// Once.
    #[default]
    Singleton,
    /// Any number of times.
    Stream,
    /// Once, in pieces.
    Chunked,
}

/// How many requests are measured: 1 to 100 of a hundred, or those that ask for it in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "RawSampling", into = "RawSampling")]
pub enum Sampling {
    /// Those that ask for it.
    Headers,
    /// So many of a hundred, if it is from 1 to 100.
    Percent(i64),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum RawSampling {
    Percent(i64),
    Text(String),
}

impl From<RawSampling> for Sampling {
    fn from(raw: RawSampling) -> Self {
        match raw {
            RawSampling::Percent(0) => Self::Headers,
            RawSampling::Percent(percent) => Self::Percent(percent),
            RawSampling::Text(text) if text.eq_ignore_ascii_case("headers") => Self::Headers,
            // Not one that is allowed.
            RawSampling::Text(_) => Self::Percent(-1),
        }
    }
}

impl From<Sampling> for RawSampling {
    fn from(sampling: Sampling) -> Self {
        match sampling {
            Sampling::Headers => Self::Text("headers".to_owned()),
            Sampling::Percent(percent) => Self::Percent(percent),
        }
    }
}

/// How long a service takes is measured, and told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// How often.
    pub sampling: Sampling,
    /// On which subject.
    pub results: String,
}

/// Something that others may import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// What people call it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: String,
    /// What is exported.
    #[serde(default)]
    pub subject: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: ShareKind,
    /// Whether only those may import it who have an [`Activation`].
    #[serde(rename = "token_req", default, skip_serializing_if = "is_default")]
    pub token_required: bool,
    /// Activations of these accounts do not hold any more.
    #[serde(default, skip_serializing_if = "is_default")]
    pub revocations: Revocations,
    /// How a service answers.
    #[serde(default, skip_serializing_if = "is_default")]
    pub response_type: Option<ResponseType>,
    /// How long the exporter waits for an answer, in nanoseconds; 0: the default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub response_threshold: i64,
    /// How a service is measured.
    #[serde(rename = "service_latency", default, skip_serializing_if = "is_default")]
    pub latency: Option<Latency>,
    /// The token of the subject, counted from 1, that has to be the key of the importer; 0: none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub account_token_position: usize,
    /// Whether traces of messages go on in the exporter.
    #[serde(default, skip_serializing_if = "is_default")]
    pub allow_trace: bool,
}

impl Export {
    fn check(&self, issues: &mut Issues) {
        let is_stream = self.kind == ShareKind::Stream;
        if is_stream && self.response_type.is_some() {
            issues.error("invalid response type for stream");
        }
        if is_stream && self.allow_trace {
            issues.error("AllowTrace only valid for service export");
        }
        if let Some(latency) = &self.latency {
            if is_stream {
                issues.error("latency tracking only permitted for services");
            }
            if let Sampling::Percent(percent) = latency.sampling
                && !(1..=100).contains(&percent)
            {
                issues.error("sampling percentage needs to be between 1-100");
            }
            subjects::check(&latency.results, issues);
            if subjects::has_wildcards(&latency.results) {
                issues.error("results subject can not contain wildcards");
            }
        }
        if self.response_threshold < 0 {
            issues.error("negative response threshold is invalid");
        } else if self.response_threshold > 0 && is_stream {
            issues.error("response threshold only valid for services");
        }
        subjects::check(&self.subject, issues);
        self.check_token_position(issues);
    }

    fn check_token_position(&self, issues: &mut Issues) {
        let (position, subject) = (self.account_token_position, &self.subject);
        if position == 0 {
            return;
        }
        if !subjects::has_wildcards(subject) {
            return issues.error(format!(
                "Account Token Position can only be used with wildcard subjects: {subject}"
            ));
        }
        match subject.split('.').nth(position - 1) {
            None => issues.error(format!(
                "Account Token Position {position} exceeds length of subject '{subject}'"
            )),
            Some("*") => {}
            Some(token) => issues.error(format!(
                "Account Token Position {position} matches '{token}' but must match a * in: {subject}"
            )),
        }
    }
}

/// Something of another account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Import {
    /// What people call it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: String,
    /// What is imported, as who publishes calls it.
    #[serde(default)]
    pub subject: String,
    /// Whose it is.
    #[serde(default)]
    pub account: String,
    /// The token of an [`Activation`], where one is needed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub token: String,
    /// What the one who receives calls it; empty: the same. `local_subject` replaces it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub to: String,
    /// What it is called in the account that imports; empty: the same.
    #[serde(default, skip_serializing_if = "is_default")]
    pub local_subject: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: ShareKind,
    /// Whether the exporter is told who asks.
    #[serde(default, skip_serializing_if = "is_default")]
    pub share: bool,
    /// Whether traces of messages go on in the importer.
    #[serde(default, skip_serializing_if = "is_default")]
    pub allow_trace: bool,
}

impl Import {
    /// What allows it, if it comes with something that does.
    ///
    /// # Errors
    /// Why that does not allow this import.
    pub fn activation(&self, importer: &str) -> Result<Option<Claims<Activation>>, String> {
        if self.token.is_empty() {
            return Ok(None);
        }
        let Ok(activation) = Claims::<Activation>::decode(&self.token) else {
            return Err(format!(
                "import {:?} contains an invalid activation token",
                self.subject
            ));
        };
        let subject = match self.kind {
            ShareKind::Service if !self.to.is_empty() => &self.to,
            _ => &self.subject,
        };
        activation.allows(importer, &self.account, self.kind, subject)?;
        Ok(Some(activation))
    }

    fn check(&self, importer: &str, issues: &mut Issues) {
        let is_service = self.kind == ShareKind::Service;
        if is_service && self.allow_trace {
            issues.error("AllowTrace only valid for stream import");
        }
        if self.account.is_empty() {
            issues.error("account to import from is not specified");
        }
        if !self.to.is_empty() {
            issues.warning("the field to has been deprecated (use LocalSubject instead)");
        }
        subjects::check(&self.subject, issues);
        if !self.local_subject.is_empty() {
            subjects::check_renaming(&self.local_subject, &self.subject, issues);
            if !self.to.is_empty() {
                issues.error("Local Subject replaces To");
            }
        }
        if self.share && !is_service {
            issues.error(format!(
                "sharing information (for latency tracking) is only valid for services: {:?}",
                self.subject
            ));
        }
        match self.activation(importer) {
            Ok(None) => {}
            Ok(Some(activation)) => activation.nats.check(&activation, issues),
            Err(error) => issues.error(error),
        }
    }

    /// What requests for a service are published on in the account that imports.
    fn requested_on(&self) -> String {
        match (&*self.to, &*self.local_subject) {
            ("", "") => self.subject.clone(),
            ("", local) => subjects::without_references(local),
            (to, _) => to.to_owned(),
        }
    }
}

/// How many exports and how many imports an account may have: each is compared with each.
pub(crate) const MAX_SHARES: usize = 2048;

/// Says what is wrong with all exports.
pub(crate) fn check_exports(exports: &[Export], issues: &mut Issues) {
    if exports.len() > MAX_SHARES {
        return issues.error(format!("more than {MAX_SHARES} exports"));
    }
    for export in exports {
        export.check(issues);
    }
    for (at, export) in exports.iter().enumerate() {
        let within = |(other, within): &(usize, &Export)| {
            *other != at
                && within.kind == export.kind
                && subjects::is_contained(&export.subject, &within.subject)
        };
        if let Some((_, within)) = exports.iter().enumerate().find(within) {
            issues.error(format!(
                "{} export subject {:?} already exports {:?}",
                export.kind.name(),
                within.subject,
                export.subject
            ));
        }
    }
}

/// Says what is wrong with all imports of this account.
pub(crate) fn check_imports(imports: &[Import], importer: &str, issues: &mut Issues) {
    if imports.len() > MAX_SHARES {
        return issues.error(format!("more than {MAX_SHARES} imports"));
    }
    let mut requested: Vec<(&str, String)> = Vec::new();
    for import in imports {
        if import.kind == ShareKind::Service {
            let subject = import.requested_on();
            for (account, other) in &requested {
                let overlap =
                    subjects::is_contained(&subject, other) || subjects::is_contained(other, &subject);
                if *account == import.account && overlap {
                    issues.error(format!(
                        "overlapping subject namespace for {subject:?} and {other:?} in same account {account:?}"
                    ));
                }
            }
            requested.push((&import.account, subject));
        }
        import.check(importer, issues);
    }
}
