use crate::DistinguishedName;
use crate::subject::Subject;
use openssl::x509::X509Ref;

/// What the certificate of a peer calls it, in the order in which users are looked for by it (`verify_and_map`).
#[derive(Debug, Clone)]
pub struct CertificateNames {
    /// E-mail addresses of the subject alternative name.
    pub emails: Vec<String>,
    /// Hosts of the subject alternative name.
    pub dns_names: Vec<String>,
    /// URIs of the subject alternative name.
    pub uris: Vec<String>,
    /// The subject, if all of its attributes are text and have a name in distinguished names.
    pub distinguished_name: Option<DistinguishedName>,
    /// The subject as text with the domain components behind it, if it has any.
    pub subject_with_domain: Option<String>,
    /// The subject as text, such as `CN=derek,OU=nats,O=acme`.
    pub subject: String,
}

impl CertificateNames {
    /// Those of a certificate.
    pub fn of(certificate: &X509Ref) -> Self {
        let alternatives = certificate.subject_alt_names();
        let alternatives = || alternatives.iter().flatten();
        let subject = Subject::of(certificate.subject_name());
        let text = subject.to_text();
        let domain = subject.domain_components();
        Self {
            emails: alternatives()
                .filter_map(|name| name.email().map(str::to_owned))
                .collect(),
            dns_names: alternatives()
                .filter_map(|name| name.dnsname().map(str::to_owned))
                .collect(),
            uris: alternatives()
                .filter_map(|name| name.uri().map(str::to_owned))
                .collect(),
            distinguished_name: DistinguishedName::of(&subject),
            subject_with_domain: (!domain.is_empty()).then(|| format!("{text},{domain}")),
            subject: text,
        }
    }

    /// The user among these whose certificate it is. Names are tried in order: e-mail addresses, hosts and URIs as
    /// they are, the subject as a distinguished name, first with its relative names in order, then in any order, and
    /// last the subject as text, with and without domain components.
    pub fn user<'u, U>(&self, users: U) -> Option<&'u str>
    where
        U: IntoIterator<Item = &'u str> + Clone,
    {
        let called = |name: &String| {
            let mut users = users.clone().into_iter();
            users.find(|user| user == name && !user.is_empty())
        };
        let alternatives = self.emails.iter().chain(&self.dns_names).chain(&self.uris);
        alternatives
            .clone()
            .find_map(called)
            .or_else(|| self.user_by_distinguished_name(users.clone()))
            .or_else(|| self.subject_with_domain.as_ref().and_then(called))
            .or_else(|| called(&self.subject))
    }

    fn user_by_distinguished_name<'u>(&self, users: impl IntoIterator<Item = &'u str>) -> Option<&'u str> {
        let wanted = self.distinguished_name.as_ref()?;
        let mut in_other_order = None;
        for user in users {
            let Ok(name) = user.parse::<DistinguishedName>() else {
                continue;
            };
            if name == *wanted {
                return Some(user);
            }
            if in_other_order.is_none() && name.matches_in_any_order(wanted) {
                in_other_order = Some(user);
            }
        }
        in_other_order
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Authority, Request, request};

    fn names(request: &Request) -> CertificateNames {
        CertificateNames::of(&Authority::new("ca").issue(request).certificate)
    }

    #[test]
    fn names_are_tried_in_order() {
        let subject = [("DC", "com"), ("DC", "example"), ("O", "acme"), ("CN", "derek")];
        let names = names(
            &request("x")
                .subject(&subject)
                .host("derek.example.com")
                .email("derek@example.com")
                .email("derek@example.org")
                .uri("spiffe://example.com/derek"),
        );
        // From what is tried last to what is tried first.
        let order = [
            "CN=derek,O=acme",
            "CN=derek,O=acme,DC=com,DC=example",
            "CN=derek,O=acme,DC=example,DC=com",
            "spiffe://example.com/derek",
            "derek.example.com",
            "derek@example.org",
            "derek@example.com",
        ];
        for (position, expected) in order.iter().enumerate() {
            let users = order[..=position].iter().copied();
            assert_eq!(names.user(users.clone()), Some(*expected));
            assert_eq!(names.user(users.rev()), Some(*expected));
        }
        assert_eq!(names.user(["derek", "CN=derek", "DEREK@example.com", ""]), None);
    }

    #[test]
    fn a_subject_in_order_is_better_than_one_in_another() {
        let names = names(&request("x").subject(&[("O", "acme"), ("OU", "nats"), ("CN", "derek")]));
        let (in_order, in_other_order) = ("cn=derek, ou=nats, o=acme", "O=acme,OU=nats,CN=derek");
        assert_eq!(names.user([in_other_order]), Some(in_other_order));
        assert_eq!(names.user([in_other_order, in_order]), Some(in_order));
        assert_eq!(names.user(["CN=derek,OU=nats"]), None);
    }

    /// A subject with an attribute that has no name in distinguished names is known by its text alone.
    #[test]
    fn a_subject_is_known_by_its_text() {
        let subject = [
            ("C", "US"),
            ("ST", "CA"),
            ("L", "Los Angeles"),
            ("O", "acme"),
            ("CN", "derek"),
            ("emailAddress", "derek@example.com"),
        ];
        let names = names(&request("x").subject(&subject));
        let (user, older) = (
            "CN=derek,O=acme,L=Los Angeles,ST=CA,C=US",
            "CN=derek,ST=CA,L=Los Angeles,O=acme,C=US",
        );
        assert_eq!(names.user([user]), Some(user));
        assert_eq!(names.user([older]), None);
    }

    #[test]
    fn nobody_is_the_user_of_an_empty_name() {
        let names = names(&request("x").subject(&[]));
        assert_eq!(names.subject, "");
        assert_eq!(names.user(["", "CN="]), None);
    }
}
