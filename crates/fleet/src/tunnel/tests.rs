//! Tunnels against a peer that the test plays itself: what a node sends, and what it should not.

use futures::{SinkExt as _, StreamExt as _};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;
use crate::channels::{MESSAGE_MAX_BYTES, PIECE_MAX_BYTES, PINGS_UNANSWERED_MAX, socket_config};

const PORT_MESSAGES: [&[u8]; 2] = [&[0, 0xfb, 0x20], &[1, 0xfb, 0x20]];

/// A tunnel to port 8443, and the other side of it.
async fn pair() -> (Tunnel<DuplexStream>, WebSocketStream<DuplexStream>) {
    let (ours, theirs) = duplex(256 * 1024);
    let ours = WebSocketStream::from_raw_socket(ours, Role::Client, Some(socket_config())).await;
    let theirs = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
    (Tunnel::new(Channels::new(ours), VCLUSTER_PORT), theirs)
}

async fn began() -> (Tunnel<DuplexStream>, WebSocketStream<DuplexStream>) {
    let (tunnel, mut node) = pair().await;
    for message in PORT_MESSAGES {
        node.send(Message::binary(message)).await.expect("sent");
    }
    (tunnel, node)
}

/// What reading ends with when the node sends this after it began.
async fn read_after(message: Message) -> io::Result<Vec<u8>> {
    let (mut tunnel, mut node) = began().await;
    node.send(message).await.expect("sent");
    let _ = node.close(None).await;
    let mut read = Vec::new();
    tunnel.read_to_end(&mut read).await.map(|_| read)
}

#[tokio::test]
async fn bytes_pass_both_ways_in_pieces() {
    let (mut tunnel, mut node) = began().await;
    let sent: Vec<u8> = (0..100_000_u32).map(|it| it.to_le_bytes()[0]).collect();
    let taken = async {
        let mut taken = Vec::new();
        while taken.len() < sent.len() {
            let message = node.next().await.expect("a message").expect("whole").into_data();
            assert!(message.len() <= PIECE_MAX_BYTES + 1, "{} bytes in a frame", message.len());
            assert_eq!(message[0], 0, "the data of the first port");
            taken.extend_from_slice(&message[1..]);
        }
        node.send(Message::binary(&b"\0hello"[..])).await.expect("sent");
        node.send(Message::binary(&b"\0"[..])).await.expect("sent");
        node.send(Message::binary(&b"\0 you"[..])).await.expect("sent");
        taken
    };
    let write = async {
        tunnel.write_all(&sent).await.expect("written");
        let mut read = [0; 9];
        tunnel.read_exact(&mut read).await.expect("read");
        read
    };
    let (taken, read) = tokio::join!(taken, write);
    assert!(taken == sent, "what arrives is what was sent");
    assert_eq!(&read, b"hello you");
}

#[tokio::test]
async fn the_end_of_one_side_is_the_end_of_the_other() {
    assert_eq!(read_after(Message::binary(&b"\0bye"[..])).await.expect("an end"), b"bye");
    let (mut tunnel, mut node) = began().await;
    tunnel.shutdown().await.expect("closed");
    assert!(matches!(node.next().await, Some(Ok(Message::Close(_)))));
    let (mut tunnel, node) = began().await;
    drop(node);
    let mut read = Vec::new();
    let ended = tunnel.read_to_end(&mut read).await;
    assert!(ended.is_err(), "cut off without a word is no end: {read:?}");
}

#[tokio::test]
async fn what_no_node_sends_ends_the_tunnel() {
    for (what, message) in [
        ("text", Message::text("hello")),
        ("nothing", Message::binary(&b""[..])),
        ("an unknown channel", Message::binary(&b"\x02hello"[..])),
        ("a frame above its bound", Message::binary(vec![0; MESSAGE_MAX_BYTES + 1])),
    ] {
        // Larger than the pipe in between: written while it is read.
        let ended = tokio::time::timeout(Duration::from_secs(5), async {
            let (mut tunnel, mut node) = began().await;
            let mut read = Vec::new();
            let (_, ended) = tokio::join!(node.send(message), async {
                let ended = tunnel.read_to_end(&mut read).await;
                drop(tunnel);
                ended
            });
            ended
        });
        let error = ended.await.expect("it ends").expect_err(what);
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{what}");
    }
}

