//! A receiver that acknowledges everything over TLS and does nothing else, for `benches/peers.sh`.
//!
//! `null_receiver CERTIFICATE.pem KEY.pem` listens on a free port of 127.0.0.1, prints it, and serves until it is ended.
//! It is hyper's server on one thread: any client may be measured against it.

use std::io::{self, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

async fn acknowledge(request: http::Request<Incoming>) -> Result<http::Response<Empty<Bytes>>, hyper::Error> {
    request.into_body().collect().await?;
    Ok(http::Response::new(Empty::new()))
}

async fn serve(tcp: TcpStream, tls: TlsAcceptor) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let stream = TokioIo::new(tls.accept(tcp).await?);
    let served = http1::Builder::new().serve_connection(stream, service_fn(acknowledge));
    served.await.map_err(io::Error::other)
}

fn config(certificate: &str, key: &str) -> Result<rustls::ServerConfig, Box<dyn std::error::Error>> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_no_client_auth().with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let [certificate, key] = &files[..] else { return Err("give a certificate and a key".into()) };
    let tls = TlsAcceptor::from(Arc::new(config(certificate, key)?));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    writeln!(io::stdout(), "{}", listener.local_addr()?.port())?;
    loop {
        let (tcp, _) = listener.accept().await?;
        // How a connection ends is the client's to tell.
        tokio::spawn(serve(tcp, tls.clone()));
    }
}
