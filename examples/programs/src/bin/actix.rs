//! actix-web, which has no tower services: `respond` goes the layer's whole way for one request.
//!
//! ```sh
//! cargo run --bin actix
//! ```

use std::error::Error;

use actix_web::{App as Site, HttpRequest, HttpResponse, HttpServer, http::StatusCode, web};
use programs::{app, setting};
use tencent_im_callback::event::sns::FriendDelete;
use tencent_im_callback::{
    Callback, CallbackLayer, CallbackService, EventRouter, OutcomeKind, respond,
};
use tower::Layer;

type Endpoint = CallbackService<EventRouter>;

async fn friends_gone(callback: Callback<FriendDelete>) {
    println!("{} friendships ended", callback.event.pair_list.len());
}

async fn receive(
    endpoint: web::Data<Endpoint>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    // actix uses an older version of `http`, so convert through text.
    let (Ok(method), Ok(uri)) =
        (request.method().as_str().parse(), request.uri().to_string().parse())
    else {
        return HttpResponse::BadRequest().finish();
    };
    let answer = respond(&endpoint, &method, &uri, body).await;
    if answer.outcome.kind() == OutcomeKind::Failed {
        eprintln!("{:?}", answer.outcome.error());
    }
    let status =
        StatusCode::from_u16(answer.status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(status).content_type(answer.content_type).body(answer.body)
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let endpoint: Endpoint = CallbackLayer::new(app()?).layer(EventRouter::new().on(friends_gone));
    let endpoint = web::Data::new(endpoint);
    let server = HttpServer::new(move || {
        Site::new()
            .app_data(endpoint.clone())
            // The limit of this crate; actix's own is 256 KiB.
            .app_data(web::PayloadConfig::new(1 << 20))
            .route("/callback", web::route().to(receive))
    })
    .bind(setting("ADDR", "127.0.0.1:3000")?)?;
    for address in server.addrs() {
        println!("listening on {address}");
    }
    Ok(server.run().await?)
}
