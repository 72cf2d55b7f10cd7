//! The other side of the tests: a server that answers TLS, QUIC and DNS under any name, clients on
//! the rustls and quinn stacks, and senders of hand-ordered and hand-made frames. Test equipment, never shipped.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use pnet::datalink::{self, Channel, DataLinkSender};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, ServerConfig, ServerConnection, SignatureScheme,
};

mod upgrade;

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> ExitCode {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["serve", address] => serve(address),
        ["upgrades", address] => upgrade::serve(address),
        ["ech", public_name] => ech(public_name),
        ["tls", address, name] => tls(address, name),
        ["quic", address, name] => quic(address, name),
        ["dns", address, first, count, names @ ..] => {
            dns(address, first.parse().unwrap_or_default(), count.parse().unwrap_or(1), names)
        }
        ["swapped", interface, source, target, name] => swapped(interface, source, target, name),
        ["lease", interface, address, name] => lease(interface, address, name),
        ["announce", interface, address, name] => announce(interface, address, name),
        _ => Err(
            "usage: serve IP | upgrades IP | ech PUBLIC_NAME | tls ADDR NAME | quic ADDR NAME | dns ADDR FIRST-ID COUNT NAME… | \
             swapped INTERFACE SOURCE TARGET NAME | lease INTERFACE IP NAME | announce INTERFACE IP NAME"
                .into(),
        ),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("umbrascope-test-peer: {error}");
            ExitCode::FAILURE
        }
    }
}

fn certificate() -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), Box<dyn Error>> {
    let made = rcgen::generate_simple_self_signed(vec!["peer.example".to_owned()])?;
    Ok((made.cert.der().clone(), PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into()))
}

fn server_config() -> Result<ServerConfig, Box<dyn Error>> {
    let (certificate, key) = certificate()?;
    Ok(ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key)?)
}

/// TLS on 443 and 8443, QUIC on 443, DNS on 53, all on `address`; prints `ready` and serves until killed.
fn serve(address: &str) -> Outcome {
    let server = server_config()?;
    let tls = Arc::new(server.clone());
    for port in [443, 8443] {
        let listener = TcpListener::bind((address, port))?;
        let tls = Arc::clone(&tls);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let tls = Arc::clone(&tls);
                std::thread::spawn(move || answer_tls(stream, tls));
            }
        });
    }
    let dns = UdpSocket::bind((address, 53))?;
    let own: Ipv4Addr = address.parse()?;
    std::thread::spawn(move || answer_dns(&dns, own));
    let quic: SocketAddr = format!("{address}:443").parse()?;
    let mut server = server;
    server.alpn_protocols = vec![b"h3".to_vec()];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async move {
        let config = quinn::ServerConfig::with_crypto(Arc::new(
            quinn::crypto::rustls::QuicServerConfig::try_from(server)?,
        ));
        let endpoint = quinn::Endpoint::server(config, quic)?;
        println!("ready");
        while let Some(incoming) = endpoint.accept().await {
            tokio::spawn(async move {
                if let Ok(connection) = incoming.await {
                    connection.closed().await;
                }
            });
        }
        Ok(())
    })
}

fn answer_tls(mut stream: TcpStream, config: Arc<ServerConfig>) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let Ok(mut session) = ServerConnection::new(config) else { return };
    let mut tls = rustls::Stream::new(&mut session, &mut stream);
    let mut request = [0; 4096];
    if tls.read(&mut request).is_ok() {
        let _ = tls.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nok\n");
        tls.conn.send_close_notify();
        let _ = tls.flush();
    }
}

/// A question for a name below this one is answered with a CNAME to what stands before it, and its address.
const ALIAS: &[u8] = b"\x05alias\x07example\0";
/// A question for HTTPS below this one is answered with keys of Encrypted ClientHello whose public name is what stands
/// before it.
const HIDDEN: &[u8] = b"\x06hidden\x07example\0";

/// Answers every A question with `own`, those for aliases and keys as above, and every other one with nothing
/// (RFC 1035 §4.1).
fn answer_dns(socket: &UdpSocket, own: Ipv4Addr) {
    let mut query = [0; 1500];
    while let Ok((length, from)) = socket.recv_from(&mut query) {
        let Some(question_end) =
            query[..length].get(12..).and_then(|rest| rest.iter().position(|byte| *byte == 0))
        else {
            continue;
        };
        let end = 12 + question_end + 5;
        if end > length {
            continue;
        }
        let (name, kind) = (&query[12..end - 4], u16::from_be_bytes([query[end - 4], query[end - 3]]));
        let records = match kind {
            A => match name.strip_suffix(ALIAS) {
                Some(before) => {
                    let target = [before, b"\0"].concat();
                    vec![record(name, CNAME, &target), record(&target, A, &own.octets())]
                }
                None => vec![record(name, A, &own.octets())],
            },
            HTTPS => {
                let before = name.strip_suffix(HIDDEN).and_then(|labels| labels.split_first());
                before.map(|(_, labels)| record(name, HTTPS, &keys(labels))).into_iter().collect()
            }
            _ => vec![],
        };
        let mut answer = query[..2].to_vec();
        answer.extend([0x81, 0x80, 0, 1, 0, records.len() as u8, 0, 0, 0, 0]);
        answer.extend(&query[12..end]);
        answer.extend(records.concat());
        let _ = socket.send_to(&answer, from);
    }
}

