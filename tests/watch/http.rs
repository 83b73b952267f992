//! What other programs see.

use super::*;
use std::io::Write;
use std::net::TcpStream;

/// A daemon that listens at a port that the system chose.
fn listening(arguments: &[&str]) -> (Watched, String) {
    let mut watched = Watched::new(&[&["--listen", "127.0.0.1:0"], arguments].concat());
    watched.write("specs/a.json", &times("a", 2));
    watched.write("secret", "s3cret\n");
    watched.start();
    watched.settled();
    let log = watched.log();
    let at = log.find("http://").unwrap_or_else(|| panic!("no address: {log}"));
    let address = log[at + 7..].split('/').next().unwrap().to_owned();
    (watched, address)
}

/// Sends bytes, gives what came back until the connection ended or was quiet.
fn raw(address: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("connect");
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(address: &str, path: &str, headers: &str) -> String {
    raw(
        address,
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n").as_bytes(),
    )
}

fn post(address: &str, path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    raw(
        address,
        format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        )
        .as_bytes(),
    )
}

const JSON: &str = "Content-Type: application/json\r\n";

#[track_caller]
fn check(answer: &str, status: u16, part: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(part), "{answer}");
}

#[test]
fn programs_ask_and_are_answered() {
    let (watched, address) = listening(&[]);
    check(&get(&address, "/healthz", ""), 200, "ok");
    check(&get(&address, "/readyz", ""), 200, "ready");
    check(&get(&address, "/", ""), 200, "<td class=good>verified<td>a<td>specs/a.json:1");
    check(&get(&address, "/style.css", ""), 200, "font");
    check(&get(&address, "/status", ""), 200, r#""phase":"idle""#);
    let metrics = get(&address, "/metrics", "");
    check(&metrics, 200, "wordmill_specs{status=\"verified\"} 1");
    assert!(metrics.lines().skip_while(|line| !line.trim().is_empty()).skip(1).all(|line| {
        line.starts_with("# HELP wordmill_")
            || line.starts_with("# TYPE wordmill_")
            || line.starts_with("wordmill_")
    }));
    // The same JSON as the commands write.
    for (path, body, arguments) in [
        ("/verify", r#"{"code":"dup *","effect":"( n -- n*n )"}"#, &["verify", "dup *", "( n -- n*n )"][..]),
        ("/verify", r#"{"code":"swap","effect":"( a b -- a b )"}"#, &["verify", "swap", "( a b -- a b )"]),
        (
            "/verify",
            r#"{"code":"a a","effect":"( n -- r )"}"#,
            &["verify", "a a", "( n -- r )", "--corpus", "specs"],
        ),
    ] {
        let told = watched.wordmill(&[arguments, &["--message-format", "json"]].concat());
        let told = String::from_utf8(told.stdout).unwrap();
        check(&post(&address, path, JSON, body), 200, told.trim_end());
    }
    let told = watched.wordmill(&["infer", "dup *", "--message-format", "json"]);
    let told = String::from_utf8(told.stdout).unwrap();
    check(&post(&address, "/infer", JSON, r#"{"code":"dup *"}"#), 200, told.trim_end());
    // A judge of the same specifications; what loops for ever costs its own verdict.
    let body = r#"[{"word":"a","code":"2 *"},{"word":"a","code":"begin again"},{"word":"b","code":"1"}]"#;
    let candidates: String = body[1..body.len() - 1].replace("},{", "}\n{");
    watched.write("candidates.jsonl", &candidates);
    let told = watched.wordmill(&["judge", "specs", "--candidates", "candidates.jsonl"]);
    let told = String::from_utf8(told.stdout).unwrap();
    assert_eq!(told.lines().count(), 3, "{told}");
    let told = format!("[{}]", told.trim_end().replace('\n', ","));
    check(&post(&address, "/judge", JSON, body), 200, &told);
    let square = spec("square", [1, 9, 16], "", "");
    check(
        &post(&address, "/synthesize", JSON, &square),
        200,
        r#""status":"verified","code":": square ( n -- r ) dup * ;""#,
    );
    check(&post(&address, "/synthesize", JSON, &format!("[{square},{square}]")), 200, r#"[{"word":"square""#);
}

#[test]
fn what_should_not_ask_is_refused() {
    let (watched, address) = listening(&[]);
    let request = |host: &str| {
        raw(&address, format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())
    };
    check(&request("evil.example"), 421, "another host");
    check(&request(&format!("evil.example:{}", address.rsplit_once(':').unwrap().1)), 421, "another host");
    check(&get(&address, "/", "Origin: http://evil.example\r\n"), 403, "another origin");
    check(&get(&address, "/nothing", ""), 404, "/synthesize");
    check(&get(&address, "/../../etc/passwd", ""), 404, "/synthesize");
    check(&get(&address, "/verify", ""), 405, "POST");
    check(&post(&address, "/", JSON, "{}"), 405, "GET");
    check(&post(&address, "/verify", "", "{}"), 415, "application/json");
    check(&post(&address, "/verify", JSON, "nonsense"), 422, "not JSON");
    check(&post(&address, "/verify", JSON, "{}"), 422, "`code`");
    check(
        &raw(
            &address,
            format!("GET /status HTTP/1.1\r\nHost: {address}\r\nHost: evil.example\r\n\r\n").as_bytes(),
        ),
        400,
        "Host",
    );
    let named = format!("GET http://evil.example/ HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    check(&raw(&address, named.as_bytes()), 421, "another host");
    let head =
        raw(&address, format!("HEAD / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes());
    check(&head, 200, "text/html");
    assert!(head.trim_end().ends_with("close") || !head.contains("<h1>"), "{head}");
    let endless =
        format!("POST /verify HTTP/1.1\r\nHost: {address}\r\n{JSON}Content-Length: 99999999999\r\n\r\n");
    let began = Instant::now();
    check(&raw(&address, endless.as_bytes()), 413, "1 MiB");
    assert!(began.elapsed() < Duration::from_secs(8));
    // More than is taken: said at once where the length is told, and at the limit where it is not.
    let long = format!("POST /verify HTTP/1.1\r\nHost: {address}\r\n{JSON}Content-Length: 2000000\r\n\r\n");
    let long = [long.into_bytes(), vec![b' '; 2_000_000]].concat();
    check(&raw(&address, &long), 413, "1 MiB");
    check(&get(&address, "/", &format!("X-Long: {}\r\n", "y".repeat(1_000_000))), 431, "");
    let (_other, locked) = listening(&["--token-file", "secret"]);
    check(&get(&locked, "/", ""), 401, "token");
    check(&get(&locked, "/", "Authorization: Bearer wrong\r\n"), 401, "token");
    check(&get(&locked, "/", "Authorization: Bearer s3cret\r\n"), 200, "wordmill");
    check(&get(&locked, "/healthz", ""), 200, "ok");
    for address in ["0.0.0.0:0", "192.0.2.1:80", "80"] {
        let refused = watched.wordmill(&["watch", "specs", "--out", "other", "--listen", address]);
        assert_eq!(refused.status.code(), Some(2), "{address}");
    }
}

#[test]
fn a_unix_socket_serves_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let watched = Watched::started(&["--listen", "./http.sock"], &[("specs/a.json", times("a", 2))]);
    let path = watched.path("http.sock");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut stream = std::os::unix::net::UnixStream::connect(&path).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: whatever\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    check(&answer, 200, "ok");
    // What is no socket is nobody's to take away.
    watched.write("notes.txt", "precious");
    std::os::unix::fs::symlink("notes.txt", watched.path("link")).unwrap();
    for there in ["./notes.txt", "./link"] {
        let refused = watched.wordmill(&["watch", "specs", "--out", "other", "--listen", there]);
        assert_eq!(refused.status.code(), Some(2), "{there}");
        assert_eq!(std::fs::read_to_string(watched.path(there)).unwrap(), "precious");
    }
}

#[test]
fn slow_clients_and_floods_delay_no_verdict() {
    let (watched, address) = listening(&[]);
    watched.told();
    // Clients that send half a request and wait, as many as are taken, and more.
    let half = format!("POST /verify HTTP/1.1\r\nHost: {address}\r\n{JSON}Content-Length: 100\r\n\r\n{{");
    let slow: Vec<TcpStream> = (0..300)
        .filter_map(|_| {
            let mut stream = TcpStream::connect(&address).ok()?;
            stream.write_all(half.as_bytes()).ok()?;
            Some(stream)
        })
        .collect();
    assert!(slow.len() > 200);
    for n in 3..8 {
        let began = Instant::now();
        watched.write("specs/a.json", &times("a", n));
        while watched.verdict("a")["code"] != format!(": a ( n -- r ) {n} * ;") {}
        println!("verdict after {:?}", began.elapsed());
    }
    drop(slow);
    check(&get(&address, "/healthz", ""), 200, "ok");
}
