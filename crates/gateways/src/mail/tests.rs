use uuid::Uuid;

use super::*;

fn letter() -> Letter {
    Letter {
        id: NoticeId(Uuid::from_u128(7)),
        at: Timestamp::from_second(1_790_000_000).unwrap(),
        to: "ada@example.org".parse().unwrap(),
        subject: "Your order at Bücher & Mehr".parse().unwrap(),
        text: "Thank you, Zoë.\n\n.\nFrom here on.\n".into(),
        html: "<p>Thank you, Zoë.</p>".into(),
    }
}

fn mailer(folder: &Path) -> Mailer {
    let from = "Bücher & Mehr <shop@example.org>".parse().unwrap();
    Mailer::new(&MailPlace::Folder(folder.to_owned()), from).unwrap()
}

#[test]
fn a_letter_is_the_same_bytes_each_time_and_names_what_it_tells() {
    let folder = std::env::temp_dir();
    let bytes = || mailer(&folder).message(&letter()).unwrap().formatted();
    let text = String::from_utf8(bytes()).unwrap();

    assert_eq!(bytes(), bytes());
    for line in [
        "Message-ID: <00000000-0000-0000-0000-000000000007@example.org>\r\n",
        "To: ada@example.org\r\n",
        "Date: Mon, 21 Sep 2026 14:13:20 +0000\r\n",
        "multipart/alternative;",
        "Content-Type: text/plain; charset=utf-8\r\n",
        "Content-Type: text/html; charset=utf-8\r\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(text.is_ascii(), "{text}");
}

#[test]
fn nothing_that_is_not_one_line_becomes_a_header() {
    for text in ["", " ", "Hello\r\nBcc: eve@example.org", "Hello\nthere", "a\u{0}b", "a\tb"] {
        assert_eq!(text.parse::<Subject>(), Err(SubjectError), "{text:?}");
    }
    for text in ["", "shop", "a@b.example\r\nBcc: c@d.example", "Shop\n <shop@example.org>"] {
        assert!(text.parse::<Sender>().is_err(), "{text:?}");
    }
    assert!("a@b.example\r\nBcc: c@d.example".parse::<Email>().is_err());
}

#[test]
fn a_place_for_mail_is_a_server_or_a_folder_and_its_password_is_never_shown() {
    let smtp = |text: &str| match text.parse().unwrap() {
        MailPlace::Smtp(server) => server,
        MailPlace::Folder(path) => panic!("{path:?}"),
    };
    for (text, port, encryption) in [
        ("smtps://mail.example", 465, Encryption::AtOnce),
        ("smtps://mail.example:4465", 4465, Encryption::AtOnce),
        ("smtp://mail.example", 587, Encryption::Demanded),
        ("smtp://mail.example:25/", 25, Encryption::Demanded),
        ("smtp://127.0.0.1:2525", 2525, Encryption::None),
        ("smtp://localhost:2525", 2525, Encryption::None),
    ] {
        let server = smtp(text);
        assert_eq!((server.port, server.encryption), (port, encryption), "{text}");
    }
    let place: MailPlace = "smtps://ada%40example.org:p%3Ass@mail.example".parse().unwrap();
    assert_eq!(format!("{place:?}"), "MailPlace(mail.example:465)");
    let (user, password) = smtp("smtps://ada%40example.org:p%3Ass@mail.example").user.unwrap();
    assert_eq!((user.as_str(), password.expose_secret()), ("ada@example.org", "p:ss"));
    assert!(
        matches!("folder:mails".parse(), Ok(MailPlace::Folder(path)) if path == Path::new("mails"))
    );

    for (text, error) in [
        ("", MailPlaceError::Form),
        ("mail.example", MailPlaceError::Form),
        ("folder:", MailPlaceError::Form),
        ("https://mail.example", MailPlaceError::Form),
        ("smtp://mail.example/inbox", MailPlaceError::Form),
        ("smtp://mail.example?tls=none", MailPlaceError::Form),
        ("smtps://hidden@mail.example", MailPlaceError::HalfAUser),
        ("smtps://:hidden@mail.example", MailPlaceError::HalfAUser),
    ] {
        let said = text.parse::<MailPlace>().unwrap_err();
        assert_eq!(said, error, "{text}");
        assert!(!said.to_string().contains("hidden"));
    }
}
