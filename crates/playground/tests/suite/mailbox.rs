//! The mailbox, fed by hand and by a mail library.

use std::{future::pending, net::SocketAddr};

use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, message::MultiPart};
use orgate_playground::serve_mailbox;
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

struct Mailbox {
    smtp: SocketAddr,
    http: SocketAddr,
}

impl Mailbox {
    async fn start() -> Self {
        Self::start_until(pending()).await.0
    }

    async fn start_until(
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> (Self, tokio::task::JoinHandle<std::io::Result<()>>) {
        let smtp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mailbox = Self { smtp: smtp.local_addr().unwrap(), http: http.local_addr().unwrap() };
        (mailbox, tokio::spawn(serve_mailbox(smtp, http, shutdown)))
    }

    async fn get(&self, path: &str) -> Response {
        let client = Client::builder().no_proxy().build().unwrap();
        client.get(format!("http://{}{path}", self.http)).send().await.unwrap()
    }

    async fn mails(&self) -> Vec<Value> {
        self.get("/mails.json").await.json().await.unwrap()
    }

    async fn connect(&self) -> Conversation {
        let mut conversation = Conversation(BufStream::new(TcpStream::connect(self.smtp).await.unwrap()));
        assert!(conversation.hear().await.starts_with("220 "));
        conversation
    }

    fn transport(&self) -> AsyncSmtpTransport<Tokio1Executor> {
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1").port(self.smtp.port()).build()
    }
}

/// The client's side of SMTP.
struct Conversation(BufStream<TcpStream>);

impl Conversation {
    /// Sends the bytes and returns the last line of the reply.
    async fn say(&mut self, bytes: impl AsRef<[u8]>) -> String {
        self.0.write_all(bytes.as_ref()).await.unwrap();
        self.0.flush().await.unwrap();
        self.hear().await
    }

    async fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }

    /// Each line said must be answered with its code.
    async fn follow(&mut self, script: &[(&str, &str)]) {
        for (line, code) in script {
            let reply = self.say(line).await;
            assert!(reply.starts_with(code), "{line:?} was answered {reply:?}");
        }
    }

    async fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0]).await, Ok(0) | Err(_))
    }
}

#[tokio::test]
async fn a_mail_is_taken_by_the_book() {
    let mailbox = Mailbox::start().await;
    let mut client = mailbox.connect().await;

    client
        .follow(&[
            ("EHLO client.test\r\n", "250 SIZE 1048576"),
            ("MAIL FROM:<orgate@orgate.test> SIZE=100 BODY=8BITMIME\r\n", "250"),
            ("RCPT TO:<ann@acme.test>\r\n", "250"),
            ("RCPT TO:<bob@acme.test>\r\n", "250"),
            ("DATA\r\n", "354"),
            ("Subject: Hi\r\n\r\nOne\r\n..two\r\n.\r\n", "250"),
            ("NOOP\r\n", "250"),
            ("QUIT\r\n", "221"),
        ])
        .await;

    assert!(client.is_closed().await);
    let mails = mailbox.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0]["to"], serde_json::json!(["ann@acme.test", "bob@acme.test"]));
    assert_eq!((&mails[0]["subject"], &mails[0]["from"]), (&"Hi".into(), &"orgate@orgate.test".into()));
    assert_eq!(mails[0]["text"], "One\n.two\n");
}

#[tokio::test]
async fn commands_out_of_order_are_refused() {
    let mailbox = Mailbox::start().await;
    let mut client = mailbox.connect().await;

    client
        .follow(&[
            ("MAIL FROM:<a@x.test>\r\n", "503"),
            ("HELO client.test\r\n", "250"),
            ("RCPT TO:<ann@acme.test>\r\n", "503"),
            ("DATA\r\n", "503"),
            ("MAIL FROM:<a@x.test>\r\n", "250"),
            ("MAIL FROM:<b@x.test>\r\n", "503"),
            ("DATA\r\n", "554"),
            ("MAIL FROM:<a@x.test>\r\n", "250"),
            ("RCPT TO:<ann@acme.test>\r\n", "250"),
            ("RSET\r\n", "250"),
            ("DATA\r\n", "503"),
            ("VRFY ann\r\n", "252"),
        ])
        .await;

    assert!(mailbox.mails().await.is_empty());
}

#[tokio::test]
async fn several_mails_go_through_one_connection_and_pipelined() {
    let mailbox = Mailbox::start().await;
    let mut client = mailbox.connect().await;
    client.say("EHLO client.test\r\n").await;

    for number in 1..=3 {
        let reply = client.say("MAIL FROM:<>\r\nRCPT TO:<ann@acme.test>\r\nDATA\r\n").await;
        assert!(reply.starts_with("250"));
        assert!(client.hear().await.starts_with("250"));
        assert!(client.hear().await.starts_with("354"));
        assert!(client.say(format!("Subject: {number}\r\n\r\n.\r\n")).await.starts_with("250"));
    }

    let subjects: Vec<_> = mailbox.mails().await.iter().map(|mail| mail["subject"].clone()).collect();
    assert_eq!(subjects, ["3", "2", "1"], "newest first");
}

#[tokio::test]
async fn a_mail_that_is_too_large_is_refused_and_the_next_is_taken() {
    let mailbox = Mailbox::start().await;
    let mut client = mailbox.connect().await;
    let envelope =
        [("MAIL FROM:<a@x.test>\r\n", "250"), ("RCPT TO:<ann@acme.test>\r\n", "250"), ("DATA\r\n", "354")];
    client.follow(&[("EHLO client.test\r\n", "250"), ("MAIL FROM:<a@x.test> SIZE=2000000\r\n", "552")]).await;

    client.follow(&envelope).await;
    let reply = client.say(format!("{}\r\n.\r\n", "x".repeat(1024 * 1024))).await;

    assert!(reply.starts_with("552"), "{reply}");
    assert!(mailbox.mails().await.is_empty());
    client.follow(&envelope).await;
    assert!(client.say("Subject: small\r\n\r\n.\r\n").await.starts_with("250"));
    assert_eq!(mailbox.mails().await.len(), 1);
}

