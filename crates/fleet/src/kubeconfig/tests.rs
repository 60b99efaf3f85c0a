use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use rcgen::{CertificateParams, KeyPair};

use super::*;

/// Planted in every input; must not come back in any message.
const CANARY: &str = "s3cr3t-c4n4ry-0123456789";

struct Pki {
    authority: String,
    certificate: String,
    key: String,
    other_key: String,
}

fn pki() -> Pki {
    let pem64 = |pem: String| STANDARD.encode(pem);
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["client".to_owned()]).expect("parameters");
    let certificate = params.self_signed(&key).expect("a certificate").pem();
    let other_key = KeyPair::generate().expect("a key").serialize_pem();
    Pki {
        authority: pem64(certificate.clone()),
        certificate: pem64(certificate),
        key: pem64(key.serialize_pem()),
        other_key: pem64(other_key),
    }
}

/// A kubeconfig with one context, whose cluster and user are as given.
fn kubeconfig(cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: paris\npreferences: {{}}\n\
         clusters:\n- name: paris\n  cluster:\n{}\n\
         users:\n- name: admin\n  user:\n{}\n\
         contexts:\n- name: paris\n  context: {{cluster: paris, user: admin, namespace: default}}\n",
        indented(cluster),
        indented(user)
    )
}

fn indented(text: &str) -> String {
    text.lines().map(|it| format!("    {it}")).collect::<Vec<_>>().join("\n")
}

fn refusal_said(refusal: &Refusal) -> String {
    let advice = refusal.advice();
    let path = refusal.path.as_deref().unwrap_or("the file");
    let command = advice.command.unwrap_or_else(|| "–".to_owned());
    format!(
        "{} at {path}\n  {}\n  {}\n  {command}",
        refusal.code.as_str(),
        advice.cause,
        advice.remedy
    )
}

/// Every problem of the only context, or why the file was refused.
fn said(text: &str) -> String {
    let said = match kubeconfig_parse(text) {
        Ok(contexts) => {
            let problems: Vec<_> =
                contexts.iter().flat_map(|it| &it.problems).map(refusal_said).collect();
            if problems.is_empty() { "usable".to_owned() } else { problems.join("\n") }
        }
        Err(refusal) => format!("file refused: {}", refusal_said(&refusal)),
    };
    assert!(!said.contains(CANARY), "the input comes back: {said}");
    said
}

fn table(rows: &[(&str, String)]) -> String {
    rows.iter()
        .map(|(name, text)| format!("# {name}\n{}", said(text)))
        .collect::<Vec<_>>()
        .join("\n")
}

const SERVER: &str = "server: https://api.paris.example.org:6443";
const TOKEN: &str = "token: s3cr3t-c4n4ry-0123456789";

