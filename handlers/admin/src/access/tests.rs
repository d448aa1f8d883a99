//! Logins against a configuration, and requests against the guard.

use super::{Access, Entrant, Protection, Refusal, Rules, guard};
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpResponse, middleware, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::net::IpAddr;
use std::sync::Arc;
use vagus_auth::password;
use vagus_configs::{Admin, AdminRole, AdminToken, AdminUser};

const PEER: &str = "192.0.2.1";

fn peer() -> IpAddr {
    PEER.parse().unwrap()
}

fn admin() -> Admin {
    let user = |name: &str, password: &str, role| AdminUser {
        name: name.to_owned(),
        password: password.to_owned(),
        role,
    };
    let token = |token: String, role| AdminToken { token, role };
    Admin {
        users: vec![
            user("ann", "plain", AdminRole::Admin),
            user("bob", &password::hash("hashed", 4).unwrap(), AdminRole::Read),
        ],
        tokens: vec![
            token("t0ken".to_owned(), AdminRole::Read),
            token(password::hash("hashed token", 4).unwrap(), AdminRole::Admin),
        ],
        ..Admin::default()
    }
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

fn entrant(name: &str, role: AdminRole) -> Entrant {
    Entrant {
        name: name.to_owned(),
        role,
    }
}

async fn admit(access: &Access, header: &str) -> Result<Entrant, Refusal> {
    access.admit(Some(header.as_bytes()), peer()).await
}

#[actix_web::test]
async fn who_gets_in_as_what() {
    let access = Access::new(&admin()).unwrap();
    let ann = entrant("ann", AdminRole::Admin);
    let bob = entrant("bob", AdminRole::Read);
    let reader = entrant("", AdminRole::Read);
    let administrator = entrant("", AdminRole::Admin);
    for (header, expected) in [
        (basic("ann", "plain"), ann),
        (basic("bob", "hashed"), bob),
        ("Bearer t0ken".to_owned(), reader.clone()),
        (basic("", "t0ken"), reader),
        ("Bearer hashed token".to_owned(), administrator),
    ] {
        // The second time it is known.
        for _ in 0..2 {
            assert_eq!(admit(&access, &header).await, Ok(expected.clone()));
        }
    }
    assert_eq!(access.admit(None, peer()).await, Err(Refusal::NoCredentials));
}

#[actix_web::test]
async fn who_does_not() {
    for header in [
        basic("ann", "hashed"),
        basic("ann", ""),
        basic("bob", "plain"),
        basic("cat", "plain"),
        basic("", "plain"),
        basic("ann", "t0ken"),
        "Bearer plain".to_owned(),
        "Bearer t0ken2".to_owned(),
        "Basic ".to_owned(),
        "Nonsense".to_owned(),
    ] {
        let access = Access::new(&admin()).unwrap();
        assert_eq!(admit(&access, &header).await, Err(Refusal::Refused), "{header}");
    }
}

#[actix_web::test]
async fn guessing_is_slow_but_keeps_nobody_out_who_is_in() {
    let access = Access::new(&admin()).unwrap();
    assert!(admit(&access, &basic("bob", "hashed")).await.is_ok());
    let mut refused = 0;
    while admit(&access, &basic("bob", "guess")).await == Err(Refusal::Refused) {
        refused += 1;
        assert!(refused < 10, "guessing is never slowed down");
    }
    let told = admit(&access, &basic("ann", "plain")).await;
    assert!(matches!(told, Err(Refusal::TooMany(_))), "{told:?}");
    assert!(admit(&access, &basic("bob", "hashed")).await.is_ok());
    let elsewhere = "192.0.2.2".parse().unwrap();
    let ann = basic("ann", "plain");
    assert!(access.admit(Some(ann.as_bytes()), elsewhere).await.is_ok());
}

#[actix_web::test]
async fn other_rules_hold_for_those_who_are_in() {
    let access = Access::new(&admin()).unwrap();
    assert!(admit(&access, &basic("bob", "hashed")).await.is_ok());
    let mut without_bob = admin();
    without_bob.users.pop();
    access.adopt(Rules::new(&without_bob).unwrap());
    assert_eq!(
        admit(&access, &basic("bob", "hashed")).await,
        Err(Refusal::Refused)
    );
    assert!(admit(&access, &basic("ann", "plain")).await.is_ok());
}

#[test]
fn nothing_secret_is_shown() {
    let access = Access::new(&admin()).unwrap();
    let shown = format!("{access:?}");
    assert!(shown.contains("ann"), "{shown}");
    for secret in ["plain", "t0ken", "$2"] {
        assert!(!shown.to_lowercase().contains(&format!("{secret}\"")), "{shown}");
        assert!(!shown.contains("$2"), "{shown}");
    }
}

/// What a service of one handler answers.
async fn ask(protection: Protection, request: TestRequest) -> (StatusCode, HeaderMap) {
    let service = init_service(
        App::new()
            .app_data(web::Data::new(protection))
            .wrap(middleware::from_fn(guard))
            .default_service(web::to(|entrant: Entrant| async move {
                HttpResponse::Ok().body(entrant.name)
            })),
    )
    .await;
    let request = request.peer_addr((peer(), 1).into()).to_request();
    let response = call_service(&service, request).await;
    (response.status(), response.headers().clone())
}

fn protected() -> Protection {
    Protection::Login(Arc::new(Access::new(&admin()).unwrap()))
}

fn open() -> Protection {
    Protection::Login(Arc::new(Access::new(&Admin::default()).unwrap()))
}

fn get() -> TestRequest {
    TestRequest::get().insert_header(("Host", "127.0.0.1:8223"))
}

fn post() -> TestRequest {
    let request = TestRequest::post().insert_header(("Host", "127.0.0.1:8223"));
    request.insert_header((CONTENT_TYPE, "application/json"))
}

#[actix_web::test]
async fn a_login_is_asked_for_and_reading_is_not_changing() {
    let (status, headers) = ask(protected(), get()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(headers.contains_key("www-authenticate"));
    assert_eq!(headers.get("content-type").unwrap(), "application/problem+json");
    for (name, password, method, expected) in [
        ("ann", "plain", get(), 200),
        ("ann", "plain", post(), 200),
        ("bob", "hashed", get(), 200),
        ("bob", "hashed", post(), 403),
        ("bob", "wrong", get(), 401),
    ] {
        let request = method.insert_header((AUTHORIZATION, basic(name, password)));
        assert_eq!(ask(protected(), request).await.0.as_u16(), expected, "{name}");
    }
}

#[actix_web::test]
async fn where_nobody_logs_in_this_machine_may_do_everything() {
    assert_eq!(ask(open(), get()).await.0, StatusCode::OK);
    assert_eq!(ask(open(), post()).await.0, StatusCode::OK);
    let rebound = TestRequest::get().insert_header(("Host", "rebound.example"));
    assert_eq!(ask(open(), rebound).await.0, StatusCode::FORBIDDEN);
    let foreign = post().insert_header(("Origin", "https://evil.example"));
    assert_eq!(ask(open(), foreign).await.0, StatusCode::FORBIDDEN);
}

#[actix_web::test]
async fn open_monitoring_shows_and_changes_nothing() {
    let elsewhere = TestRequest::get().insert_header(("Host", "broker.example:8222"));
    assert_eq!(ask(Protection::Open, elsewhere).await.0, StatusCode::OK);
    // As in nats-server, which does not look at the method.
    assert_eq!(ask(Protection::Open, post()).await.0, StatusCode::OK);
}

#[actix_web::test]
async fn browsers_are_told_what_they_may_do() {
    for protection in [Protection::Open, open(), protected()] {
        let (_, headers) = ask(protection, get()).await;
        let policy = headers.get("content-security-policy").unwrap().to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(headers.get("x-content-type-options").unwrap(), "nosniff");
    }
}

#[actix_web::test]
async fn what_no_handler_takes_is_told_in_the_same_form() {
    let service = init_service(
        App::new()
            .app_data(web::Data::new(open()))
            .wrap(middleware::from_fn(guard))
            .default_service(web::to(
                |text: String| async move { HttpResponse::Ok().body(text) },
            )),
    )
    .await;
    let request = post().peer_addr((peer(), 1).into()).set_payload(&b"\xff\xfe"[..]);
    let response = call_service(&service, request.to_request()).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let kind = response.headers().get(CONTENT_TYPE).unwrap();
    assert_eq!(kind, "application/problem+json");
}