#[tokio::test]
async fn too_many_recipients_are_refused() {
    let mailbox = Mailbox::start().await;
    let mut client = mailbox.connect().await;
    client.follow(&[("EHLO client.test\r\n", "250"), ("MAIL FROM:<a@x.test>\r\n", "250")]).await;

    for number in 0..100 {
        assert!(client.say(format!("RCPT TO:<u{number}@acme.test>\r\n")).await.starts_with("250"));
    }

    assert!(client.say("RCPT TO:<u100@acme.test>\r\n").await.starts_with("452"));
}

#[tokio::test]
async fn who_does_not_speak_smtp_is_hung_up_on() {
    let mailbox = Mailbox::start().await;

    let mut browser = mailbox.connect().await;
    browser.0.write_all("GET / HTTP/1.1\r\n".repeat(20).as_bytes()).await.unwrap();
    browser.0.flush().await.unwrap();
    for _ in 0..10 {
        assert!(browser.hear().await.starts_with("500"));
    }
    assert!(browser.hear().await.starts_with("421"));
    assert!(browser.is_closed().await);

    for line in ["NOOP\n".to_owned(), format!("NOOP {}\r\n", "x".repeat(2000))] {
        let mut client = mailbox.connect().await;
        assert!(client.say(line).await.starts_with("500"));
        assert!(client.is_closed().await, "what is left of the line is no command");
    }
}

#[tokio::test]
async fn a_mail_cut_off_is_not_kept() {
    let mailbox = Mailbox::start().await;
    let mut client = mailbox.connect().await;
    client
        .follow(&[
            ("EHLO client.test\r\n", "250"),
            ("MAIL FROM:<a@x.test>\r\n", "250"),
            ("RCPT TO:<ann@acme.test>\r\n", "250"),
            ("DATA\r\n", "354"),
        ])
        .await;

    client.0.write_all(b"Subject: half\r\n\r\n").await.unwrap();
    client.0.shutdown().await.unwrap();

    assert!(client.is_closed().await);
    assert!(mailbox.mails().await.is_empty());
}

#[tokio::test]
async fn a_mail_librarys_mail_is_shown() {
    let mailbox = Mailbox::start().await;
    let mail = Message::builder()
        .from("Orgate <no-reply@orgate.test>".parse().unwrap())
        .to("Änn <ann@acme.test>".parse().unwrap())
        .subject("Where to sign in: <Notes> é")
        .multipart(MultiPart::alternative_plain_html(
            "Go to http://localhost:8080/d?code=a&org=acme.\n\n.\n<script>alert(1)</script>".to_owned(),
            "<p style=\"color:red\">Go</p><script>alert(1)</script>".to_owned(),
        ))
        .unwrap();

    mailbox.transport().send(mail).await.unwrap();

    let mails = mailbox.mails().await;
    assert_eq!(mails[0]["subject"], "Where to sign in: <Notes> é");
    assert_eq!(mails[0]["from"], "Orgate <no-reply@orgate.test>");
    assert!(mails[0]["text"].as_str().unwrap().contains("\n.\n"));
    let list = mailbox.get("/").await;
    assert_eq!(list.headers()["refresh"], "5");
    assert!(list.text().await.unwrap().contains("Where to sign in: &#60;Notes&#62; é"));
    let page = mailbox.get("/mails/1").await.text().await.unwrap();
    assert!(page.contains("<a href=\"http://localhost:8080/d?code=a&#38;org=acme\">"), "{page}");
    assert!(page.contains("&#60;script&#62;") && !page.contains("<script>"), "{page}");
    let html = mailbox.get("/mails/1/html").await;
    let policy = html.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'unsafe-inline'; img-src data:;"), "{policy}");
    assert!(policy.ends_with("sandbox allow-popups allow-popups-to-escape-sandbox"), "{policy}");
    assert!(html.text().await.unwrap().contains("<p style=\"color:red\">Go</p>"));
}

#[tokio::test]
async fn the_list_holds_still_when_asked_to() {
    let mailbox = Mailbox::start().await;

    let page = mailbox.get("/?paused").await;

    assert!(!page.headers().contains_key("refresh"));
    assert!(page.text().await.unwrap().contains("No mail yet"));
}

#[tokio::test]
async fn mails_that_do_not_exist_are_not_found() {
    let mailbox = Mailbox::start().await;

    for path in ["/mails/1", "/mails/1/html"] {
        assert_eq!(mailbox.get(path).await.status(), StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn web_sites_cannot_reach_the_mails_under_their_own_name() {
    let mailbox = Mailbox::start().await;
    let client = Client::builder().no_proxy().resolve("rebound.test", mailbox.http).build().unwrap();

    for path in ["/", "/mails.json", "/mailbox.css"] {
        let url = format!("http://rebound.test:{}{path}", mailbox.http.port());
        assert_eq!(client.get(url).send().await.unwrap().status(), StatusCode::MISDIRECTED_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn it_stops_when_told_to_even_with_connections_open() {
    let (stop, stopped) = oneshot::channel::<()>();
    let (mailbox, running) = Mailbox::start_until(async { drop(stopped.await) }).await;
    let mut client = mailbox.connect().await;
    let _idle = TcpStream::connect(mailbox.http).await.unwrap();

    stop.send(()).unwrap();

    running.await.unwrap().unwrap();
    assert!(client.is_closed().await);
    assert!(TcpStream::connect(mailbox.smtp).await.is_err());
}