#[test]
fn every_way_to_sign_in_that_is_not_accepted_says_so_and_names_a_way_out() {
    let Pki { certificate, key, other_key, .. } = pki();
    let user = |user: String| kubeconfig(SERVER, &user);
    insta::assert_snapshot!(table(&[
        ("token", user(TOKEN.to_owned())),
        ("certificate", user(format!("client-certificate-data: {certificate}\nclient-key-data: {key}"))),
        ("exec", user(format!("exec: {{apiVersion: client.authentication.k8s.io/v1, command: aws, args: [{CANARY}]}}"))),
        ("auth-provider gcp", user(format!("auth-provider: {{name: gcp, config: {{cmd-path: {CANARY}}}}}"))),
        ("auth-provider oidc", user(format!("auth-provider: {{name: oidc, config: {{id-token: {CANARY}}}}}"))),
        ("token file", user(format!("tokenFile: /var/{CANARY}"))),
        ("certificate file", user(format!("client-certificate: /var/{CANARY}\nclient-key: /var/{CANARY}"))),
        ("certificate without key", user(format!("client-certificate-data: {certificate}"))),
        ("key without certificate", user(format!("client-key-data: {key}"))),
        ("key of another certificate", user(format!("client-certificate-data: {certificate}\nclient-key-data: {other_key}"))),
        ("token and certificate", user(format!("{TOKEN}\nclient-certificate-data: {certificate}\nclient-key-data: {key}"))),
        ("password", user(format!("username: admin\npassword: {CANARY}"))),
        ("impersonation", user(format!("{TOKEN}\nas: {CANARY}\nas-groups: [{CANARY}]\nas-uid: '1'\nas-user-extra: {{}}"))),
        ("nothing", user("{}".to_owned())),
        ("redacted", user("token: REDACTED".to_owned())),
        ("token with a line break", user(format!("token: \"{CANARY}\\nX: y\""))),
        ("token of 17 KiB", user(format!("token: {}", "x".repeat(17 * 1024)))),
        ("token that is a number", user("token: 123456".to_owned())),
        ("key that is no base64", user(format!("client-certificate-data: '{CANARY}!'\nclient-key-data: {key}"))),
        ("omitted data", user("client-certificate-data: DATA+OMITTED\nclient-key-data: DATA+OMITTED".to_owned())),
        ("certificate that is none", user(format!("client-certificate-data: {}\nclient-key-data: {key}", STANDARD.encode(CANARY)))),
        ("unknown field", user(format!("{TOKEN}\ntokn: {CANARY}"))),
        ("secret on the wrong side of the colon", user(format!("{TOKEN}\n{CANARY}: x"))),
    ]), @r#"
    # token
    usable
    # certificate
    usable
    # exec
    kubeconfig_exec at users[0].user.exec
      This context logs in with a local command (aws, gcloud, kubelogin …) that cannot run on the server.
      Make a service account token where your kubectl works, and connect with it.
      kubectl apply -f nalabo-rbac.yaml && kubectl -n nalabo-system create token nalabo-monitor --duration=24h
    # auth-provider gcp
    kubeconfig_auth_provider at users[0].user.auth-provider
      This context logs in through an auth-provider plugin, which is not accepted.
      Make a service account token where your kubectl works, and connect with it.
      kubectl apply -f nalabo-rbac.yaml && kubectl -n nalabo-system create token nalabo-monitor --duration=24h
    # auth-provider oidc
    kubeconfig_auth_provider at users[0].user.auth-provider
      This context logs in through an auth-provider plugin, which is not accepted.
      Make a service account token where your kubectl works, and connect with it.
      kubectl apply -f nalabo-rbac.yaml && kubectl -n nalabo-system create token nalabo-monitor --duration=24h
    # token file
    kubeconfig_file_path at users[0].user.tokenFile
      This entry points to a file on your computer, which the server cannot read.
      Paste a kubeconfig that carries its certificates and tokens itself.
      kubectl config view --flatten --minify --raw
    # certificate file
    kubeconfig_file_path at users[0].user.client-certificate
      This entry points to a file on your computer, which the server cannot read.
      Paste a kubeconfig that carries its certificates and tokens itself.
      kubectl config view --flatten --minify --raw
    kubeconfig_file_path at users[0].user.client-key
      This entry points to a file on your computer, which the server cannot read.
      Paste a kubeconfig that carries its certificates and tokens itself.
      kubectl config view --flatten --minify --raw
    # certificate without key
    kubeconfig_half_certificate at users[0].user
      Client certificate and key must come together, and one of them is missing.
      Paste a kubeconfig with both client-certificate-data and client-key-data.
      kubectl config view --flatten --minify --raw
    # key without certificate
    kubeconfig_half_certificate at users[0].user
      Client certificate and key must come together, and one of them is missing.
      Paste a kubeconfig with both client-certificate-data and client-key-data.
      kubectl config view --flatten --minify --raw
    # key of another certificate
    kubeconfig_bad_certificate at users[0].user.client-key-data
      This field does not hold a certificate or key in PEM, or the two do not belong together.
      Copy it again, with its BEGIN and END lines.
      kubectl config view --flatten --minify --raw
    # token and certificate
    kubeconfig_two_credentials at users[0].user
      This user holds a token and a client certificate; only one credential per entry is accepted.
      Remove the one that is no longer meant to be used.
      kubectl apply -f nalabo-rbac.yaml && kubectl -n nalabo-system create token nalabo-monitor --duration=24h
    # password
    kubeconfig_basic_auth at users[0].user.username
      This user signs in with a name and a password, which Kubernetes no longer accepts.
      Make a service account token where your kubectl works, and connect with it.
      kubectl apply -f nalabo-rbac.yaml && kubectl -n nalabo-system create token nalabo-monitor --duration=24h
    kubeconfig_basic_auth at users[0].user.password
      This user signs in with a name and a password, which Kubernetes no longer accepts.
      Make a service account token where your kubectl works, and connect with it.
      kubectl apply -f nalabo-rbac.yaml && kubectl -n nalabo-system create token nalabo-monitor --duration=24h
    # impersonation
    kubeconfig_impersonation at users[0].user.as
      This user acts as somebody else (as, as-groups …), which is not accepted.
      Make a service account token with the rights that are needed, and connect with it.
      kubectl apply -f nalabo-rbac.yaml && kubectl -n nalabo-system create token nalabo-monitor --duration=24h
    kubeconfig_impersonation at users[0].user.as-groups
      This user acts as somebody else (as, as-groups …), which is not accepted.
      Make a service account token with the rights that are needed, and connect with it.
      kubectl apply -f nalabo-rbac.yaml && kubectl -n nalabo-system create token nalabo-monitor --duration=24h
    kubeconfig_impersonation at users[0].user.as-uid
      This user acts as somebody else (as, as-groups …), which is not accepted.
      Make a service account token with the rights that are needed, and connect with it.
      kubectl apply -f nalabo-rbac.yaml && kubectl -n nalabo-system create token nalabo-monitor --duration=24h
    kubeconfig_impersonation at users[0].user.as-user-extra
      This user acts as somebody else (as, as-groups …), which is not accepted.
      Make a service account token with the rights that are needed, and connect with it.
      kubectl apply -f nalabo-rbac.yaml && kubectl -n nalabo-system create token nalabo-monitor --duration=24h
    # nothing
    kubeconfig_no_credential at users[0].user
      This user holds no credential.
      Paste a kubeconfig with a token or a client certificate in it.
      kubectl config view --flatten --minify --raw
    # redacted
    kubeconfig_no_credential at users[0].user.token
      This user holds no credential.
      Paste a kubeconfig with a token or a client certificate in it.
      kubectl config view --flatten --minify --raw
    # token with a line break
    kubeconfig_bad_token at users[0].user.token
      The token is too long or holds characters that cannot be sent.
      Copy the token again, without spaces or line breaks.
      –
    # token of 17 KiB
    kubeconfig_bad_token at users[0].user.token
      The token is too long or holds characters that cannot be sent.
      Copy the token again, without spaces or line breaks.
      –
    # token that is a number
    kubeconfig_not_yaml at users[0].user.token
      The text cannot be read as a kubeconfig.
      Paste a whole kubeconfig, as kubectl writes it.
      kubectl config view --flatten --minify --raw
    # key that is no base64
    kubeconfig_bad_base64 at users[0].user.client-certificate-data
      This field is not valid base64.
      Copy the kubeconfig again, whole lines and without changes by a text editor.
      kubectl config view --flatten --minify --raw
    # omitted data
    kubeconfig_no_credential at users[0].user.client-certificate-data
      This user holds no credential.
      Paste a kubeconfig with a token or a client certificate in it.
      kubectl config view --flatten --minify --raw
    # certificate that is none
    kubeconfig_bad_certificate at users[0].user.client-certificate-data
      This field does not hold a certificate or key in PEM, or the two do not belong together.
      Copy it again, with its BEGIN and END lines.
      kubectl config view --flatten --minify --raw
    # unknown field
    kubeconfig_unknown_field at users[0].user.tokn
      A kubeconfig has no such field.
      Correct or remove the field.
      kubectl config view --flatten --minify --raw
    # secret on the wrong side of the colon
    kubeconfig_unknown_field at users[0].user.?
      A kubeconfig has no such field.
      Correct or remove the field.
      kubectl config view --flatten --minify --raw
    "#);
}

#[test]
fn every_cluster_that_is_not_accepted_says_so() {
    let Pki { authority, .. } = pki();
    let cluster = |cluster: String| kubeconfig(&cluster, TOKEN);
    let server = |server: &str| cluster(format!("server: {server}"));
    insta::assert_snapshot!(table(&[
        ("with authority", cluster(format!("{SERVER}\ncertificate-authority-data: {authority}\ntls-server-name: kubernetes\ndisable-compression: true"))),
        ("http", server("http://api.example.org")),
        ("no scheme", server("api.example.org:6443")),
        ("user name", server(&format!("https://admin:{CANARY}@api.example.org"))),
        ("empty user name", server("https://@api.example.org")),
        ("path", server("https://rancher.example.org/k8s/clusters/c-1")),
        ("query", server("https://api.example.org?x=1")),
        ("fragment", server("'https://api.example.org#x'")),
        ("port zero", server("https://api.example.org:0")),
        ("port too large", server("https://api.example.org:65536")),
        ("backslash", server("https:\\\\api.example.org\\x")),
        ("no server", cluster("tls-server-name: kubernetes".to_owned())),
        ("authority file", cluster(format!("{SERVER}\ncertificate-authority: /var/{CANARY}"))),
        ("authority that is no base64", cluster(format!("{SERVER}\ncertificate-authority-data: '%{CANARY}'"))),
        ("authority that is no PEM", cluster(format!("{SERVER}\ncertificate-authority-data: {}", STANDARD.encode(CANARY)))),
        ("skip-tls", cluster(format!("{SERVER}\ninsecure-skip-tls-verify: true"))),
        ("skip-tls false", cluster(format!("{SERVER}\ninsecure-skip-tls-verify: false"))),
        ("skip-tls and authority", cluster(format!("{SERVER}\ninsecure-skip-tls-verify: true\ncertificate-authority-data: {authority}"))),
        ("tls-server-name", cluster(format!("{SERVER}\ntls-server-name: 'not a name {CANARY}'"))),
        ("proxy", cluster(format!("{SERVER}\nproxy-url: http://{CANARY}:8080"))),
        ("private address without authority", server("https://10.0.0.7:6443")),
        ("private name without authority", server("https://kubernetes.default.svc")),
        ("unknown field", cluster(format!("{SERVER}\nsever: {CANARY}"))),
    ]), @r#"
    # with authority
    usable
    # http
    server_scheme at clusters[0].cluster.server
      The address must start with https://.
      Write the address of the API server as https://host:port; a credential is never sent in clear.
      kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}'
    # no scheme
    server_scheme at clusters[0].cluster.server
      The address must start with https://.
      Write the address of the API server as https://host:port; a credential is never sent in clear.
      kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}'
    # user name
    server_form at clusters[0].cluster.server
      The address is not a plain https://host:port.
      Remove the user name, path, query or fragment from the address.
      kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}'
    # empty user name
    server_form at clusters[0].cluster.server
      The address is not a plain https://host:port.
      Remove the user name, path, query or fragment from the address.
      kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}'
    # path
    server_form at clusters[0].cluster.server
      The address is not a plain https://host:port.
      Remove the user name, path, query or fragment from the address.
      kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}'
    # query
    server_form at clusters[0].cluster.server
      The address is not a plain https://host:port.
      Remove the user name, path, query or fragment from the address.
      kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}'
    # fragment
    server_form at clusters[0].cluster.server
      The address is not a plain https://host:port.
      Remove the user name, path, query or fragment from the address.
      kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}'
    # port zero
    server_form at clusters[0].cluster.server
      The address is not a plain https://host:port.
      Remove the user name, path, query or fragment from the address.
      kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}'
    # port too large
    server_form at clusters[0].cluster.server
      The address is not a plain https://host:port.
      Remove the user name, path, query or fragment from the address.
      kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}'
    # backslash
    server_scheme at clusters[0].cluster.server
      The address must start with https://.
      Write the address of the API server as https://host:port; a credential is never sent in clear.
      kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}'
    # no server
    server_form at clusters[0].cluster.server
      The address is not a plain https://host:port.
      Remove the user name, path, query or fragment from the address.
      kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}'
    # authority file
    kubeconfig_file_path at clusters[0].cluster.certificate-authority
      This entry points to a file on your computer, which the server cannot read.
      Paste a kubeconfig that carries its certificates and tokens itself.
      kubectl config view --flatten --minify --raw
    # authority that is no base64
    kubeconfig_bad_base64 at clusters[0].cluster.certificate-authority-data
      This field is not valid base64.
      Copy the kubeconfig again, whole lines and without changes by a text editor.
      kubectl config view --flatten --minify --raw
    # authority that is no PEM
    kubeconfig_bad_certificate at clusters[0].cluster.certificate-authority-data
      This field does not hold a certificate or key in PEM, or the two do not belong together.
      Copy it again, with its BEGIN and END lines.
      kubectl config view --flatten --minify --raw
    # skip-tls
    kubeconfig_insecure_tls at clusters[0].cluster.insecure-skip-tls-verify
      This entry switches off the check of the server's certificate (insecure-skip-tls-verify).
      Give the cluster's certificate authority instead, so that the credential is not sent to an impostor; or connect by address and token, and pin the server's public key (sha256/…).
      kubectl config view --raw --minify -o jsonpath='{.clusters[0].cluster.certificate-authority-data}'
    # skip-tls false
    usable
    # skip-tls and authority
    kubeconfig_insecure_tls at clusters[0].cluster.insecure-skip-tls-verify
      This entry switches off the check of the server's certificate (insecure-skip-tls-verify).
      Give the cluster's certificate authority instead, so that the credential is not sent to an impostor; or connect by address and token, and pin the server's public key (sha256/…).
      kubectl config view --raw --minify -o jsonpath='{.clusters[0].cluster.certificate-authority-data}'
    # tls-server-name
    kubeconfig_tls_name at clusters[0].cluster.tls-server-name
      tls-server-name is not a DNS name or address.
      Set it to a name that the server's certificate lists, or remove it.
      –
    # proxy
    kubeconfig_proxy at clusters[0].cluster.proxy-url
      This cluster is reached through a proxy (proxy-url), which is not accepted.
      Use an address of the API server that NALABO can reach directly.
      –
    # private address without authority
    kubeconfig_no_ca at clusters[0].cluster.certificate-authority-data
      No public authority vouches for a private name or address, and no certificate authority is given.
      Add the cluster's certificate authority (certificate-authority-data).
      kubectl config view --flatten --minify --raw
    # private name without authority
    kubeconfig_no_ca at clusters[0].cluster.certificate-authority-data
      No public authority vouches for a private name or address, and no certificate authority is given.
      Add the cluster's certificate authority (certificate-authority-data).
      kubectl config view --flatten --minify --raw
    # unknown field
    kubeconfig_unknown_field at clusters[0].cluster.sever
      A kubeconfig has no such field.
      Correct or remove the field.
      kubectl config view --flatten --minify --raw
    "#);
}

