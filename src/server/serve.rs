//! The listener, the routes and the limits.

use super::access::{Access, Listen};
use super::page::{STYLE, metrics, page};
use super::{Answers, Misunderstood, Question};
use crate::daemon::{Board, Phase};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Longest body.
const BODY_BYTES_MAX: usize = 1 << 20;

/// A body up to this size is answered on the spot; a longer one by a thread of its own.
const QUICK_BYTES_MAX: usize = 8 << 10;

/// A body must be there after so long.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// The head of the next request must be there after so long, else the connection ends.
const HEAD_TIME_MAX: Duration = Duration::from_secs(30);

/// An answer must be there after so long.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// Connections at the same time; more wait in the queue of the system.
const CONNECTIONS_MAX: usize = 256;

/// Long answers that are worked on at the same time.
const SLOW_MAX: usize = 1;

/// Long questions that may wait or be worked on.
const SLOW_WAITING_MAX: usize = 32;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be had.
    #[error("cannot listen at {listen}")]
    Listen {
        /// The address.
        listen: String,
        /// Why.
        source: std::io::Error,
    },
    /// No thread or no event loop.
    #[error("cannot start the server")]
    Start(#[source] std::io::Error),
}

/// A server on a thread of its own, for as long as it lives.
pub struct Server {
    address: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    socket: Option<PathBuf>,
}

struct Shared {
    access: Access,
    board: Arc<Board>,
    answers: Arc<dyn Answers>,
    slow: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

enum Listener {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

impl Server {
    /// Listens. A Unix socket is for this user alone.
    pub fn start(
        listen: &Listen,
        token: Option<&str>,
        board: Arc<Board>,
        answers: Arc<dyn Answers>,
    ) -> Result<Self, ServerError> {
        let refused = |source| ServerError::Listen { listen: listen.to_string(), source };
        let mut access = Access::new(listen, token);
        let (listener, address, socket) = match listen {
            Listen::Tcp(address) => {
                let listener = std::net::TcpListener::bind(address).map_err(refused)?;
                listener.set_nonblocking(true).map_err(refused)?;
                let address = listener.local_addr().map_err(refused)?;
                access = access.at_port(address.port());
                (Listener::Tcp(listener), Listen::Tcp(address).to_string(), None)
            }
            Listen::Unix(path) => {
                use std::os::unix::fs::PermissionsExt;
                // One that a killed process left: nobody answers there. Nothing else is taken away.
                use std::os::unix::fs::FileTypeExt;
                let is_socket = std::fs::symlink_metadata(path).is_ok_and(|at| at.file_type().is_socket());
                if is_socket
                    && std::os::unix::net::UnixStream::connect(path)
                        .is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
                {
                    let _ = std::fs::remove_file(path);
                }
                let listener = std::os::unix::net::UnixListener::bind(path).map_err(refused)?;
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(refused)?;
                listener.set_nonblocking(true).map_err(refused)?;
                (Listener::Unix(listener), listen.to_string(), Some(path.clone()))
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(SLOW_MAX + 1)
            .build()
            .map_err(ServerError::Start)?;
        let shared = Arc::new(Shared {
            access,
            board,
            answers,
            slow: Arc::new(Semaphore::new(SLOW_MAX)),
            waiting: Arc::new(Semaphore::new(SLOW_WAITING_MAX)),
        });
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            runtime.block_on(async move {
                let accepting = tokio::spawn(accept(listener, shared));
                // Also when the sender is dropped.
                let _ = stopped.await;
                accepting.abort();
            });
            // A thread that still works on a long answer is not waited for.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("http".to_owned()).spawn(serve);
        let thread = Some(thread.map_err(ServerError::Start)?);
        Ok(Self { address, stop: Some(stop), thread, socket })
    }

    /// Where it listens, with the port that the system chose.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if let Some(socket) = &self.socket {
            let _ = std::fs::remove_file(socket);
        }
    }
}

async fn accept(listener: Listener, shared: Arc<Shared>) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    match listener {
        Listener::Tcp(listener) => {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            loop {
                let Ok(permit) = Arc::clone(&connections).acquire_owned().await else { return };
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let _ = stream.set_nodelay(true);
                        serve(stream, Arc::clone(&shared), permit);
                    }
                    Err(error) => pause(error).await,
                }
            }
        }
        Listener::Unix(listener) => {
            let Ok(listener) = tokio::net::UnixListener::from_std(listener) else { return };
            loop {
                let Ok(permit) = Arc::clone(&connections).acquire_owned().await else { return };
                match listener.accept().await {
                    Ok((stream, _)) => serve(stream, Arc::clone(&shared), permit),
                    Err(error) => pause(error).await,
                }
            }
        }
    }
}

