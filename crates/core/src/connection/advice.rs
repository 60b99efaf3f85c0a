//! The texts of [`Code`]: cause, remedy and a command to copy.
//!
//! Promises: every code has its own words, in plain English, that tell a person who never read
//! our documentation what happened and what to do next. Does not: translate; the console has
//! the same sentences in other languages, keyed by the code.

use super::Code;

/// The place a failure happened at, for the words and commands that name it. Never a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Host name or address of the API server.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// What a person reads of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// Why it happened, one sentence.
    pub cause: String,
    /// What to do, one sentence.
    pub remedy: String,
    /// A command to copy, where one helps.
    pub command: Option<String>,
}

/// Writes a kubeconfig that carries its certificates instead of pointing at files.
const FLATTEN: &str = "kubectl config view --flatten --minify --raw";
/// Makes the narrow service account and a token of it, where the user's own kubectl works.
const NARROW_TOKEN: &str = "kubectl apply -f nalabo-rbac.yaml && \
     kubectl -n nalabo-system create token nalabo-monitor --duration=24h";
/// Shows the address that kubectl itself uses.
const SHOW_SERVER: &str =
    "kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}'";
const APPLY_RBAC: &str = "kubectl apply -f nalabo-rbac.yaml";

impl Place {
    /// The host, or a word that can stand for it in a sentence.
    fn host_or(&self, otherwise: &str) -> String {
        if self.host.is_empty() { otherwise.to_owned() } else { self.host.clone() }
    }