#[test]
fn a_file_that_is_no_plain_kubeconfig_is_refused_whole() {
    let good = kubeconfig(SERVER, TOKEN);
    let contexts = |count: usize| -> String {
        let entries: String = (0..count)
            .map(|it| format!("- name: c{it}\n  context: {{cluster: paris, user: admin}}\n"))
            .collect();
        let (head, _) = good.split_once("contexts:").expect("there is one");
        format!("{head}contexts:\n{entries}")
    };
    insta::assert_snapshot!(table(&[
        ("empty", String::new()),
        ("a sentence", format!("my token is {CANARY}")),
        ("broken", format!("{good}\n  : [{CANARY}\n")),
        ("tab", format!("clusters:\n\t- name: {CANARY}")),
        ("open quote", format!("users: \"{CANARY}\n")),
        ("a NUL byte", good.replace("paris", "pa\0ris")),
        ("a list", format!("- {CANARY}")),
        ("another kind", format!("apiVersion: v1\nkind: Secret\ndata: {{token: {CANARY}}}")),
        ("another version", good.replace("apiVersion: v1", "apiVersion: v2")),
        ("JSON", r#"{"clusters":[{"name":"a","cluster":{"server":"https://a.example.org"}}],"users":[{"name":"u","user":{"token":"t"}}],"contexts":[{"name":"c","context":{"cluster":"a","user":"u"}}]}"#.to_owned()),
        ("two documents", format!("{good}---\n{good}")),
        ("an anchor", good.replace("token: ", "token: &x ")),
        ("an alias", good.replace("namespace: default", "namespace: *x")),
        ("a merge key", good.replace("  user:\n", "  user:\n    <<: {}\n")),
        ("a tag", good.replace("token: ", "token: !!str ")),
        ("a directive", format!("%YAML 1.2\n---\n{good}")),
        ("300 KiB", format!("{good}# {}", "x".repeat(300 * 1024))),
        ("65 contexts", contexts(65)),
        ("64 contexts", contexts(64)),
        ("no contexts", "clusters: []\nusers: []\ncontexts: []\n".to_owned()),
        ("two contexts of one name", format!("{good}- name: paris\n  context: {{cluster: paris, user: admin}}\n")),
        ("a field twice", good.replace("kind: Config", "kind: Config\nkind: Config")),
        ("an unknown field", format!("{good}tokens: [{CANARY}]\n")),
        ("a context without name", good.replace("- name: paris\n  context", "- context")),
        ("missing cluster", good.replace("cluster: paris,", "cluster: lyon,")),
        ("missing user", good.replace("user: admin,", "user: nobody,")),
        ("60 levels", format!("extensions: {}x{}", "[".repeat(60), "]".repeat(60))),
    ]), @r#"
    # empty
    file refused: kubeconfig_not_yaml at the file
      The text cannot be read as a kubeconfig (line 1, column 1).
      Paste a whole kubeconfig, as kubectl writes it.
      kubectl config view --flatten --minify --raw
    # a sentence
    file refused: kubeconfig_not_yaml at the file
      The text cannot be read as a kubeconfig.
      Paste a whole kubeconfig, as kubectl writes it.
      kubectl config view --flatten --minify --raw
    # broken
    file refused: kubeconfig_not_yaml at the file
      The text cannot be read as a kubeconfig (line 17, column 5).
      Paste a whole kubeconfig, as kubectl writes it.
      kubectl config view --flatten --minify --raw
    # tab
    file refused: kubeconfig_not_yaml at the file
      The text cannot be read as a kubeconfig (line 2, column 2).
      Paste a whole kubeconfig, as kubectl writes it.
      kubectl config view --flatten --minify --raw
    # open quote
    file refused: kubeconfig_not_yaml at the file
      The text cannot be read as a kubeconfig (line 1, column 8).
      Paste a whole kubeconfig, as kubectl writes it.
      kubectl config view --flatten --minify --raw
    # a NUL byte
    file refused: kubeconfig_not_yaml at the file
      The text cannot be read as a kubeconfig (line 3, column 20).
      Paste a whole kubeconfig, as kubectl writes it.
      kubectl config view --flatten --minify --raw
    # a list
    file refused: kubeconfig_not_yaml at the file
      The text cannot be read as a kubeconfig.
      Paste a whole kubeconfig, as kubectl writes it.
      kubectl config view --flatten --minify --raw
    # another kind
    file refused: kubeconfig_not_yaml at kind
      The text cannot be read as a kubeconfig.
      Paste a whole kubeconfig, as kubectl writes it.
      kubectl config view --flatten --minify --raw
    # another version
    file refused: kubeconfig_not_yaml at apiVersion
      The text cannot be read as a kubeconfig.
      Paste a whole kubeconfig, as kubectl writes it.
      kubectl config view --flatten --minify --raw
    # JSON
    usable
    # two documents
    file refused: kubeconfig_multi_document at the file
      The text holds more than one YAML document (line 16, column 1).
      Paste one kubeconfig, without lines of --- in the middle.
      kubectl config view --flatten --minify --raw
    # an anchor
    file refused: kubeconfig_yaml_feature at the file
      The text uses anchors, aliases, merge keys, tags or directives, which a kubeconfig does not need (line 12, column 15).
      Paste a kubeconfig as kubectl writes it.
      kubectl config view --flatten --minify --raw
    # an alias
    file refused: kubeconfig_yaml_feature at the file
      The text uses anchors, aliases, merge keys, tags or directives, which a kubeconfig does not need (line 15, column 53).
      Paste a kubeconfig as kubectl writes it.
      kubectl config view --flatten --minify --raw
    # a merge key
    file refused: kubeconfig_yaml_feature at the file
      The text uses anchors, aliases, merge keys, tags or directives, which a kubeconfig does not need (line 12, column 5).
      Paste a kubeconfig as kubectl writes it.
      kubectl config view --flatten --minify --raw
    # a tag
    file refused: kubeconfig_yaml_feature at the file
      The text uses anchors, aliases, merge keys, tags or directives, which a kubeconfig does not need (line 12, column 18).
      Paste a kubeconfig as kubectl writes it.
      kubectl config view --flatten --minify --raw
    # a directive
    file refused: kubeconfig_yaml_feature at the file
      The text uses anchors, aliases, merge keys, tags or directives, which a kubeconfig does not need (line 1, column 1).
      Paste a kubeconfig as kubectl writes it.
      kubectl config view --flatten --minify --raw
    # 300 KiB
    file refused: kubeconfig_too_large at the file
      The kubeconfig is larger than 256 KiB or has more than 64 contexts.
      Paste only the context to be connected.
      kubectl config view --flatten --minify --raw
    # 65 contexts
    file refused: kubeconfig_too_large at contexts
      The kubeconfig is larger than 256 KiB or has more than 64 contexts.
      Paste only the context to be connected.
      kubectl config view --flatten --minify --raw
    # 64 contexts
    usable
    # no contexts
    file refused: kubeconfig_missing_context at contexts
      The kubeconfig has no context of that name.
      Choose one of its contexts.
      kubectl config get-contexts
    # two contexts of one name
    file refused: kubeconfig_duplicate at contexts[1].name
      The same name or field is there twice, so it is unclear which one counts.
      Remove one of the two.
      kubectl config view --flatten --minify --raw
    # a field twice
    file refused: kubeconfig_duplicate at kind
      The same name or field is there twice, so it is unclear which one counts.
      Remove one of the two.
      kubectl config view --flatten --minify --raw
    # an unknown field
    file refused: kubeconfig_unknown_field at tokens
      A kubeconfig has no such field.
      Correct or remove the field.
      kubectl config view --flatten --minify --raw
    # a context without name
    file refused: kubeconfig_not_yaml at contexts[0].name
      The text cannot be read as a kubeconfig.
      Paste a whole kubeconfig, as kubectl writes it.
      kubectl config view --flatten --minify --raw
    # missing cluster
    kubeconfig_missing_reference at contexts[0].context.cluster
      This context names a cluster or user that the kubeconfig does not have.
      Paste a kubeconfig with the cluster and the user in it.
      kubectl config view --flatten --minify --raw
    # missing user
    kubeconfig_missing_reference at contexts[0].context.user
      This context names a cluster or user that the kubeconfig does not have.
      Paste a kubeconfig with the cluster and the user in it.
      kubectl config view --flatten --minify --raw
    # 60 levels
    file refused: kubeconfig_too_large at the file
      The kubeconfig is larger than 256 KiB or has more than 64 contexts (line 1, column 45).
      Paste only the context to be connected.
      kubectl config view --flatten --minify --raw
    "#);
}

#[test]
fn one_bad_entry_leaves_the_other_contexts_usable() {
    let text = format!(
        "current-context: gone\n\
         clusters: [{{name: a, cluster: {{{SERVER}}}}}]\n\
         users:\n- {{name: good, user: {{{TOKEN}}}}}\n- {{name: bad, user: {{exec: {{command: aws}}}}}}\n\
         contexts:\n- {{name: one, context: {{cluster: a, user: good}}}}\n- {{name: two, context: {{cluster: a, user: bad}}}}\n"
    );
    let contexts = kubeconfig_parse(&text).expect("readable");
    let usable: Vec<_> = contexts.iter().map(|it| (it.name.as_str(), it.is_usable())).collect();
    assert_eq!(usable, [("one", true), ("two", false)]);
    assert_eq!(
        kubeconfig_source(&text, Some("one")).expect("usable").face().context.as_deref(),
        Some("one")
    );
    let code = |context| kubeconfig_source(&text, context).map(|_| ()).map_err(|it| it.code);
    assert_eq!(code(Some("two")), Err(Code::KubeconfigExec));
    assert_eq!(code(Some("three")), Err(Code::KubeconfigMissingContext));
    assert_eq!(code(None), Err(Code::KubeconfigMissingContext), "the current one is not there");
}

#[test]
fn the_current_context_is_chosen_when_none_is_named() {
    let source = kubeconfig_source(&kubeconfig(SERVER, TOKEN), None).expect("usable");
    assert_eq!(source.face().context.as_deref(), Some("paris"));
    assert_eq!(source.face().endpoint, "https://api.paris.example.org:6443");
}

#[test]
fn what_minikube_and_kind_add_is_skipped() {
    let text = kubeconfig(
        &format!(
            "{SERVER}\nextensions:\n- extension: {{provider: minikube.sigs.k8s.io}}\n  name: cluster_info"
        ),
        TOKEN,
    );
    assert_eq!(said(&text), "usable");
}

#[test]
fn bombs_are_refused_before_they_are_expanded() {
    let scalar = format!("a: &x {}\nb: [{}]", "y".repeat(1000), "*x, ".repeat(60_000));
    let lists = "a: &a [x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n".to_owned();
    for bomb in [scalar, lists] {
        let refused = kubeconfig_parse(&bomb).expect_err("an anchor");
        assert_eq!((refused.code, refused.line), (Code::KubeconfigYamlFeature, Some(1)));
    }
    let deep = "[".repeat(200_000);
    assert_eq!(kubeconfig_parse(&deep).expect_err("deep").code, Code::KubeconfigNotYaml);
    let wide = format!("extensions: [{}]", "1,".repeat(100_000));
    assert_eq!(kubeconfig_parse(&wide).expect_err("wide").code, Code::KubeconfigTooLarge);
    let keys: String = (0..300).map(|it| format!("k{it}: 1\n")).collect();
    assert_eq!(kubeconfig_parse(&keys).expect_err("many keys").code, Code::KubeconfigTooLarge);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_panic(text in "[ -~\\n\\t\\PC]{0,300}") {
        let _ = kubeconfig_parse(&text);
        let _ = kubeconfig_source(&text, None);
    }

    /// A good kubeconfig, cut, doubled and scribbled over at random.
    #[test]
    fn a_damaged_kubeconfig_never_comes_back_in_a_message(
        at in 0..400_usize, length in 0..60_usize, scribble in "[\\[\\]{}:&*!'\"|>%@# \\na-z0-9-]{0,12}",
    ) {
        let good = kubeconfig(SERVER, TOKEN);
        let start = at.min(good.len());
        let end = (start + length).min(good.len());
        let damaged = format!("{}{scribble}{}", &good[..start], &good[end..]);
        let shown = match kubeconfig_parse(&damaged) {
            // A name is shown as it is: it is what a person chooses by.
            Ok(contexts) => contexts.iter().flat_map(|it| &it.problems).map(refusal_said).collect(),
            Err(refusal) => refusal_said(&refusal),
        };
        prop_assert!(!shown.contains("c4n4ry"), "{}", shown);
        if let Ok(source) = kubeconfig_source(&damaged, None) {
            let debug = format!("{source:?}");
            prop_assert!(!debug.contains("c4n4ry"));
        }
    }
}