#[tokio::test]
async fn a_channel_that_begins_with_another_port_is_refused() {
    for first in [&b"\0\xbb\x01"[..], b"\0\xfb", b"\0"] {
        let (mut tunnel, mut node) = pair().await;
        node.send(Message::binary(first)).await.expect("sent");
        let error = tunnel.read_u8().await.expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{first:?}");
    }
}

#[tokio::test]
async fn an_error_of_the_node_is_a_refusal_without_its_words() {
    let error = read_after(Message::binary(&b"\x01dial 10.0.0.7: secret detail"[..])).await;
    let error = error.expect_err("refused");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_gone() {
    let (mut tunnel, node) = began().await;
    tunnel.channels.ping_every(Duration::from_millis(1));
    let error = tunnel.read_u8().await.expect_err("gone");
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    drop(node);
}

#[tokio::test]
async fn a_quiet_peer_that_answers_pings_is_kept() {
    let (mut tunnel, mut node) = began().await;
    tunnel.channels.ping_every(Duration::from_millis(1));
    let quiet = async {
        for _ in 0..3 * PINGS_UNANSWERED_MAX {
            let ping = node.next().await.expect("a ping").expect("whole");
            assert!(matches!(ping, Message::Ping(_)), "{ping:?}");
            node.flush().await.expect("the pong is sent");
        }
        node.send(Message::binary(&b"\0!"[..])).await.expect("sent");
    };
    let (read, ()) = tokio::join!(tunnel.read_u8(), quiet);
    assert_eq!(read.expect("still there"), b'!');
}

#[test]
fn a_vcluster_that_leaves_something_else_than_certificates_is_not_used() {
    let secret = |text: &str| VclusterSecret {
        certificate_authority: STANDARD.encode(text).into(),
        client_certificate: text.to_owned().into(),
        client_key: STANDARD.encode(text).into(),
    };
    let source = secret("no certificate")
        .source(EnvironmentId::new(), Credential::token("token").expect("a token"));
    assert!(source.is_none());
    assert!(secret("***").administrator().is_none(), "no base64");
}

/// To the DNS server of a real node, which speaks HTTP on a port of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_of_a_real_pod_answers_through_the_api_server() {
    if let Some(reason) = nalabo_lab::node_missing_reason() {
        eprintln!("skipped: {reason}");
        return;
    }
    let lab = nalabo_lab::Lab::with_node().start().await.expect("the lab");
    let policy = crate::AddressPolicy::new(vec!["127.0.0.0/8".parse().unwrap()], Vec::new());
    let source = crate::kubeconfig_source(lab.kubeconfig(), None);
    let service = crate::InfrastructureFactory::new(policy).service(&source.unwrap()).unwrap();
    let api = &service.inner.api;
    let name = ["get", "pods", "-n", "kube-system", "-l", "k8s-app=kube-dns", "-o", "name"];
    let name = lab.kubectl(&name).await.expect("the pod");
    let name = name.trim().trim_start_matches("pod/");

    let mut tunnel = api.tunnel("kube-system", name, 8080).await.map_err(|it| it.failure).unwrap();
    tunnel.write_all(b"GET /health HTTP/1.0\r\n\r\n").await.expect("asked");
    let mut answer = String::new();
    tunnel.read_to_string(&mut answer).await.expect("an answer, and its end");
    assert!(answer.starts_with("HTTP/1.0 200") && answer.ends_with("OK"), "{answer}");

    // Real nodes answer pings: a quiet stream outlives many of them.
    let mut tunnel = api.tunnel("kube-system", name, 8080).await.map_err(|it| it.failure).unwrap();
    tunnel.channels.ping_every(Duration::from_millis(200));
    let mut answer = String::new();
    let read = tokio::time::timeout(Duration::from_secs(3), tunnel.read_to_string(&mut answer));
    read.await.expect_err("quiet, and still there");
    tunnel.write_all(b"GET /health HTTP/1.0\r\n\r\n").await.expect("asked");
    tunnel.read_to_string(&mut answer).await.expect("an answer, and its end");
    assert!(answer.ends_with("OK"), "{answer}");

    let nobody = api.tunnel("kube-system", name, 81).await.map_err(|it| it.failure);
    let error = nobody.unwrap().read_u8().await.expect_err("nobody listens");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    let absent = api.tunnel("kube-system", "absent", 8080).await.err().expect("no such pod");
    assert!(absent.is(http::StatusCode::NOT_FOUND), "{:?}", absent.failure);
    lab.stop().await;
}
