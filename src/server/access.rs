//! Where is listened, and who may ask.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// An address of this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Listen {
    /// A loopback address and a port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('/') {
            return Ok(Listen::Unix(text.strip_prefix("unix:").unwrap_or(text).into()));
        }
        let text =
            text.strip_prefix("localhost:").map_or(text.to_owned(), |port| format!("127.0.0.1:{port}"));
        let address: SocketAddr = text
            .parse()
            .map_err(|_| "write 127.0.0.1:PORT, or the path of a Unix socket with a / in it".to_owned())?;
        match address.ip().is_loopback() {
            true => Ok(Listen::Tcp(address)),
            false => {
                Err(format!("{} is not an address of this machine alone: write 127.0.0.1", address.ip()))
            }
        }
    }
}

impl std::fmt::Display for Listen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Listen::Tcp(address) => write!(f, "http://{address}/"),
            Listen::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Who may ask.
#[derive(Clone, Debug)]
pub struct Access {
    /// The port, where there is one.
    port: Option<u16>,
    /// The hash of the token, where one is required.
    token: Option<blake3::Hash>,
}

impl Access {
    /// Whoever reaches the address and has the token, if there is one.
    pub fn new(listen: &Listen, token: Option<&str>) -> Self {
        let port = match listen {
            Listen::Tcp(address) => Some(address.port()),
            Listen::Unix(_) => None,
        };
        Self { port, token: token.map(|token| blake3::hash(token.as_bytes())) }
    }

    /// The same, at the port that the system chose.
    pub fn at_port(self, port: u16) -> Self {
        Self { port: self.port.map(|_| port), ..self }
    }

    /// Whether a Host header, or the host of an Origin, names this machine and port.
    pub fn is_own_host(&self, host: &str) -> bool {
        let Some(own) = self.port else { return true };
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
            _ => (host, Some(80)),
        };
        let is_loopback = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok_and(|ip| ip.is_loopback()),
            None => {
                name.eq_ignore_ascii_case("localhost")
                    || name.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
            }
        };
        is_loopback && port == Some(own)
    }

    /// Whether an Authorization header has the token. Hashes are compared in constant time.
    pub fn has_token(&self, authorization: Option<&str>) -> bool {
        let Some(wanted) = self.token else { return true };
        authorization
            .and_then(|header| header.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .is_some_and(|(_, token)| blake3::hash(token.as_bytes()) == wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine() {
        let check = |text: &str, expect: Result<&str, &str>| {
            let found = text.parse::<Listen>().map(|listen| listen.to_string());
            match expect {
                Ok(expect) => assert_eq!(found.as_deref(), Ok(expect)),
                Err(part) => {
                    assert!(found.as_ref().is_err_and(|error| error.contains(part)), "{text}: {found:?}")
                }
            }
        };
        check("127.0.0.1:80", Ok("http://127.0.0.1:80/"));
        check("localhost:0", Ok("http://127.0.0.1:0/"));
        check("[::1]:8080", Ok("http://[::1]:8080/"));
        check("/run/x.sock", Ok("unix:/run/x.sock"));
        check("unix:./x.sock", Ok("unix:./x.sock"));
        check("0.0.0.0:80", Err("not an address of this machine"));
        check("192.168.1.1:80", Err("not an address of this machine"));
        check("8080", Err("write 127.0.0.1:PORT"));
    }

    #[test]
    fn other_hosts_are_told_apart() {
        let access = Access::new(&"127.0.0.1:8080".parse().unwrap(), None);
        let check = |host: &str, expect: bool| assert_eq!(access.is_own_host(host), expect, "{host}");
        check("127.0.0.1:8080", true);
        check("localhost:8080", true);
        check("LocalHost:8080", true);
        check("[::1]:8080", true);
        check("127.0.0.1", false);
        check("127.0.0.1:8081", false);
        check("evil.example:8080", false);
        check("127.0.0.1.evil.example:8080", false);
        check("", false);
    }

    #[test]
    fn the_token_is_asked_for() {
        let listen = "127.0.0.1:1".parse().unwrap();
        let access = Access::new(&listen, Some("secret"));
        assert!(access.has_token(Some("Bearer secret")));
        assert!(access.has_token(Some("bearer secret")));
        for wrong in [None, Some("secret"), Some("Bearer "), Some("Bearer secrets")] {
            assert!(!access.has_token(wrong), "{wrong:?}");
        }
        assert!(Access::new(&listen, None).has_token(None));
    }
}
