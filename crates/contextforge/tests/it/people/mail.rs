//! A mail server that keeps what it is sent.

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

/// The running server.
pub(crate) struct MailServer {
    pub(crate) port: String,
    messages: mpsc::UnboundedReceiver<String>,
}

impl MailServer {
    pub(crate) async fn start() -> Self {
        Self::on(TcpListener::bind(("127.0.0.1", 0)).await.unwrap())
    }

    /// On a socket that was bound before.
    pub(crate) fn on(listener: TcpListener) -> Self {
        let port = listener.local_addr().unwrap().port().to_string();
        let (keep, messages) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, keep.clone()));
            }
        });
        Self { port, messages }
    }

    /// What the gateway has to be told to send mail here.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        settings_at(&self.port)
    }

    /// The same before anybody serves the socket.
    pub(crate) fn settings_of(listener: &TcpListener) -> Vec<(&'static str, String)> {
        settings_at(&listener.local_addr().unwrap().port().to_string())
    }

    /// The next message, with soft line ends undone.
    pub(crate) async fn next(&mut self) -> String {
        let waiting = tokio::time::timeout(std::time::Duration::from_secs(30), self.messages.recv());
        waiting.await.expect("a message in time").unwrap().replace("=\r\n", "").replace("=3D", "=")
    }

    /// Whether nothing came so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}

fn settings_at(port: &str) -> Vec<(&'static str, String)> {
    let settings = [
        ("SMTP_ENABLED", "true"),
        ("SMTP_HOST", "127.0.0.1"),
        ("SMTP_PORT", port),
        ("SMTP_USE_TLS", "false"),
        ("SMTP_FROM_EMAIL", "gateway@example.com"),
        ("APP_DOMAIN", "https://gw.example.com"),
    ];
    settings.map(|(name, value)| (name, value.to_owned())).to_vec()
}

async fn converse(stream: TcpStream, keep: mpsc::UnboundedSender<String>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 test\r\n").await.unwrap();
    let mut message: Option<String> = None;
    while let Ok(Some(line)) = lines.next_line().await {
        let answer: &[u8] = match &mut message {
            Some(text) if line == "." => {
                drop(keep.send(std::mem::take(text)));
                message = None;
                b"250 ok\r\n"
            }
            Some(text) => {
                text.push_str(&line);
                text.push_str("\r\n");
                continue;
            }
            None if line.starts_with("DATA") => {
                message = Some(String::new());
                b"354 go on\r\n"
            }
            None if line.starts_with("QUIT") => b"221 bye\r\n",
            None => b"250 ok\r\n",
        };
        if write.write_all(answer).await.is_err() {
            return;
        }
    }
}
