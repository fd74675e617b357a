//! Headers that hold lists: pairs, and versions.

use super::*;

fn stripe(value: &str) -> Result<(), Rejection> {
    check("stripe", value)
}

/// What a preset says to a header in which `T` is the timestamp and `S` its signature.
fn check(preset: &str, value: &str) -> Result<(), Rejection> {
    let party = Party::new(preset);
    let request = party.request(BODY);
    let tag = signature(&request, &party);
    let value = value.replace('T', "1790000000").replace('S', &tag);
    party.check(&altered(&request, &party.header(), |_| value.clone()))
}

fn signature(request: &Request, party: &Party) -> String {
    let value = request.headers.get(&party.header()).unwrap();
    let name = party.preset.signature;
    let mark = if party.preset.form == Form::Versions { ',' } else { '=' };
    value.split_once(&format!("{name}{mark}")).unwrap().1.to_owned()
}

#[test]
fn pairs_come_in_any_order_with_spaces_and_strangers() {
    for value in [
        "t=T,v1=S",
        "v1=S,t=T",
        " t = T , v1 = S ",
        "t=T, v1=S, v0=00",
        "v0=00,x,=,,t=T,v1=S,",
        "t=T,v1=00,v1=S",
        "t=T,v1=S,v1=not-hex",
    ] {
        assert_eq!(stripe(value), Ok(()), "{value}");
    }
    assert_eq!(check("paddle", "ts=T;h1=S"), Ok(()));
    assert_eq!(check("tiktok", "t=T,s=S"), Ok(()));
    assert_eq!(check("ycloud", "s=S,t=T"), Ok(()));
}

#[test]
fn pairs_that_leave_something_to_guess_are_refused() {
    for value in [
        "",
        "S",
        "v1=S",
        "t=T",
        "t=T,v0=S",
        "t=T,v1a=S",
        "t=T,V1=S",
        "t=T,v1=",
        "t=T,v1",
        "t=T;v1=S",
        "t=T,t=T,v1=S",
        "t=1,t=T,v1=S",
        "t=T,t=1,v1=S",
        "T,v1=S",
        "t=T,v1=v1=S",
        "t=T v1=S",
    ] {
        assert_eq!(stripe(value), Err(Rejection::BadSignature), "{value}");
    }
    assert_eq!(check("paddle", "ts=T,h1=S"), Err(Rejection::BadSignature));
    assert_eq!(check("paddle", "t=T;h1=S"), Err(Rejection::BadSignature));
}

#[test]
fn a_few_signatures_are_looked_at_and_no_more() {
    let wrong = |count: usize| format!("v1={},", "0".repeat(64)).repeat(count);
    for (count, expected) in [(0, Ok(())), (7, Ok(())), (8, Err(Rejection::BadSignature))] {
        assert_eq!(stripe(&format!("t=T,{}v1=S", wrong(count))), expected, "after {count}");
    }
    // Garbage takes up places as well: otherwise it would be looked at for nothing.
    assert_eq!(stripe(&format!("t=T,{}v1=S", "v1=x,".repeat(8))), Err(Rejection::BadSignature));
    assert_eq!(stripe(&format!("{}t=T,v1=S", "x=1,".repeat(100))), Err(Rejection::BadSignature));
    let wrong = format!("v1,{}= ", "A".repeat(43));
    for (count, expected) in [(0, Ok(())), (7, Ok(())), (8, Err(Rejection::BadSignature))] {
        let value = format!("{}v1,S", wrong.repeat(count));
        assert_eq!(check("standard_webhooks", &value), expected, "after {count}");
    }
}

#[test]
fn versions_that_are_not_ours_are_passed_over() {
    for preset in ["standard_webhooks", "svix"] {
        for value in ["v1,S", "v1a,AAAA v1,S", "v1,S v1a,S", "v1,AAAA v1,S", "  v1,S\tv2,x "] {
            assert_eq!(check(preset, value), Ok(()), "{preset} {value}");
        }
        for value in ["", "S", "v1a,S", "v2,S", "V1,S", "v1=S", "v1,S,", "v1 S", "v1,,S", "v1"] {
            assert_eq!(check(preset, value), Err(Rejection::BadSignature), "{preset} {value}");
        }
    }
}

#[test]
fn an_id_that_is_signed_cannot_be_exchanged() {
    for preset in ["standard_webhooks", "svix"] {
        let party = Party::new(preset);
        let request = party.request(BODY);
        let id = party.preset.id_header;
        for other in ["msg_other", "", "MSG"] {
            let request = altered(&request, id, |_| other.to_owned());
            assert_eq!(party.check(&request), Err(Rejection::BadSignature), "{preset} {other}");
        }
    }
}

#[test]
fn a_value_holds_one_signature() {
    let party = Party::new("meta");
    let request = party.request(BODY);
    for change in [|it: &str| format!("{it},{it}"), |it: &str| format!("sha256=00,{it}")] {
        let request = altered(&request, "x-hub-signature-256", change);
        assert_eq!(party.check(&request), Err(Rejection::BadSignature));
    }
}
