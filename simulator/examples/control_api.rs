//! A simulator in this process, with its control API: `cargo run -p pns-simulator --example control_api -- 127.0.0.1:7767`.
//!
//! What it knows is gone when it ends. It looks up no names: it sends to addresses, and to nothing else.

use pns_simulator::control::{ControlServer, ControlSettings};
use pns_simulator::service::{Data, Simulator};
use pns_simulator::transport::{PlainHttp, Resolver, Settings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listen = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7767".to_owned()).parse()?;
    let transport = Settings {
        plain_http: PlainHttp::Permitted,
        resolver: Resolver::OverridesOnly,
        ..Settings::default()
    };
    let simulator = Simulator::builder().data(Data::Ephemeral).transport(transport).start().await?;
    let server = ControlServer::bind(ControlSettings { listen, ..ControlSettings::default() }).await?;
    server.serve(simulator, std::future::pending()).await;
    Ok(())
}
