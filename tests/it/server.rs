//! `autoexec serve` on a port of its own, and a visitor.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::sandbox::Sandbox;

/// The name and the value of a header.
pub(crate) type Header<'a> = (&'a str, &'a str);

/// A server of a sandbox, ended when it goes out of scope.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) address: String,
    pub(crate) token: String,
}

impl Server {
    pub(crate) fn of(sandbox: &Sandbox) -> Self {
        let mut child = sandbox
            .command()
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim()
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned();
        let token = std::fs::read_to_string(sandbox.home().join(".config/autoexec/token")).unwrap();
        Self {
            child,
            address,
            token: token.trim().to_owned(),
        }
    }

    /// Sends a request as it is and gives status and body.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[Header<'_>]) -> (u16, String) {
        let (status, _, body) = self.visit(method, path, headers);
        (status, body)
    }

    /// The same with the head of the answer.
    pub(crate) fn visit(
        &self,
        method: &str,
        path: &str,
        headers: &[Header<'_>],
    ) -> (u16, String, String) {
        let mut request = Vec::new();
        write!(request, "{method} {path} HTTP/1.1\r\nConnection: close\r\n").unwrap();
        for (name, value) in headers {
            write!(request, "{name}: {value}\r\n").unwrap();
        }
        request.extend_from_slice(b"\r\n");
        // At once: the server does not wait for the rest of a head for long.
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(&request).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        for header in [
            "content-security-policy: default-src 'none'",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
        ] {
            assert!(head.contains(header), "{header} in {head}");
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_owned(), body.to_owned())
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, &[("Host", &self.address)]);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    pub(crate) fn refused(&self, path: &str) -> (u16, String) {
        let (status, body) = self.ask("GET", path, &[("Host", &self.address)]);
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["schema"], "autoexec.error/1");
        (status, body["error"]["code"].as_str().unwrap().to_owned())
    }
}

impl Server {
    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
