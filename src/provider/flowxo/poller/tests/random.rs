//! Whatever happens in whatever order: every message is told, once, in its order.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::fake::{Fate, Run, settings};
use super::minutes;
use crate::event::{Draft, Kind};

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Write(u8, u8),
    Flip(u8),
    Mute(u8),
    Steps(u8),
    Lost,
    Refused(u16),
    Crash,
    CrashUnwritten,
    Pass(u8),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let one = prop_oneof![
        4 => (0..12_u8, 1..8_u8).prop_map(|(talk, count)| Deed::Write(talk, count)),
        1 => (0..12_u8, 15..40_u8).prop_map(|(talk, count)| Deed::Write(talk, count)),
        1 => (0..12_u8).prop_map(Deed::Flip),
        1 => (0..12_u8).prop_map(Deed::Mute),
        6 => (1..20_u8).prop_map(Deed::Steps),
        1 => Just(Deed::Lost),
        1 => prop::sample::select(vec![400, 404, 429, 500, 503]).prop_map(Deed::Refused),
        1 => Just(Deed::Crash),
        1 => Just(Deed::CrashUnwritten),
        1 => (1..240_u8).prop_map(Deed::Pass),
    ];
    prop::collection::vec(one, 1..60)
}

fn name(talk: u8) -> String {
    format!("talk{talk}")
}

/// Told for the first time: the journal knows the others by their key.
fn first(events: &[Draft]) -> Vec<&Draft> {
    let mut seen = BTreeSet::new();
    events.iter().filter(|it| seen.insert(&it.dedup_key)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_message_is_told_in_its_order_whatever_happens(
        before in prop::collection::vec((0..12_u8, 0..30_usize), 0..8),
        deeds in deeds(),
        by_name in any::<bool>(),
        endless in any::<bool>(),
    ) {
        let mut run = Run::new(settings());
        run.fake.by_name = by_name;
        run.fake.endless = endless;
        for (talk, count) in before {
            run.fake.write(&name(talk), count);
        }
        let mut has_crashed = false;
        for deed in deeds {
            match deed {
                Deed::Write(talk, count) => run.fake.write(&name(talk), count.into()),
                Deed::Flip(talk) => {
                    let talk = run.fake.get(&name(talk));
                    talk.agent_mode = !talk.agent_mode;
                }
                Deed::Mute(talk) => run.fake.get(&name(talk)).mute = true,
                Deed::Steps(count) => (0..count).for_each(|_| run.step()),
                Deed::Lost => run.step_with(Fate::Lost),
                Deed::Refused(status) => run.step_with(Fate::Refused(status)),
                Deed::Crash => {
                    has_crashed = true;
                    run.crash();
                }
                Deed::CrashUnwritten => {
                    has_crashed = true;
                    run.step_with(Fate::Crashed);
                }
                Deed::Pass(seconds) => run.fake.pass(jiff::SignedDuration::from_secs(seconds.into())),
            }
        }
        run.quiet(minutes(45));
        let events = first(&run.events);
        prop_assert!(has_crashed || events.len() == run.events.len(), "something was told twice");
        for (name, talk) in &run.fake.talks {
            let truth: Vec<&str> = talk.messages.iter().map(|it| &*it.0).collect();
            let of = |it: &&&Draft| it.facts.contact.as_ref().is_some_and(|it| it.id == *name);
            let told: Vec<&str> = events
                .iter()
                .filter(of)
                .filter_map(|it| it.facts.message.as_ref().map(|it| &*it.id))
                .collect();
            prop_assert_eq!(told, truth, "{}", name);
            let last = events.iter().filter(of).rfind(|it| it.kind == Kind::HANDOVER_CHANGED);
            if let Some(handover) = last {
                let current = handover.facts.handover.as_ref().unwrap().current.as_deref();
                prop_assert_eq!(current, Some(if talk.agent_mode { "agent" } else { "bot" }));
            }
        }
    }
}
