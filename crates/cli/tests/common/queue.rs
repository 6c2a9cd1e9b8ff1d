//! A queue to look after.

use std::time::Duration;

use tencent_im_callback::event::sns::FriendDelete;
use tencent_im_callback::{Callback, HandlerError, Reply, testing};
use tencent_im_callback_queue::Queue;
use tower::{Layer, Service, ServiceExt, service_fn};

/// Two dead letters, and one callback that waits.
pub async fn fill(queue: Queue) {
    let inline = service_fn(async |_: Callback| Ok::<_, HandlerError>(Reply::ok()));
    let mut enqueue = queue.layer().layer(inline);
    let mut add = async move || {
        let callback = testing::event::<FriendDelete>(|_| ()).erase();
        drop(enqueue.ready().await.unwrap().call(callback).await.unwrap());
    };
    add().await;
    add().await;
    let handler = service_fn(async |_: Callback| {
        Err::<Reply, _>(HandlerError::permanent("no\u{1b}[31m such friend"))
    });
    let buried = async {
        while queue.stats().await.unwrap().dead < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    queue.worker(handler).run(buried).await.unwrap();
    add().await;
    queue.close().await.unwrap();
}
