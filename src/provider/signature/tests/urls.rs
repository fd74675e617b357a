//! Schemes that sign the URL: Twilio, `HubSpot`, Square; and secrets that stand in it.

use super::*;

const FORM: &[u8] = b"Body=Hi+there&From=%2B4917612345678&MessageSid=SM1&Body=again";

fn form(target: &str, body: &'static [u8]) -> Request {
    let media = "application/x-www-form-urlencoded";
    let headers = Headers::from_iter([("content-type", media)]);
    Request::new("POST", target, headers, Bytes::from_static(body))
}

#[test]
fn twilio_signs_the_fields_of_a_form_in_their_order() {
    let party = Party::new("twilio");
    let request = party.sent(form("/hooks/shop", FORM));
    assert_eq!(party.check(&request), Ok(()));
    // Its own libraries sort, and take a field that is there twice with one value once.
    for same in [
        "MessageSid=SM1&Body=again&From=%2B4917612345678&Body=Hi%20there",
        "Body=again&Body=again&Body=Hi+there&From=%2b4917612345678&MessageSid=SM1",
    ] {
        let request = with_body(&request, same);
        assert_eq!(party.check(&request), Ok(()), "{same}");
    }
    for other in [
        "Body=Hi+there&From=%2B4917612345678&MessageSid=SM1",
        "Body=Hi+there&From=+4917612345678&MessageSid=SM1&Body=again",
        "Body=Hi+there&From=%2B4917612345678&MessageSid=SM1&Body=again&x=1",
        "",
    ] {
        let request = with_body(&request, other);
        assert_eq!(party.check(&request), Err(Rejection::BadSignature), "{other}");
    }
}

#[test]
fn twilio_covers_a_body_that_is_no_form_by_its_digest() {
    let party = Party::new("twilio");
    let request = party.request(BODY);
    let digest = hex::encode(Sha256::digest(BODY));
    assert_eq!(request.target, format!("/hooks/shop?from=a&bodySHA256={digest}"));
    assert_eq!(party.check(&request), Ok(()));
    // Signed by the sender, and yet not what the digest says: the body decides.
    let verify = Verify { signed: Some("{url}{body}".to_owned()), ..Verify::default() };
    let secrets = vec![secret(party.preset, 0)];
    let url_alone = Verifier::new(&verify, "twilio", secrets, "secrets", &setup()).unwrap();
    for target in [
        "/hooks/shop".to_owned(),
        "/hooks/shop?bodySHA256=".to_owned(),
        format!("/hooks/shop?bodySHA256={}", "0".repeat(64)),
        format!("/hooks/shop?bodySHA256={}", &digest[..62]),
        format!("/hooks/shop?bodysha256={digest}"),
    ] {
        let request = with_body(&url_alone.sign(unsigned(&target, b""), now()).unwrap(), BODY);
        assert_eq!(party.check(&request), Err(Rejection::BadSignature), "{target}");
    }
}

#[test]
fn twilio_s_digest_counts_whatever_the_body_is_called() {
    let party = Party::new("twilio");
    let request = party.request(BODY);
    // A form without a field signs like no form at all, so a JSON request could be sent again
    // with such a body.
    for body in ["", "=", "&&=&"] {
        let request = with_body(&request, body);
        let form =
            altered(&request, "content-type", |_| "application/x-www-form-urlencoded".to_owned());
        assert_eq!(party.check(&form), Err(Rejection::BadSignature), "`{body}`");
    }
}

#[test]
fn a_signed_url_is_the_public_one_whatever_the_request_says() {
    for preset in ["twilio", "hubspot", "square"] {
        let party = Party::new(preset);
        let mut request = party.request(BODY);
        request.headers.push("host", "evil.example");
        request.headers.push("x-forwarded-host", "evil.example");
        request.headers.push("x-forwarded-proto", "http");
        assert_eq!(party.check(&request), Ok(()), "{preset}");
        for target in ["/hooks/shop", "/hooks/other?from=a", "/hooks/shop?from=b", "", "/"] {
            let mut other = request.clone();
            target.clone_into(&mut other.target);
            assert_eq!(party.check(&other), Err(Rejection::BadSignature), "{preset} {target}");
        }
        for public_url in
            ["http://mycompany.com", "https://mycompany.com:8443", "https://other.com"]
        {
            let setup = Setup { public_url: public_url.to_owned(), ..setup() };
            let secrets = vec![secret(party.preset, 0)];
            let other =
                Verifier::new(&Verify::default(), preset, secrets, "secrets", &setup).unwrap();
            let refused = Err(Rejection::BadSignature);
            assert_eq!(other.verify(&request, now()), refused, "{preset} {public_url}");
        }
        let setup = Setup { public_url: "https://mycompany.com/".to_owned(), ..setup() };
        let secrets = vec![secret(party.preset, 0)];
        let slash = Verifier::new(&Verify::default(), preset, secrets, "secrets", &setup).unwrap();
        assert_eq!(slash.verify(&request, now()), Ok(()), "{preset}");
    }
}

#[test]
fn hubspot_signs_the_method() {
    let party = Party::new("hubspot");
    for method in ["PUT", "GET", "post", ""] {
        let mut request = party.request(BODY);
        method.clone_into(&mut request.method);
        assert_eq!(party.check(&request), Err(Rejection::BadSignature), "{method}");
    }
}

#[test]
fn a_secret_in_the_url_is_all_that_follows_the_name() {
    let party = Party::with("path", &[0, 1]);
    let body = Bytes::from_static(BODY);
    let check =
        |target: &str| party.check(&Request::new("POST", target, Headers::default(), body.clone()));
    for target in ["/hooks/shop/a-secret-0", "/hooks/shop/a-secret-1", "/hooks/shop/a-secret-0?x=1"]
    {
        assert_eq!(check(target), Ok(()), "{target}");
    }
    for target in [
        "",
        "/hooks/shop",
        "/hooks/shop/",
        "/hooks/shop/a-secret-2",
        "/hooks/shop/a-secret-0/",
        "/hooks/shop//a-secret-0",
        "/hooks/shop/a-secret-0/x",
        "/hooks/shop/x/a-secret-0",
        "/hooks/shop?/a-secret-0",
        "/hooks/shop/A-SECRET-0",
        "/hooks/shop/a%2Dsecret-0",
        "/hooks/shopa-secret-0",
        "/hooks/other/a-secret-0",
        "a-secret-0",
    ] {
        assert_eq!(check(target), Err(Rejection::BadSignature), "{target}");
    }
}
