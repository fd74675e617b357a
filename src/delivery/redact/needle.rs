//! A secret, as it is looked for: however JSON or a URL may write it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use zeroize::Zeroizing;

use crate::config::Secret;

/// Shorter secrets are not looked for: they would strike out half of every text.
const SHORTEST: usize = 4;

/// The longest that one byte of it may be written as: `\u0041`.
const WIDEST: usize = 6;

/// Everything that is looked for.
pub(super) struct Needles {
    all: Vec<Needle>,
    /// By byte, whether anything may begin with it: asked of every byte, and mostly `false`.
    begins: [bool; 256],
}

/// One thing that is looked for. It holds a secret, so it does not print. Looking for it takes longer the more
/// of it is there; nobody is let in by it.
struct Needle(Zeroizing<String>);

impl Needles {
    /// All of these secrets, in every way that they may be written.
    pub(super) fn of(secrets: &[Secret]) -> Self {
        let all: Vec<Needle> = secrets.iter().flat_map(Needle::all).collect();
        let mut begins = [false; 256];
        let escapes = if all.is_empty() { &b""[..] } else { b"%\\+" };
        let first = all.iter().filter_map(|it| it.0.as_bytes().first());
        first.chain(escapes).for_each(|it| begins[usize::from(*it)] = true);
        Self { all, begins }
    }

    /// The most bytes that an occurrence takes.
    pub(super) fn reach(&self) -> usize {
        self.all.iter().map(|it| it.0.len() * WIDEST).max().unwrap_or_default()
    }

    /// Where the longest occurrence ends that begins here.
    pub(super) fn end(&self, text: &str, at: usize) -> Option<usize> {
        let byte = *text.as_bytes().get(at)?;
        if !self.begins[usize::from(byte)] {
            return None;
        }
        self.all.iter().filter_map(|it| it.end(text, at)).max()
    }
}

impl Needle {
    /// The secret itself, and what base64 makes of it wherever it lies inside.
    fn all(secret: &Secret) -> Vec<Self> {
        let plain = secret.expose();
        if plain.len() < SHORTEST {
            return Vec::new();
        }
        let mut texts = vec![plain.to_owned()];
        for engine in [STANDARD, URL_SAFE] {
            texts.push(engine.encode(plain));
            for before in 0..3 {
                // Characters that hold bits of a neighbour differ with it, and are left out.
                let mut bytes = vec![0; before];
                bytes.extend_from_slice(plain.as_bytes());
                let (from, to) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
                texts.push(engine.encode(&bytes)[from..to].to_owned());
            }
        }
        texts.sort_unstable();
        texts.dedup();
        texts.into_iter().map(|it| Self(Zeroizing::new(it))).collect()
    }

    /// Where an occurrence ends that begins here; the longest, if it can be read in several ways.
    fn end(&self, text: &str, at: usize) -> Option<usize> {
        let text = text.as_bytes();
        // `%` and `\` may stand for themselves or begin an escape, so there may be several ends.
        let mut ends = vec![at];
        for char in self.0.chars() {
            ends = ends.iter().flat_map(|&it| after(char, text, it)).flatten().collect();
            ends.sort_unstable();
            ends.dedup();
            if ends.is_empty() {
                return None;
            }
        }
        ends.last().copied()
    }
}

/// Where a character ends that begins here: as it is, percent-encoded, escaped.
fn after(char: char, text: &[u8], at: usize) -> [Option<usize>; 3] {
    let mut buffer = [0; 4];
    let bytes = char.encode_utf8(&mut buffer).as_bytes();
    let rest = text.get(at..).unwrap_or_default();
    let plain = match (rest.first(), char) {
        (Some(b'+'), ' ') => Some(at + 1),
        _ => rest.starts_with(bytes).then(|| at + bytes.len()),
    };
    match rest.first() {
        Some(b'%') => [plain, percent(bytes, rest).map(|it| at + it), None],
        Some(b'\\') => [plain, escaped(char, rest).map(|it| at + it), None],
        _ => [plain, None, None],
    }
}

/// How long these bytes are, percent-encoded, at the beginning of the text.
fn percent(bytes: &[u8], text: &[u8]) -> Option<usize> {
    for (index, byte) in bytes.iter().enumerate() {
        let code = text.get(3 * index..3 * index + 3)?;
        let digits = code.strip_prefix(b"%").and_then(|it| std::str::from_utf8(it).ok())?;
        if u8::from_str_radix(digits, 16) != Ok(*byte) {
            return None;
        }
    }
    Some(3 * bytes.len())
}

/// How long this character is, escaped as JSON does, at the beginning of the text.
fn escaped(char: char, text: &[u8]) -> Option<usize> {
    let short = match char {
        '"' | '\\' | '/' => char,
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        _ => '\0',
    };
    if text.get(1).is_some_and(|it| char::from(*it) == short && short != '\0') {
        return Some(2);
    }
    let mut units = [0; 2];
    let units = char.encode_utf16(&mut units);
    for (index, unit) in units.iter().enumerate() {
        let code = text.get(6 * index..6 * index + 6)?.strip_prefix(b"\\u")?;
        let digits = std::str::from_utf8(code).ok()?;
        if u16::from_str_radix(digits, 16) != Ok(*unit) {
            return None;
        }
    }
    Some(6 * units.len())
}
