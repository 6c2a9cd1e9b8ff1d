//! axum with a database: notifications go into a table, and a list of banned words comes out of
//! one. Start it twice on one file, and the two are replicas: a callback that Tencent delivers to
//! both is in the table once.
//!
//! ```sh
//! DATABASE=/tmp/callbacks.db ADDR=127.0.0.1:3001 cargo run --bin axum_database
//! DATABASE=/tmp/callbacks.db ADDR=127.0.0.1:3002 cargo run --bin axum_database
//! ```
//!
//! The database is SQLite, so that there is nothing to install. With PostgreSQL the same two
//! statements do: a unique column for the key of the delivery, and `ON CONFLICT DO NOTHING`.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use programs::{app, setting};
use rusqlite::Connection;
use tencent_im_callback::event::sns::FriendDelete;
use tencent_im_callback::moderation::{Finding, Findings, Shown};
use tencent_im_callback::{Callback, CallbackLayer, EventRouter, HandlerError, OnError, Split};
use tokio::net::TcpListener;
use tower::ServiceBuilder;

const TABLES: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS banned (word TEXT PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS ended (
        delivery BLOB UNIQUE, one TEXT NOT NULL, other TEXT NOT NULL, replica INTEGER NOT NULL
    );
";

#[derive(Clone)]
struct Database(Arc<Mutex<Connection>>);

impl Database {
    fn open(path: &str) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(1))?;
        connection.execute_batch(TABLES)?;
        Ok(Database(Arc::new(Mutex::new(connection))))
    }

    /// Runs a statement where it does not hold up the runtime.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, HandlerError> {
        let connection = Arc::clone(&self.0);
        let work = move || work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(tokio::task::spawn_blocking(work).await??)
    }
}

/// Looks for the banned words in all forms of what people wrote. The words are in small letters in
/// the table, as in the folded forms. What nobody could judge is rejected: see `on_before_error`.
async fn judge(database: Database, shown: Arc<Shown>) -> Result<Findings, HandlerError> {
    let forms: Vec<String> = shown
        .texts()
        .flat_map(|text| text.forms().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let find = "SELECT EXISTS (SELECT 1 FROM banned WHERE instr(?1, word) > 0)";
    let banned: bool = database
        .run(move |connection| connection.query_row(find, [forms.join("\n")], |row| row.get(0)))
        .await?;
    Ok(if banned { Finding::Reject } else { Finding::Allow }.into())
}

/// All rows of a callback, or none: then Tencent is told `FAIL`, and the log says so.
async fn friends_gone(
    database: Database,
    callback: Callback<FriendDelete>,
) -> Result<(), HandlerError> {
    // The same delivery has the same key in every replica. A callback without a key (no `RequestId`
    // in the URL) is always handled.
    let key = callback.dedup_key().map(|key| key.as_bytes().to_vec());
    let pairs = callback.event.pair_list;
    database
        .run(move |connection| {
            let transaction = connection.transaction()?;
            for (index, pair) in (0_u32..).zip(&pairs) {
                let delivery = key.as_ref().map(|key| [&key[..], &index.to_be_bytes()].concat());
                transaction.execute(
                    "INSERT INTO ended VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                    (
                        delivery,
                        pair.from_account.as_str(),
                        pair.to_account.as_str(),
                        std::process::id(),
                    ),
                )?;
            }
            transaction.commit()
        })
        .await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let database = Database::open(&setting("DATABASE", "callbacks.db")?)?;
    let handlers = EventRouter::with_state(database.clone())
        .moderate(move |shown| judge(database.clone(), shown))
        .on(friends_gone);
    let verdicts = ServiceBuilder::new()
        .timeout(Duration::from_millis(1500))
        .load_shed()
        .concurrency_limit(64)
        .service(handlers.clone());
    // Answered after the row is written: everything answered `OK` is in the table.
    let notifications =
        ServiceBuilder::new().timeout(Duration::from_millis(1500)).service(handlers);
    let layer = CallbackLayer::new(app()?).on_before_error(OnError::reject("try again later"));
    let service = ServiceBuilder::new().layer(layer).service(Split::new(verdicts, notifications));

    let listener = TcpListener::bind(setting("ADDR", "127.0.0.1:3000")?).await?;
    println!("listening on {}", listener.local_addr()?);
    let router = Router::new().route_service("/callback", service);
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    Ok(axum::serve(listener, router).with_graceful_shutdown(stop).await?)
}