const A: u16 = 1;
const CNAME: u16 = 5;
const HTTPS: u16 = 65;

fn record(owner: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    [owner, &kind.to_be_bytes(), &[0, 1, 0, 0, 0, 60], &sized(data)].concat()
}

/// The bytes behind their length.
fn sized(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes(), bytes].concat()
}

/// The data of an HTTPS record with keys (RFC 9460 §2.2, RFC 9848 §3); `labels` is the public name on the wire, without
/// its first length.
fn keys(labels: &[u8]) -> Vec<u8> {
    // Lengths are below any character of a host name.
    let name: Vec<u8> = labels.iter().map(|byte| if *byte < b'-' { b'.' } else { *byte }).collect();
    [&[0, 1, 0, 0, 5][..], &sized(&ech_config_list(&name))].concat()
}

/// An ECHConfigList (RFC 9849 §4): X25519, HKDF-SHA256, AES-128-GCM. The public key is the curve's base point: nobody here
/// opens what is sealed with it.
fn ech_config_list(public_name: &[u8]) -> Vec<u8> {
    let mut public_key = [0; 32];
    public_key[0] = 9;
    let head = [&[7, 0, 0x20][..], &sized(&public_key), &sized(&[0, 1, 0, 1]), &[64]].concat();
    let contents = [&head[..], &[public_name.len() as u8], public_name, &[0, 0]].concat();
    sized(&[&[0xfe, 0x0d][..], &sized(&contents)].concat())
}

/// Prints the ECHConfigList that the server's DNS hands out for a public name.
fn ech(public_name: &str) -> Outcome {
    println!("{}", data_encoding::BASE64.encode(&ech_config_list(public_name.as_bytes())));
    Ok(())
}

fn client_config() -> ClientConfig {
    ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer))
        .with_no_client_auth()
}

/// A rustls client: connects, asks once, reads the answer.
fn tls(address: &str, name: &str) -> Outcome {
    let mut session =
        ClientConnection::new(Arc::new(client_config()), ServerName::try_from(name.to_owned())?)?;
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut tls = rustls::Stream::new(&mut session, &mut stream);
    tls.write_all(b"GET / HTTP/1.1\r\nhost: peer\r\n\r\n")?;
    let mut body = Vec::new();
    let _ = tls.read_to_end(&mut body);
    if body.is_empty() { Err("the server did not answer".into()) } else { Ok(()) }
}

/// A quinn client: one handshake.
fn quic(address: &str, name: &str) -> Outcome {
    let mut config = client_config();
    config.alpn_protocols = vec![b"h3".to_vec()];
    let target: SocketAddr = address.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async move {
        let mut endpoint = quinn::Endpoint::client(SocketAddr::from(([0, 0, 0, 0], 0)))?;
        let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(config)?;
        endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(crypto)));
        let connection =
            tokio::time::timeout(Duration::from_secs(10), endpoint.connect(target, name)?).await??;
        connection.close(0u32.into(), b"done");
        endpoint.wait_idle().await;
        Ok(())
    })
}

