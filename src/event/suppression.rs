//! Messages by which a contact asks to be sent no more marketing, or to be sent some again.
//!
//! The words are those that carriers and their gateways act on, so that what ends a text message
//! ends a WhatsApp message, too: CTIA Messaging Principles §5.1.3, 47 CFR §64.1200(a)(10) (`stop`,
//! `quit`, `end`, `revoke`, `opt out`, `cancel`, `unsubscribe`), the default opt-out words of
//! Twilio and of Vonage, and what the WhatsApp template button for opting out says. Beside them,
//! the words that stand for them where other languages are written.
//!
//! Only a message that is exactly such a word counts: "please stop by tomorrow" asks for nothing.

/// Words that ask to stop, as [`plain`] leaves them.
#[rustfmt::skip]
const STOP: &[&str] = &[
    // English, and everywhere.
    "stop", "stop all", "stopall", "stop promotions", "stop messages", "stop marketing",
    "unsubscribe", "unsubscribe me", "unsub", "cancel", "end", "quit", "revoke", "opt out", "optout",
    "remove me",
    // French.
    "arret", "arrêt", "arreter", "arrêter", "arretez", "arrêtez", "desabonner", "désabonner",
    "se desabonner", "se désabonner", "desinscrire", "désinscrire", "desinscription",
    "désinscription", "stop pub",
    // German, Dutch.
    "stopp", "abmelden", "abbestellen", "abbrechen", "werbung stoppen", "afmelden", "stoppen",
    "uitschrijven",
    // Spanish, Portuguese, Catalan.
    "baja", "alto", "parar", "detener", "cancelar", "dar de baja", "darme de baja",
    "cancelar suscripcion", "cancelar suscripción", "sair", "pare", "descadastrar",
    "cancelar inscricao", "cancelar inscrição", "baixa", "aturar",
    // Italian, Romanian.
    "ferma", "fermare", "cancella", "cancellami", "annulla", "disiscrivi", "disiscrivimi",
    "opreste", "oprește", "dezabonare",
    // Danish, Norwegian, Swedish, Finnish.
    "afmeld", "frameld", "avmeld", "avslutt", "avsluta", "avregistrera", "lopeta", "peruuta",
    // Polish, Czech, Slovak, Hungarian.
    "rezygnuje", "rezygnuję", "wypisz", "koniec", "odhlasit", "odhlásit", "odhlásiť", "leiratkozas",
    "leiratkozás",
    // Turkish, with which a carrier's "ret" refuses.
    "dur", "ret", "iptal", "abonelikten çık",
    // Greek, Russian, Ukrainian.
    "στοπ", "διακοπή", "διακοπη", "διαγραφή", "διαγραφη", "стоп", "отписаться", "отписка", "отмена",
    "відписатися", "скасувати",
    // Arabic, Hebrew, Persian, Urdu.
    "إيقاف", "ايقاف", "توقف", "قف", "إلغاء", "الغاء", "إلغاء الاشتراك", "الغاء الاشتراك", "הסר",
    "עצור", "لغو",
    // Hindi, Bengali.
    "रोकें", "रोको", "बंद", "बंद करें", "বন্ধ", "বন্ধ করুন",
    // Indonesian, Malay, Vietnamese, Thai, Filipino.
    "berhenti", "batal", "henti", "dừng", "hủy", "huỷ", "ngừng", "หยุด", "ยกเลิก", "itigil", "ihinto",
    // Chinese ("td" is what mainland carriers ask for), Japanese, Korean.
    "td", "退订", "退訂", "取消", "取消订阅", "取消訂閱", "停止", "配信停止", "解除", "수신거부",
    "수신 거부", "중지", "그만",
];