/// Out of file descriptors, for example: it passes.
async fn pause(error: std::io::Error) {
    tracing::debug!(%error, "a connection was not accepted");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

fn serve<S>(stream: S, shared: Arc<Shared>, permit: OwnedSemaphorePermit)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        let service = service_fn(|request| {
            let shared = Arc::clone(&shared);
            async move { Ok::<_, Infallible>(shared.respond(request).await) }
        });
        let served = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME_MAX)
            .max_buf_size(64 << 10)
            .serve_connection(TokioIo::new(stream), service)
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "a connection ended");
        }
        drop(permit);
    });
}

type Answer = Response<Full<Bytes>>;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

fn answer(status: StatusCode, kind: &'static str, text: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'self'; frame-ancestors 'none'"),
    );
    response
}

/// A refusal; the connection ends, for its body may be unread.
fn refuse(status: StatusCode, why: &str) -> Answer {
    let mut response = answer(status, JSON, serde_json::json!({ "error": why }).to_string());
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

impl Shared {
    async fn respond(&self, request: Request<Incoming>) -> Answer {
        if let Err(refusal) = self.admit(&request) {
            return *refusal;
        }
        let path = request.uri().path().to_owned();
        // The answer to HEAD is that to GET, of which only the head is sent.
        let method = match request.method() {
            &Method::HEAD => Method::GET,
            method => method.clone(),
        };
        match (method, path.as_str()) {
            (Method::GET, "/") => {
                answer(StatusCode::OK, "text/html; charset=utf-8", page(&self.board.read()))
            }
            (Method::GET, "/style.css") => answer(StatusCode::OK, "text/css", STYLE),
            (Method::GET, "/healthz") => answer(StatusCode::OK, TEXT, "ok\n"),
            (Method::GET, "/readyz") => match self.board.with(|status| status.phase) {
                Phase::Starting | Phase::Stopping => {
                    answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, self.board.with(|status| status.sentence()))
                }
                _ => answer(StatusCode::OK, TEXT, "ready\n"),
            },
            (Method::GET, "/metrics") => {
                answer(StatusCode::OK, "text/plain; version=0.0.4", metrics(&self.board.read()))
            }
            (Method::GET, "/status") => {
                let text = serde_json::to_string(&self.board.read()).expect("a status can be written");
                answer(StatusCode::OK, JSON, text)
            }
            (Method::POST, path) if Question::of_path(path).is_some() => {
                let question = Question::of_path(path).expect("just seen");
                self.ask(question, request).await
            }
            (_, "/" | "/style.css" | "/healthz" | "/readyz" | "/metrics" | "/status") => {
                refuse(StatusCode::METHOD_NOT_ALLOWED, "GET this path")
            }
            (_, path) if Question::of_path(path).is_some() => {
                refuse(StatusCode::METHOD_NOT_ALLOWED, "POST to this path")
            }
            _ => refuse(
                StatusCode::NOT_FOUND,
                "there are /, /healthz, /readyz, /metrics, /status, /infer, /verify, /judge and /synthesize",
            ),
        }
    }

    /// Who asks, from where.
    fn admit(&self, request: &Request<Incoming>) -> Result<(), Box<Answer>> {
        let text = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
        if request.headers().get_all(header::HOST).iter().count() > 1 {
            return Err(refuse(StatusCode::BAD_REQUEST, "more than one Host header").into());
        }
        // What the request line names counts before the header.
        let named = request.uri().authority().map(|authority| authority.as_str());
        let hosts = named.into_iter().chain(text(header::HOST));
        let mut hosts = hosts.chain((named.is_none() && text(header::HOST).is_none()).then_some(""));
        if !hosts.all(|host| self.access.is_own_host(host)) {
            return Err(refuse(StatusCode::MISDIRECTED_REQUEST, "the Host header names another host").into());
        }
        let is_own_origin =
            |origin: &str| origin.strip_prefix("http://").is_some_and(|host| self.access.is_own_host(host));
        if text(header::ORIGIN).is_some_and(|origin| !is_own_origin(origin)) {
            return Err(
                refuse(StatusCode::FORBIDDEN, "the request comes from a page of another origin").into()
            );
        }
        let is_open = matches!(request.uri().path(), "/healthz" | "/readyz");
        if !is_open && !self.access.has_token(text(header::AUTHORIZATION)) {
            let mut refusal = refuse(StatusCode::UNAUTHORIZED, "send the token: Authorization: Bearer TOKEN");
            refusal.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            return Err(refusal.into());
        }
        Ok(())
    }

    async fn ask(&self, question: Question, request: Request<Incoming>) -> Answer {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        // A page of another origin cannot send this without asking first.
        if kind.is_none_or(|kind| !kind.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(JSON)) {
            return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send Content-Type: application/json");
        }
        if hyper::body::Body::size_hint(request.body()).lower() > BODY_BYTES_MAX as u64 {
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, "a body has at most 1 MiB");
        }
        let reading = Limited::new(request.into_body(), BODY_BYTES_MAX).collect();
        let body = match tokio::time::timeout(BODY_TIME_MAX, reading).await {
            Err(_) => return refuse(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                return refuse(StatusCode::PAYLOAD_TOO_LARGE, "a body has at most 1 MiB");
            }
            Ok(Err(_)) => return refuse(StatusCode::BAD_REQUEST, "the body did not come to its end"),
            Ok(Ok(body)) => body.to_bytes(),
        };
        if !question.is_slow() && body.len() <= QUICK_BYTES_MAX {
            return told(self.answers.answer(question, &body, &AtomicBool::new(false)));
        }
        let Ok(_waiting) = self.waiting.try_acquire() else {
            return refuse(StatusCode::SERVICE_UNAVAILABLE, "too many long questions wait; ask again later");
        };
        self.ask_slowly(question, body).await
    }

    async fn ask_slowly(&self, question: Question, body: Bytes) -> Answer {
        let stop = Arc::new(AtomicBool::new(false));
        let (slow, answers) = (Arc::clone(&self.slow), Arc::clone(&self.answers));
        let told_to_stop = Arc::clone(&stop);
        let work = async move {
            let permit = slow.acquire_owned().await;
            tokio::task::spawn_blocking(move || {
                let _permit = permit;
                told(answers.answer(question, &body, &told_to_stop))
            })
            .await
            .unwrap_or_else(|_| refuse(StatusCode::INTERNAL_SERVER_ERROR, "wordmill failed on this question"))
        };
        // Also when the client goes away: then nobody wants the answer.
        let _stop = StopOnDrop(stop);
        tokio::time::timeout(ANSWER_TIME_MAX, work)
            .await
            .unwrap_or_else(|_| refuse(StatusCode::GATEWAY_TIMEOUT, "no answer within 30 s"))
    }
}

struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn told(answered: Result<String, Misunderstood>) -> Answer {
    match answered {
        Ok(text) => answer(StatusCode::OK, JSON, text),
        Err(Misunderstood(why)) => refuse(StatusCode::UNPROCESSABLE_ENTITY, &why),
    }
}