/// Asks for each name `count` times, a query a millisecond, each from a port of its own and with ids from `first` on, and
/// does not wait for answers (RFC 1035 §4.1).
fn dns(address: &str, first: u16, count: u16, names: &[&str]) -> Outcome {
    for number in 0..count {
        for name in names {
            let mut query = first.wrapping_add(number).to_be_bytes().to_vec();
            query.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
            for label in name.split('.') {
                query.push(u8::try_from(label.len())?);
                query.extend(label.as_bytes());
            }
            query.extend([0, 0, 1, 0, 1]);
            UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?.send_to(&query, address)?;
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    Ok(())
}

/// Puts a rustls ClientHello on the wire in two TCP segments, the second one first, as frames on
/// `interface`: the order that a kernel does not send by itself.
fn swapped(interface: &str, source: &str, target: &str, name: &str) -> Outcome {
    let mut session =
        ClientConnection::new(Arc::new(client_config()), ServerName::try_from(name.to_owned())?)?;
    let mut hello = Vec::new();
    session.write_tls(&mut hello)?;
    let (first, second) = hello.split_at(hello.len() / 2);
    let (_, mut sender) = device(interface)?;
    let (source, target): (Ipv4Addr, Ipv4Addr) = (source.parse()?, target.parse()?);
    let isn: u32 = 0x1000_0000;
    let after_syn = isn + 1;
    let offset = u32::try_from(first.len())?;
    for (sequence, flags, payload) in
        [(isn, 0x02, &[][..]), (after_syn + offset, 0x18, second), (after_syn, 0x18, first)]
    {
        let frame = tcp_frame(source, target, sequence, flags, payload);
        sender.send_to(&frame, None).ok_or("the frame was not taken")??;
    }
    Ok(())
}

/// The hardware address of an interface, and a sender of frames on it.
type Device = ([u8; 6], Box<dyn DataLinkSender>);

fn device(interface: &str) -> Result<Device, Box<dyn Error>> {
    let device = datalink::interfaces()
        .into_iter()
        .find(|device| device.name == interface)
        .ok_or_else(|| format!("no interface {interface}"))?;
    let config = datalink::Config { promiscuous: false, ..datalink::Config::default() };
    let Channel::Ethernet(sender, _) = datalink::channel(&device, config)? else {
        return Err(format!("{interface} is no Ethernet interface").into());
    };
    Ok((device.mac.ok_or("an interface without a hardware address")?.octets(), sender))
}

/// Renews the lease of an address at a DHCP server that is not there (RFC 2131 §4.3.2), with a host name (RFC 2132 §3.14).
fn lease(interface: &str, address: &str, name: &str) -> Outcome {
    let address: Ipv4Addr = address.parse()?;
    let (mac, mut sender) = device(interface)?;
    let mut message = vec![0; 240];
    message[..3].copy_from_slice(&[1, 1, 6]);
    message[12..16].copy_from_slice(&address.octets());
    message[28..34].copy_from_slice(&mac);
    message[236..].copy_from_slice(&[0x63, 0x82, 0x53, 0x63]);
    message.extend([53, 1, 3, 12, u8::try_from(name.len())?]);
    message.extend(name.as_bytes());
    message.push(255);
    let frame = udp_frame((mac, [0xff; 6]), ((address, 68), (Ipv4Addr::BROADCAST, 67)), &message);
    Ok(sender.send_to(&frame, None).ok_or("the frame was not taken")??)
}

/// Announces an address under a name in `.local` (RFC 6762 §8.3).
fn announce(interface: &str, address: &str, name: &str) -> Outcome {
    let address: Ipv4Addr = address.parse()?;
    let (mac, mut sender) = device(interface)?;
    let mut message = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0, u8::try_from(name.len())?];
    message.extend(name.as_bytes());
    message.extend(b"\x05local\x00");
    message.extend([0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4]);
    message.extend(address.octets());
    let group = ([0x01, 0x00, 0x5e, 0, 0, 0xfb], (Ipv4Addr::new(224, 0, 0, 251), 5353));
    let frame = udp_frame((mac, group.0), ((address, 5353), group.1), &message);
    Ok(sender.send_to(&frame, None).ok_or("the frame was not taken")??)
}

/// An Ethernet frame with IPv4 and UDP (RFC 768), whose own checksum is left zero; hop limit 255.
fn udp_frame(
    (from, to): ([u8; 6], [u8; 6]),
    (source, target): ((Ipv4Addr, u16), (Ipv4Addr, u16)),
    payload: &[u8],
) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap_or(u16::MAX);
    let mut frame = [&to[..], &from, &[0x08, 0x00, 0x45, 0]].concat();
    frame.extend((20 + length).to_be_bytes());
    frame.extend([0, 1, 0x40, 0, 255, 17, 0, 0]);
    frame.extend(source.0.octets());
    frame.extend(target.0.octets());
    // A bridge with a packet filter drops what has no good one (RFC 1071).
    let words = frame[14..].chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
    let sum = words.sum::<u32>();
    let sum = (sum & 0xffff) + (sum >> 16);
    frame[24..26].copy_from_slice(&(!u16::try_from(sum).unwrap_or(u16::MAX)).to_be_bytes());
    frame.extend(source.1.to_be_bytes());
    frame.extend(target.1.to_be_bytes());
    frame.extend(length.to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(payload);
    frame
}

/// An Ethernet frame with IPv4 (RFC 791 §3.1) and TCP (RFC 9293 §3.1); checksums are left zero.
fn tcp_frame(source: Ipv4Addr, target: Ipv4Addr, sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00];
    let total = u16::try_from(40 + payload.len()).unwrap_or(u16::MAX);
    frame.extend([0x45, 0]);
    frame.extend(total.to_be_bytes());
    frame.extend([0, 1, 0x40, 0, 64, 6, 0, 0]);
    frame.extend(source.octets());
    frame.extend(target.octets());
    frame.extend(40_001u16.to_be_bytes());
    frame.extend(443u16.to_be_bytes());
    frame.extend(sequence.to_be_bytes());
    frame.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    frame.extend(payload);
    frame
}

/// Accepts any certificate: the test servers have self-made ones under names that are not theirs.
#[derive(Debug)]
struct AnyServer;

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ED25519,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PKCS1_SHA256,
        ]
    }
}