/// Words that ask to start again, as [`plain`] leaves them. `YES`, which some carriers take for
/// one, is none: in a chat, it answers whatever was asked last.
#[rustfmt::skip]
const START: &[&str] = &[
    // English, and everywhere.
    "start", "unstop", "subscribe", "resubscribe", "opt in", "optin", "resume", "continue",
    "start promotions", "resume promotions",
    // French, German, Dutch.
    "reprendre", "abonner", "s abonner", "anmelden", "abonnieren", "aanmelden",
    // Spanish, Portuguese, Italian.
    "alta", "iniciar", "comenzar", "suscribir", "suscribirme", "reanudar", "começar", "comecar",
    "inscrever", "retomar", "inizia", "iscrivi", "iscrivimi", "riprendi",
    // Scandinavian, Polish, Turkish.
    "tilmeld", "påmeld", "anmäl", "starta", "wznów", "wznow", "başlat", "baslat", "başla", "basla",
    // Russian, Ukrainian, Arabic, Hebrew, Hindi.
    "старт", "подписаться", "підписатися", "ابدأ", "اشتراك", "התחל", "शुरू", "शुरू करें",
    // Indonesian, Chinese, Japanese, Korean.
    "mulai", "订阅", "訂閱", "开始", "開始", "再開", "配信再開", "시작", "수신동의",
];

/// Whether a message asks to be sent no more marketing.
pub fn asks_to_stop(text: &str) -> bool {
    is_one_of(STOP, text)
}

/// Whether a message asks to be sent marketing again.
pub fn asks_to_start(text: &str) -> bool {
    is_one_of(START, text)
}

fn is_one_of(words: &[&str], text: &str) -> bool {
    // No word is nearly as long, and messages may be.
    text.len() <= 256 && words.contains(&plain(text).as_str())
}

/// A message in lower case and ordinary width, its words one space apart, without what stands
/// around and between them: quotes, full stops, hyphens, emoji, marks that nobody sees.
fn plain(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|it| match it {
            // Full-width forms of ASCII, as East Asian keyboards write them.
            '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(it) - 0xFEE0).unwrap_or(it),
            _ => it,
        })
        .flat_map(char::to_lowercase)
        // `İ` becomes an `i` with a dot above it.
        .filter(|it| *it != '\u{307}')
        .collect();
    let is_word = |it: char| it.is_alphanumeric() || is_mark(it);
    let words = text.split(|it| !is_word(it)).filter(|it| it.chars().any(char::is_alphanumeric));
    words.map(|it| it.trim_end_matches('\u{FE0F}')).collect::<Vec<_>>().join(" ")
}

/// Signs that are part of a word without being letters, as in Hindi.
fn is_mark(it: char) -> bool {
    matches!(it, '\u{300}'..='\u{36F}' | '\u{93C}' | '\u{94D}' | '\u{9BC}' | '\u{9CD}' | '\u{E47}'..='\u{E4E}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_known_in_any_case_and_with_anything_around_it() {
        for text in [
            "STOP",
            "stop",
            "Stop.",
            "  stop!!! \n",
            "\"STOP\"",
            "*stop*",
            "STOP 🛑",
            "¡Baja!",
            "ＳＴＯＰ",
            "\u{200F}STOP\u{200E}",
            "Opt-out",
            "OPT OUT",
            "opt  out",
            "Stop promotions",
            "STOPALL",
            "ARRÊT",
            "arret",
            "Stopp",
            "PARAR",
            "İPTAL",
            "СТОП",
            "रोकें।",
            "停止。",
            "退订",
            "TD",
            "Cancel",
            "end",
            "QUIT",
            "unsubscribe",
            "إلغاء الاشتراك",
            "UNSUBSCRIBE ✌️",
        ] {
            assert!(asks_to_stop(text), "{text}");
            assert!(!asks_to_start(text), "{text}");
        }
        for text in
            ["START", "start.", "Unstop", "subscribe", "ALTA", "S'abonner", "再開", "opt-in"]
        {
            assert!(asks_to_start(text), "{text}");
            assert!(!asks_to_stop(text), "{text}");
        }
    }

    #[test]
    fn a_word_within_a_sentence_asks_for_nothing() {
        for text in [
            "",
            " ",
            "...",
            "🛑",
            "please stop by tomorrow",
            "bus stop",
            "stopping",
            "the end",
            "stop it",
            "cancel my order",
            "don't stop",
            "yes",
            "YES",
            "no",
            "s t o p",
            "stop1",
        ] {
            assert!(!asks_to_stop(text) && !asks_to_start(text), "{text}");
        }
        assert!(!asks_to_stop(&format!("stop{}", "!".repeat(1_000))), "nobody means that");
    }

    #[test]
    fn every_word_of_the_lists_is_found_and_stands_in_one_of_them_once() {
        let mut all: Vec<&str> = STOP.iter().chain(START).copied().collect();
        for word in &all {
            assert_eq!(plain(word), **word, "it could never match");
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
