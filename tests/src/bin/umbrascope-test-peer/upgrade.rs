//! The server's part of protocols that turn to TLS in the middle of a connection: as much of each as a client needs to
//! see before it sends its ClientHello. They stand in for mail, directory, chat and database servers; the clients are real.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

use crate::{Outcome, answer_tls, server_config};

/// What the server says before the client, and then each time something has come that holds the words.
struct Dialog {
    port: u16,
    greeting: &'static [u8],
    turns: &'static [(&'static [u8], &'static [u8])],
}

const DIALOGS: [Dialog; 8] = [
    // RFC 3207
    Dialog {
        port: 25,
        greeting: b"220 peer.example ESMTP\r\n",
        turns: &[
            (b"EHLO", b"250-peer.example\r\n250 STARTTLS\r\n"),
            (b"STARTTLS", b"220 go ahead\r\n"),
        ],
    },
    // RFC 2595, section 4
    Dialog { port: 110, greeting: b"+OK peer.example\r\n", turns: &[(b"STLS", b"+OK begin\r\n")] },
    // RFC 9051, section 6.2.1
    Dialog {
        port: 143,
        greeting: b"* OK peer.example\r\n",
        turns: &[
            (b"CAPABILITY", b"* CAPABILITY IMAP4rev1 STARTTLS\r\n. OK done\r\n"),
            (b"STARTTLS", b". OK begin\r\n"),
        ],
    },
    // RFC 4217
    Dialog { port: 21, greeting: b"220 peer.example\r\n", turns: &[(b"AUTH TLS", b"234 begin\r\n")] },
    // RFC 4511, section 4.14: an ExtendedResponse of success
    Dialog {
        port: 389,
        greeting: b"",
        turns: &[(b"1.3.6.1.4.1.1466.20037", b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00")],
    },
    // RFC 6120, section 5
    Dialog {
        port: 5222,
        greeting: b"",
        turns: &[
            (
                b"<stream:stream",
                b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' \
                  id='1' from='peer.example' version='1.0'><stream:features>\
                  <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>",
            ),
            (b"<starttls", b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
        ],
    },
    // PostgreSQL, "Message Formats": an SSLRequest, and the one byte that grants it
    Dialog { port: 5432, greeting: b"", turns: &[(b"\x00\x00\x00\x08\x04\xd2\x16\x2f", b"S")] },
    // MySQL, "Protocol::HandshakeV10": with CLIENT_PROTOCOL_41, CLIENT_SSL and CLIENT_SECURE_CONNECTION. The client answers with
    // an SSLRequest of 32 bytes, and goes on with its hello.
    Dialog {
        port: 3306,
        greeting: b"\x4a\x00\x00\x00\x0a8.0.36\0\x01\x00\x00\x00abcdefgh\x00\x00\x8a\x21\x02\x00\x00\x00\x15\
                    \0\0\0\0\0\0\0\0\0\0abcdefghijkl\0mysql_native_password\0",
        turns: &[(b"\x20\x00\x00\x01", b"")],
    },
];

/// Listens on every port of the dialogs; prints `ready` and serves until killed.
pub(crate) fn serve(address: &str) -> Outcome {
    let config = Arc::new(server_config()?);
    let mut servers = Vec::new();
    for dialog in &DIALOGS {
        let listener = TcpListener::bind((address, dialog.port))?;
        let config = Arc::clone(&config);
        servers.push(std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let config = Arc::clone(&config);
                std::thread::spawn(move || talk(stream, dialog, config));
            }
        }));
    }
    println!("ready");
    for server in servers {
        let _ = server.join();
    }
    Ok(())
}

fn talk(mut stream: TcpStream, dialog: &Dialog, config: Arc<ServerConfig>) {
    if hold(&mut stream, dialog).is_ok() {
        answer_tls(stream, config);
    }
}

fn hold(stream: &mut TcpStream, dialog: &Dialog) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(dialog.greeting)?;
    for (words, answer) in dialog.turns {
        let mut heard = Vec::new();
        while !heard.windows(words.len()).any(|window| window == *words) {
            // A byte at a time: what follows the upgrade is not ours to read.
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            heard.extend(byte);
        }
        rest(stream, dialog, &heard)?;
        stream.write_all(answer)?;
    }
    Ok(())
}

/// Reads what is left of the message: to the end of a line or an element, or the length that stands in front of it.
fn rest(stream: &mut TcpStream, dialog: &Dialog, heard: &[u8]) -> std::io::Result<()> {
    let mut byte = [0];
    let end = match dialog.port {
        3306 => return stream.read_exact(&mut [0; 32]),
        389 | 5432 => return Ok(()),
        5222 => b'>',
        _ => b'\n',
    };
    byte[0] = heard.last().copied().unwrap_or_default();
    while byte[0] != end {
        stream.read_exact(&mut byte)?;
    }
    Ok(())
}