    /// `host:port`, or a word that can stand for it in a sentence.
    fn address_or(&self, otherwise: &str) -> String {
        if self.host.is_empty() {
            otherwise.to_owned()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The host as a shell takes it; only what cannot mean anything else there.
    fn shell_host(&self) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        let host = self.host.trim_matches(['[', ']']);
        if !host.is_empty() && host.chars().all(plain) {
            host.to_owned()
        } else {
            "HOST".to_owned()
        }
    }

    fn shell_port(&self) -> String {
        if self.port == 0 { "PORT".to_owned() } else { self.port.to_string() }
    }

    fn show_certificates(&self) -> String {
        let (host, port) = (self.shell_host(), self.shell_port());
        let server_name = if host.parse::<std::net::IpAddr>().is_ok() {
            ""
        } else {
            &format!(" -servername {host}")
        };
        let target = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        format!("openssl s_client -connect {target}:{port}{server_name} -showcerts </dev/null")
    }
}

impl Code {
    /// Cause, remedy and command, in words for a person.
    #[expect(clippy::too_many_lines, reason = "a table with one row for every code")]
    pub fn advice(self, place: &Place) -> Advice {
        let at = place.address_or("The API server");
        let host = place.host_or("the name");
        let say = |cause: String, remedy: &str, command: Option<String>| Advice {
            cause,
            remedy: remedy.to_owned(),
            command,
        };
        let fixed = |cause: &str, remedy: &str, command: Option<&str>| Advice {
            cause: cause.to_owned(),
            remedy: remedy.to_owned(),
            command: command.map(str::to_owned),
        };
        match self {
            Self::Dns => say(
                format!("NALABO cannot find an address for {host}."),
                "Use a name or address that NALABO's own network knows, or add the name to its DNS.",
                Some(format!("getent hosts {}", place.shell_host())),
            ),
            Self::DeniedAddress => say(
                format!("{at} is at an address that NALABO may not contact."),
                "If this is intended, the operator adds its network to NALABO_ALLOW_NETWORKS, or \
                 takes it out of NALABO_DENY_NETWORKS; cloud metadata addresses can never be \
                 allowed.",
                None,
            ),
            Self::Refused => say(
                format!("{at} refuses connections: nothing listens on that port."),
                "Compare the port with the one kubectl uses; API servers usually listen on 6443, \
                 443 or 8443.",
                Some(SHOW_SERVER.to_owned()),
            ),
            Self::Timeout => say(
                format!("{at} did not answer in time."),
                "Check that the cluster runs, and that its firewall, VPN or list of authorized \
                 networks lets NALABO in.",
                Some(format!("nc -vz {} {}", place.shell_host(), place.shell_port())),
            ),
            Self::Reset => say(
                format!("{at} cut the connection."),
                "Check the load balancer, firewall or proxy in front of the API server: something \
                 there closes connections.",
                Some(format!("nc -vz {} {}", place.shell_host(), place.shell_port())),
            ),
            Self::TlsUntrusted => say(
                format!(
                    "{at} shows a certificate that the given certificate authority did not sign."
                ),
                "Paste the certificate authority of this address; an internal one often differs \
                 from that of a public load balancer. Without one, connect by address and token \
                 and give the server's public key (sha256/…) in its place.",
                Some(place.show_certificates()),
            ),
            Self::TlsName => say(
                format!("{at} shows a certificate that is made out to other names."),
                "Connect by a name that the certificate lists, or set tls-server-name to one of \
                 them.",
                Some(place.show_certificates()),
            ),
            Self::TlsExpired => say(
                format!("{at} shows a certificate that is not valid today."),
                "Renew the API server's certificate on the cluster, and check the clocks of both \
                 sides.",
                Some(place.show_certificates()),
            ),
            Self::NotKubernetes => say(
                format!("{at} answers, but not as a Kubernetes API does."),
                "Point to the API server itself: a sign-in page, a dashboard or a proxy is \
                 answering.",
                Some("kubectl version".to_owned()),
            ),
            Self::RateLimited => say(
                format!("{at} asks for fewer requests."),
                "Wait a minute and try again; if it stays, look for a client that floods this API \
                 server.",
                Some("kubectl get --raw '/readyz?verbose'".to_owned()),
            ),
            Self::ServerError => say(
                format!("{at} reports an error of its own."),
                "Try again later; if it stays, look at the API server and its etcd.",
                Some("kubectl get --raw '/readyz?verbose'".to_owned()),
            ),
            Self::TooLarge => say(
                format!("{at} sends an answer that is larger than NALABO reads."),
                "Check that this is the API server and not a download behind a proxy.",
                Some("kubectl get --raw '/readyz?verbose'".to_owned()),
            ),
            Self::Unauthorized => fixed(
                "The API server does not accept the credential: it has expired, was revoked, or \
                 belongs to another cluster.",
                "Make a new token and replace the credential with it.",
                Some("kubectl -n nalabo-system create token nalabo-monitor --duration=24h"),
            ),
            Self::Forbidden => fixed(
                "The credential is accepted, but lacks rights that NALABO needs.",
                "Apply the generated RBAC on the cluster, which grants what is listed and nothing \
                 else.",
                Some(APPLY_RBAC),
            ),
            Self::MetricsAbsent => fixed(
                "The cluster offers no metrics API, so use of CPU and memory is unknown.",
                "Install metrics-server to see use; requests and capacity are shown without it.",
                Some("kubectl get apiservice v1beta1.metrics.k8s.io"),
            ),
            Self::MetricsForbidden => fixed(
                "The cluster offers a metrics API, but the credential may not read it.",
                "Apply the generated RBAC on the cluster, which grants reading of metrics.",
                Some(APPLY_RBAC),
            ),
            Self::MetricsStale => fixed(
                "The metrics API answers, but its figures are old or missing.",
                "Check that metrics-server runs and reaches the kubelets of all nodes.",
                Some("kubectl top nodes"),
            ),
            Self::StorageSourceAbsent => fixed(
                "Nothing on the cluster says how much storage is used: no Prometheus was found, \
                 and the kubelets are not asked.",
                "Say where its Prometheus is, or allow the kubelets' summaries on purpose; \
                 capacity and requests are shown without either.",
                Some("kubectl get services -A -l app.kubernetes.io/name=prometheus"),
            ),
            Self::StorageSourceForbidden => fixed(
                "The credential may not ask what knows how much storage is used.",
                "Apply the additional right for Prometheus, or the one for kubelets after reading \
                 what else it allows.",
                Some("kubectl apply -f nalabo-metrics-prometheus.yaml"),
            ),
            Self::StorageSourceStale => fixed(
                "What should know how much storage is used does not answer, or has old figures or \
                 none.",
                "Check that Prometheus runs and scrapes the kubelets of all nodes.",
                Some("kubectl get pods -A -l app.kubernetes.io/name=prometheus"),
            ),
            Self::NoDefaultStorageclass => fixed(
                "No storage class is the default one.",
                "Mark a storage class as default, or choose one for each workshop.",
                Some("kubectl get storageclass"),
            ),
            Self::Duplicate => fixed(
                "This cluster is connected already, under another name.",
                "Open that infrastructure instead, or replace its credential.",
                None,
            ),
            Self::OtherCluster => fixed(
                "Another cluster answers than the one this infrastructure stands for.",
                "Connect it as a new infrastructure, or use a credential of the former cluster.",
                Some("kubectl get namespace kube-system -o jsonpath='{.metadata.uid}'"),
            ),
            Self::KubeconfigExec => fixed(
                "This context logs in with a local command (aws, gcloud, kubelogin …) that cannot \
                 run on the server.",
                "Make a service account token where your kubectl works, and connect with it.",
                Some(NARROW_TOKEN),
            ),
            Self::KubeconfigAuthProvider => fixed(
                "This context logs in through an auth-provider plugin, which is not accepted.",
                "Make a service account token where your kubectl works, and connect with it.",
                Some(NARROW_TOKEN),
            ),
            Self::KubeconfigFilePath => fixed(
                "This entry points to a file on your computer, which the server cannot read.",
                "Paste a kubeconfig that carries its certificates and tokens itself.",
                Some(FLATTEN),
            ),
            Self::KubeconfigHalfCertificate => fixed(
                "Client certificate and key must come together, and one of them is missing.",
                "Paste a kubeconfig with both client-certificate-data and client-key-data.",
                Some(FLATTEN),
            ),
            Self::KubeconfigTwoCredentials => fixed(
                "This user holds a token and a client certificate; only one credential per entry \
                 is accepted.",
                "Remove the one that is no longer meant to be used.",
                Some(NARROW_TOKEN),
            ),
            Self::KubeconfigNoCredential => fixed(
                "This user holds no credential.",
                "Paste a kubeconfig with a token or a client certificate in it.",
                Some(FLATTEN),
            ),
            Self::KubeconfigBasicAuth => fixed(
                "This user signs in with a name and a password, which Kubernetes no longer accepts.",
                "Make a service account token where your kubectl works, and connect with it.",
                Some(NARROW_TOKEN),
            ),
            Self::KubeconfigImpersonation => fixed(
                "This user acts as somebody else (as, as-groups …), which is not accepted.",
                "Make a service account token with the rights that are needed, and connect with it.",
                Some(NARROW_TOKEN),
            ),
            Self::ServerScheme => fixed(
                "The address must start with https://.",
                "Write the address of the API server as https://host:port; a credential is never \
                 sent in clear.",
                Some(SHOW_SERVER),
            ),
            Self::ServerForm => fixed(
                "The address is not a plain https://host:port.",
                "Remove the user name, path, query or fragment from the address.",
                Some(SHOW_SERVER),
            ),
            Self::ServerPort => say(
                format!("{at} is on a port that NALABO does not contact."),
                "Use the port of the API server (443, 6443, 8443 or 16443), or let the operator \
                 add the port to NALABO_ALLOW_PORTS.",
                Some(SHOW_SERVER.to_owned()),
            ),
            Self::KubeconfigBadBase64 => fixed(
                "This field is not valid base64.",
                "Copy the kubeconfig again, whole lines and without changes by a text editor.",
                Some(FLATTEN),
            ),
            Self::KubeconfigBadCertificate => fixed(
                "This field does not hold a certificate or key in PEM, or the two do not belong together.",
                "Copy it again, with its BEGIN and END lines.",
                Some(FLATTEN),
            ),
            Self::KubeconfigNoCa => fixed(
                "No public authority vouches for a private name or address, and no certificate \
                 authority is given.",
                "Add the cluster's certificate authority (certificate-authority-data).",
                Some(FLATTEN),
            ),
            Self::KubeconfigInsecureTls => fixed(
                "This entry switches off the check of the server's certificate \
                 (insecure-skip-tls-verify).",
                "Give the cluster's certificate authority instead, so that the credential is not \
                 sent to an impostor; or connect by address and token, and pin the server's \
                 public key (sha256/…).",
                Some(
                    "kubectl config view --raw --minify -o jsonpath='{.clusters[0].cluster.certificate-authority-data}'",
                ),
            ),
            Self::KubeconfigTlsName => fixed(
                "tls-server-name is not a DNS name or address.",
                "Set it to a name that the server's certificate lists, or remove it.",
                None,
            ),
            Self::KubeconfigProxy => fixed(
                "This cluster is reached through a proxy (proxy-url), which is not accepted.",
                "Use an address of the API server that NALABO can reach directly.",
                None,
            ),
            Self::KubeconfigUnknownField => fixed(
                "A kubeconfig has no such field.",
                "Correct or remove the field.",
                Some(FLATTEN),
            ),
            Self::KubeconfigDuplicate => fixed(
                "The same name or field is there twice, so it is unclear which one counts.",
                "Remove one of the two.",
                Some(FLATTEN),
            ),
            Self::KubeconfigMultiDocument => fixed(
                "The text holds more than one YAML document.",
                "Paste one kubeconfig, without lines of --- in the middle.",
                Some(FLATTEN),
            ),
            Self::KubeconfigYamlFeature => fixed(
                "The text uses anchors, aliases, merge keys, tags or directives, which a \
                 kubeconfig does not need.",
                "Paste a kubeconfig as kubectl writes it.",
                Some(FLATTEN),
            ),
            Self::KubeconfigNotYaml => fixed(
                "The text cannot be read as a kubeconfig.",
                "Paste a whole kubeconfig, as kubectl writes it.",
                Some(FLATTEN),
            ),
            Self::KubeconfigTooLarge => fixed(
                "The kubeconfig is larger than 256 KiB or has more than 64 contexts.",
                "Paste only the context to be connected.",
                Some(FLATTEN),
            ),
            Self::KubeconfigMissingContext => fixed(
                "The kubeconfig has no context of that name.",
                "Choose one of its contexts.",
                Some("kubectl config get-contexts"),
            ),
            Self::KubeconfigMissingReference => fixed(
                "This context names a cluster or user that the kubeconfig does not have.",
                "Paste a kubeconfig with the cluster and the user in it.",
                Some(FLATTEN),
            ),
            Self::KubeconfigBadToken => fixed(
                "The token is too long or holds characters that cannot be sent.",
                "Copy the token again, without spaces or line breaks.",
                None,
            ),
            Self::NotInCluster => fixed(
                "NALABO does not run inside a Kubernetes pod with a mounted service account.",
                "Connect with a kubeconfig or a token, or run NALABO in the cluster with \
                 automountServiceAccountToken.",
                None,
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_name_the_place_and_nothing_a_shell_would_run() {
        let place = Place { host: "api.example.org".to_owned(), port: 6443 };
        let command = |code: Code, place: &Place| code.advice(place).command.unwrap_or_default();
        assert_eq!(command(Code::Timeout, &place), "nc -vz api.example.org 6443");
        assert_eq!(
            command(Code::TlsName, &place),
            "openssl s_client -connect api.example.org:6443 -servername api.example.org \
             -showcerts </dev/null"
        );
        let six = Place { host: "[2001:db8::1]".to_owned(), port: 443 };
        assert_eq!(
            command(Code::TlsName, &six),
            "openssl s_client -connect [2001:db8::1]:443 -showcerts </dev/null"
        );
        let hostile = Place { host: "a;reboot".to_owned(), port: 1 };
        assert_eq!(command(Code::Dns, &hostile), "getent hosts HOST");
    }
}
