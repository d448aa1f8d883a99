//! Certificates for tests, made on the spot: an [`Authority`] and what it [`issues`](Authority::issue).
#![allow(clippy::expect_used)] // Only tests are built from it.

use crate::{KeyPair, Pem};
use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
    SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Extension, X509Name, X509NameBuilder};
use std::fs;
use std::path::{Path, PathBuf};

const DAY: i64 = 86_400;

/// The key of every certificate: which kind, since what is good for one need not be for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// P-256, quick to make.
    Ecdsa,
    /// 2048 bits.
    Rsa,
    /// So many bits.
    RsaOf(u32),
}

/// A certificate and its key.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate.
    pub certificate: X509,
    /// Its private key.
    pub key: PKey<Private>,
}

/// What is asked of an [`Authority`].
#[derive(Debug, Clone)]
#[must_use]
pub struct Request {
    subject: Vec<(&'static str, String)>,
    hosts: Vec<String>,
    ips: Vec<String>,
    emails: Vec<String>,
    uris: Vec<String>,
    key: KeyKind,
    /// Seconds from 1970 at which it begins and ends to be good; from yesterday to a year from now if not set.
    validity: Option<(i64, i64)>,
    must_staple: bool,
    responder: Option<String>,
    is_authority: bool,
    signs_ocsp: bool,
    hash: fn() -> MessageDigest,
}

/// A request for the certificate of `common_name`.
pub fn request(common_name: &str) -> Request {
    Request {
        subject: vec![("CN", common_name.to_owned())],
        hosts: Vec::new(),
        ips: Vec::new(),
        emails: Vec::new(),
        uris: Vec::new(),
        key: KeyKind::Ecdsa,
        validity: None,
        must_staple: false,
        responder: None,
        is_authority: false,
        signs_ocsp: false,
        hash: MessageDigest::sha256,
    }
}

impl Request {
    /// The whole subject, the outermost attribute first: `[("O", "Acme"), ("CN", "derek")]`.
    pub fn subject(mut self, entries: &[(&'static str, &str)]) -> Self {
        self.subject = entries
            .iter()
            .map(|(field, value)| (*field, (*value).to_owned()))
            .collect();
        self
    }

    /// A host of the subject alternative name.
    pub fn host(mut self, host: &str) -> Self {
        self.hosts.push(host.to_owned());
        self
    }

    /// An address of the subject alternative name.
    pub fn ip(mut self, ip: &str) -> Self {
        self.ips.push(ip.to_owned());
        self
    }

    /// An e-mail address of the subject alternative name.
    pub fn email(mut self, email: &str) -> Self {
        self.emails.push(email.to_owned());
        self
    }

    /// A URI of the subject alternative name.
    pub fn uri(mut self, uri: &str) -> Self {
        self.uris.push(uri.to_owned());
        self
    }

    /// The kind of its key.
    pub fn key(mut self, key: KeyKind) -> Self {
        self.key = key;
        self
    }

    /// When it begins and ends to be good, in seconds from 1970.
    pub fn valid(mut self, not_before: i64, not_after: i64) -> Self {
        self.validity = Some((not_before, not_after));
        self
    }

    /// It was good in 2001 and is no more.
    pub fn expired(self) -> Self {
        self.valid(978_307_200, 1_009_843_199)
    }

    /// It demands that the server staples its state.
    pub fn must_staple(mut self) -> Self {
        self.must_staple = true;
        self
    }

    /// Who says by OCSP whether it is still good.
    pub fn responder(mut self, url: &str) -> Self {
        self.responder = Some(url.to_owned());
        self
    }

    /// It may sign other certificates.
    pub fn authority(mut self) -> Self {
        self.is_authority = true;
        self
    }

    /// It is signed with SHA-1, as nobody does any more.
    pub fn signed_with_sha1(mut self) -> Self {
        self.hash = MessageDigest::sha1;
        self
    }

    /// It may say for its authority whether certificates are good.
    pub fn ocsp_signer(mut self) -> Self {
        self.signs_ocsp = true;
        self
    }
}

/// Somebody who signs certificates.
#[derive(Debug, Clone)]
pub struct Authority {
    own: Issued,
}

impl Authority {
    /// One that nobody has signed.
    pub fn new(name: &str) -> Self {
        Self {
            own: issue(&request(name).authority(), None),
        }
    }

    /// One that this one has signed.
    pub fn intermediate(&self, name: &str) -> Self {
        Self {
            own: self.issue(&request(name).authority()),
        }
    }

    /// Its certificate and key.
    pub fn own(&self) -> &Issued {
        &self.own
    }

    /// Its certificate.
    pub fn certificate(&self) -> &X509 {
        &self.own.certificate
    }

    /// Signs a certificate.
    pub fn issue(&self, request: &Request) -> Issued {
        issue(request, Some(&self.own))
    }

    /// Its certificate as a setting.
    pub fn ca(&self) -> Pem {
        self.own.certificate_pem()
    }
}

impl Issued {
    /// Both as settings.
    pub fn pair(&self) -> KeyPair {
        KeyPair {
            certificate: self.certificate_pem(),
            key: Pem::Text(self.key_text().into()),
        }
    }

    /// The certificate as PEM text.
    pub fn certificate_text(&self) -> String {
        text(self.certificate.to_pem().expect("a certificate has a text"))
    }

    /// The key as PEM text.
    pub fn key_text(&self) -> String {
        text(self.key.private_key_to_pem_pkcs8().expect("a key has a text"))
    }

    /// Writes `<name>.pem` and `<name>.key` into a folder; gives their paths.
    pub fn write(&self, folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        let paths = (
            folder.join(format!("{name}.pem")),
            folder.join(format!("{name}.key")),
        );
        fs::write(&paths.0, self.certificate_text()).expect("the folder can be written to");
        fs::write(&paths.1, self.key_text()).expect("the folder can be written to");
        paths
    }

    fn certificate_pem(&self) -> Pem {
        Pem::Text(self.certificate_text().into())
    }
}

fn text(pem: Vec<u8>) -> String {
    String::from_utf8(pem).expect("PEM is text")
}

fn new_key(kind: KeyKind) -> PKey<Private> {
    match kind {
        KeyKind::Ecdsa => {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("P-256 is known");
            PKey::from_ec_key(EcKey::generate(&group).expect("a key can be made"))
        }
        KeyKind::Rsa => PKey::from_rsa(Rsa::generate(2048).expect("a key can be made")),
        KeyKind::RsaOf(bits) => PKey::from_rsa(Rsa::generate(bits).expect("a key can be made")),
    }
    .expect("a key is a key")
}

fn name(entries: &[(&'static str, String)]) -> X509Name {
    let mut name = X509NameBuilder::new().expect("there is memory");
    for (field, value) in entries {
        name.append_entry_by_text(field, value)
            .expect("the field is known");
    }
    name.build()
}

fn issue(request: &Request, issuer: Option<&Issued>) -> Issued {
    let key = new_key(request.key);
    let subject = name(&request.subject);
    let mut builder = X509::builder().expect("there is memory");
    builder.set_version(2).expect("version 3 is known");
    let mut serial = BigNum::new().expect("there is memory");
    serial
        .rand(127, openssl::bn::MsbOption::ONE, false)
        .expect("there is randomness");
    let serial = Asn1Integer::from_bn(&serial).expect("there is memory");
    builder
        .set_serial_number(&serial)
        .expect("a number is a serial number");
    builder.set_subject_name(&subject).expect("a name is a name");
    let issuer_name = issuer.map_or(&*subject, |issuer| issuer.certificate.subject_name());
    builder.set_issuer_name(issuer_name).expect("a name is a name");
    builder.set_pubkey(&key).expect("a key is a key");
    let (not_before, not_after) = match request.validity {
        Some((from, to)) => (Asn1Time::from_unix(from), Asn1Time::from_unix(to)),
        None => (yesterday(), Asn1Time::days_from_now(365)),
    };
    builder
        .set_not_before(&not_before.expect("a time is a time"))
        .expect("a time is a time");
    builder
        .set_not_after(&not_after.expect("a time is a time"))
        .expect("a time is a time");
    for extension in extensions(request, &builder, issuer) {
        builder
            .append_extension(extension)
            .expect("it may have extensions");
    }
    let signer = issuer.map_or(&key, |issuer| &issuer.key);
    builder.sign(signer, (request.hash)()).expect("the key can sign");
    Issued {
        certificate: builder.build(),
        key,
    }
}

fn yesterday() -> Result<Asn1Time, openssl::error::ErrorStack> {
    let now = Asn1Time::days_from_now(0)?;
    Asn1Time::from_unix(crate::acceptor::unix_seconds(&now) - DAY)
}

fn extensions(request: &Request, builder: &X509Builder, issuer: Option<&Issued>) -> Vec<X509Extension> {
    let context = builder.x509v3_context(issuer.map(|issuer| &*issuer.certificate), None);
    let mut extensions = Vec::new();
    if request.is_authority {
        let mut constraints = BasicConstraints::new();
        extensions.push(constraints.critical().ca().build());
        let mut usage = KeyUsage::new();
        extensions.push(
            usage
                .critical()
                .key_cert_sign()
                .crl_sign()
                .digital_signature()
                .build(),
        );
    } else {
        let mut usage = ExtendedKeyUsage::new();
        if request.signs_ocsp {
            usage.other("OCSPSigning");
        } else {
            usage.server_auth().client_auth();
        }
        extensions.push(usage.build());
    }
    extensions.push(SubjectKeyIdentifier::new().build(&context));
    if issuer.is_some() {
        extensions.push(AuthorityKeyIdentifier::new().keyid(true).build(&context));
    }
    let names = [&request.hosts, &request.ips, &request.emails, &request.uris];
    if names.iter().any(|names| !names.is_empty()) {
        let mut alternatives = SubjectAlternativeName::new();
        for host in &request.hosts {
            alternatives.dns(host);
        }
        for ip in &request.ips {
            alternatives.ip(ip);
        }
        for email in &request.emails {
            alternatives.email(email);
        }
        for uri in &request.uris {
            alternatives.uri(uri);
        }
        extensions.push(alternatives.build(&context));
    }
    let mut extensions: Vec<X509Extension> = extensions
        .into_iter()
        .map(|extension| extension.expect("the extension is known"))
        .collect();
    #[allow(deprecated)] // The newer way has no words for these two.
    let mut add = |kind, value: &str| {
        let extension = X509Extension::new_nid(None, Some(&context), kind, value);
        extensions.push(extension.expect("the extension is known"));
    };
    if request.must_staple {
        add(Nid::from_raw(TLS_FEATURE), "status_request");
    }
    if let Some(url) = &request.responder {
        add(Nid::INFO_ACCESS, &format!("OCSP;URI:{url}"));
    }
    extensions
}

/// OpenSSL's number of the extension of RFC 7633.
const TLS_FEATURE: i32 = 1020;
