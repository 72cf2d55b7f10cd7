//! Accepting connections. Whatever is refused is refused here, before TLS or HTTP cost anything:
//! shedding later makes more connections, not fewer.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::ops::{Counters, Turned};
use crate::tls::Peer;

/// A handshake that takes longer is given up.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// Handshakes at the same time: each costs a third of a millisecond of CPU.
const HANDSHAKES: usize = 64;
/// From the first byte of a request, or the last answer, to the end of the request's head.
const HEAD_LIMIT: Duration = Duration::from_secs(30);
/// Longest head of a request, in bytes.
const HEAD_BYTES: usize = 16 * 1024;
/// How long connections may go on after the order to stop.
const DRAIN_LIMIT: Duration = Duration::from_secs(8);
/// After an error of accept, which is mostly a lack of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// One listener.
pub struct Listener {
    /// The socket.
    pub socket: TcpListener,
    /// TLS, unless it is plain.
    pub tls: Option<TlsAcceptor>,
    /// What answers.
    pub router: Router,
    /// Connections at the same time.
    pub connections: usize,
    /// Connections of one address at the same time.
    pub per_address: usize,
    /// Where refusals are counted.
    pub counters: Arc<Counters>,
}

/// Closes the connection that a request came on, once its answer is sent.
#[derive(Debug, Clone, Default)]
pub struct Closer(Arc<Notify>);

impl Closer {
    /// Does it.
    pub fn close(&self) {
        self.0.notify_one();
    }
}

/// Accepts until `stop` says so, then lets what is under way end.
pub async fn serve(listener: Listener, mut stop: watch::Receiver<bool>) {
    let Listener { socket, tls, router, connections, per_address, counters } = listener;
    let places = Arc::new(Semaphore::new(connections));
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
    let addresses = Addresses::default();
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
            Some(_) = tasks.join_next() => continue,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            counters.count(Turned::Connections);
            continue;
        };
        let Some(address) = addresses.enter(from.ip(), per_address) else {
            counters.count(Turned::Address);
            continue;
        };
        // Small answers are not held back for more.
        let _ = stream.set_nodelay(true);
        let (tls, router, stop) = (tls.clone(), router.clone(), stop.clone());
        let (handshakes, counters) = (Arc::clone(&handshakes), Arc::clone(&counters));
        tasks.spawn(async move {
            let _held = (place, address);
            let Some(tls) = tls else { return converse(stream, router, from, None, stop).await };
            let shaking = async {
                let _permit = handshakes.acquire().await;
                tls.accept(stream).await
            };
            match tokio::time::timeout(HANDSHAKE_LIMIT, shaking).await {
                Ok(Ok(stream)) => {
                    let certificates = stream.get_ref().1.peer_certificates();
                    let peer = certificates.and_then(|chain| chain.first()).and_then(|leaf| Peer::of(leaf));
                    converse(stream, router, from, peer, stop).await;
                }
                Ok(Err(_)) | Err(_) => counters.count(Turned::Handshake),
            }
        });
    }
    drop(socket);
    let drained = tokio::time::timeout(DRAIN_LIMIT, async { while tasks.join_next().await.is_some() {} });
    if drained.await.is_err() {
        tracing::warn!("some connections did not end in time and were cut");
    }
}

async fn converse<S>(
    stream: S,
    router: Router,
    from: SocketAddr,
    peer: Option<Peer>,
    mut stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let closer = Closer::default();
    let mark = closer.clone();
    let service = router.map_request(move |mut request: Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(from));
        request.extensions_mut().insert(mark.clone());
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        request
    });
    let mut http = Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT).max_buf_size(HEAD_BYTES);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(32)
        .max_header_list_size(HEAD_BYTES as u32)
        .keep_alive_interval(HEAD_LIMIT)
        .keep_alive_timeout(HEAD_LIMIT);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)));
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = stop.wait_for(|stop| *stop) => None,
        () = closer.0.notified() => None,
    };
    if ended.is_none() {
        connection.as_mut().graceful_shutdown();
        // A peer that breaks off is no news.
        let _ = tokio::time::timeout(DRAIN_LIMIT, connection).await;
    }
}

/// How many connections each address holds. As large as the connections are many.
#[derive(Debug, Default, Clone)]
struct Addresses(Arc<Mutex<HashMap<IpAddr, usize>>>);

impl Addresses {
    fn enter(&self, address: IpAddr, most: usize) -> Option<Entered> {
        let address = network(address);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Entered { addresses: self.clone(), address })
    }
}

/// One connection of an address, until it is dropped.
struct Entered {
    addresses: Addresses,
    address: IpAddr,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut held = self.addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.address);
            }
        }
    }
}

/// One IPv6 customer has a /64, and every address in it.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_no_more_connections_than_it_may() {
        let addresses = Addresses::default();
        let (one, same) = ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap());
        let first = addresses.enter(one, 1).unwrap();
        assert!(addresses.enter(same, 1).is_none(), "the same /64");
        assert!(addresses.enter("192.0.2.1".parse().unwrap(), 1).is_some());
        drop(first);
        assert!(addresses.enter(same, 1).is_some());
        assert!(addresses.0.lock().unwrap().is_empty(), "nothing is kept of those who left");
    }
}
