//! The limit: the least a client can do to publish with confirms, in a few lines over a socket.
//!
//! Every message is the same bytes, encoded before the round begins. It knows nothing of returns,
//! blocked connections or anything that goes wrong: what it costs is the kernel's and the broker's.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, LongString};
use lapin::uri::AMQPUri;

/// The frame types of AMQP 0-9-1, and what ends a frame.
const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;
const END: u8 = 0xCE;

/// Confirms of one channel: `basic.ack`.
const ACK: [u8; 4] = [0, 60, 0, 80];

/// A connection with one channel that confirms.
pub(crate) struct Raw {
    stream: TcpStream,
    /// What was read and not yet looked at.
    buffer: Vec<u8>,
    published: u64,
    /// Up to this message everything is confirmed.
    confirmed: u64,
    /// Confirmed, while one before is not.
    early: BTreeSet<u64>,
}

impl Raw {
    /// Connects and opens a channel.
    pub(crate) fn connect(uri: &AMQPUri) -> Result<Self> {
        let authority = &uri.authority;
        let stream = TcpStream::connect((authority.host.as_str(), authority.port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut raw =
            Self { stream, buffer: Vec::new(), published: 0, confirmed: 0, early: BTreeSet::new() };
        raw.stream.write_all(b"AMQP\x00\x00\x09\x01")?;
        raw.expect([0, 10, 0, 10])?;
        let user = &authority.userinfo;
        let mut start = vec![0, 10, 0, 11, 0, 0, 0, 0];
        short(&mut start, b"PLAIN");
        long(&mut start, format!("\0{}\0{}", user.username, user.password).as_bytes());
        short(&mut start, b"en_US");
        raw.call(0, &start, [0, 10, 0, 30])?;
        let tune = [0, 10, 0, 31, 0, 16, 0, 2, 0, 0, 0, 0];
        raw.stream.write_all(&frame(METHOD, 0, &tune))?;
        let mut open = vec![0, 10, 0, 40];
        short(&mut open, if uri.vhost.is_empty() { "/" } else { &uri.vhost }.as_bytes());
        open.extend([0, 0]);
        raw.call(0, &open, [0, 10, 0, 41])?;
        raw.call(1, &[0, 20, 0, 10, 0], [0, 20, 0, 11])?;
        raw.call(1, &[0, 85, 0, 10, 0], [0, 85, 0, 11])?;
        Ok(raw)
    }

    /// Publishes `batches` times `batch` messages that are `message`, at most `ahead` of the
    /// confirms.
    pub(crate) fn publish(
        &mut self,
        message: &[u8],
        batch: usize,
        batches: usize,
        ahead: usize,
    ) -> Result<()> {
        let bytes = message.repeat(batch);
        for _ in 0..batches {
            while self.published - self.confirmed > ahead as u64 {
                self.confirms()?;
            }
            self.stream.write_all(&bytes)?;
            self.published += batch as u64;
        }
        while self.confirmed < self.published {
            self.confirms()?;
        }
        Ok(())
    }

    /// Takes what confirms have come, waiting for some.
    fn confirms(&mut self) -> Result<()> {
        self.read()?;
        let mut at = 0;
        while let Some((end, payload)) = next(&self.buffer, at) {
            ensure!(payload.starts_with(&ACK), "not a confirm but {payload:?}");
            let tag =
                u64::from_be_bytes(payload[4..12].try_into().context("a tag is eight bytes")?);
            if payload[12] == 0 {
                self.early.insert(tag);
            } else {
                self.confirmed = self.confirmed.max(tag);
                self.early.retain(|it| *it > tag);
            }
            while self.early.remove(&(self.confirmed + 1)) {
                self.confirmed += 1;
            }
            at = end;
        }
        self.buffer.drain(..at);
        Ok(())
    }

    fn call(&mut self, channel: u16, payload: &[u8], answer: [u8; 4]) -> Result<()> {
        self.stream.write_all(&frame(METHOD, channel, payload))?;
        self.expect(answer)
    }

    fn expect(&mut self, method: [u8; 4]) -> Result<()> {
        loop {
            if let Some((end, payload)) = next(&self.buffer, 0) {
                ensure!(payload.starts_with(&method), "the broker answered {payload:?}");
                self.buffer.drain(..end);
                return Ok(());
            }
            self.read()?;
        }
    }

    fn read(&mut self) -> Result<()> {
        let mut bytes = [0; 16 * 1024];
        let count = self.stream.read(&mut bytes)?;
        ensure!(count > 0, "the broker closed the connection");
        self.buffer.extend_from_slice(&bytes[..count]);
        Ok(())
    }
}

/// The next whole frame from a place on: where it ends, and its payload.
fn next(buffer: &[u8], at: usize) -> Option<(usize, &[u8])> {
    let length = u32::from_be_bytes(buffer.get(at + 3..at + 7)?.try_into().ok()?);
    let end = at + 7 + length as usize;
    buffer.get(end).map(|_| (end + 1, &buffer[at + 7..end]))
}

/// The frames of one message, mandatory and with these properties.
pub(crate) fn message(
    exchange: &str,
    key: &str,
    properties: &BasicProperties,
    body: &[u8],
) -> Result<Vec<u8>> {
    let mut method = vec![0, 60, 0, 40, 0, 0];
    short(&mut method, exchange.as_bytes());
    short(&mut method, key.as_bytes());
    method.push(1);
    let mut header = vec![0, 60, 0, 0];
    header.extend((body.len() as u64).to_be_bytes());
    let mut flags = 0_u16;
    let mut values = Vec::new();
    if let Some(it) = properties.content_type() {
        flags |= 1 << 15;
        short(&mut values, it.as_str().as_bytes());
    }
    if let Some(headers) = properties.headers() {
        flags |= 1 << 13;
        let mut table = Vec::new();
        for (name, value) in headers {
            short(&mut table, name.as_str().as_bytes());
            match value {
                AMQPValue::LongString(it) => {
                    table.push(b'S');
                    long(&mut table, LongString::as_bytes(it));
                }
                AMQPValue::Boolean(it) => table.extend([b't', u8::from(*it)]),
                AMQPValue::LongLongInt(it) => {
                    table.push(b'l');
                    table.extend(it.to_be_bytes());
                }
                other => anyhow::bail!("a header of another type: {other:?}"),
            }
        }
        long(&mut values, &table);
    }
    if let Some(it) = properties.delivery_mode() {
        flags |= 1 << 12;
        values.push(*it);
    }
    if let Some(it) = properties.correlation_id() {
        flags |= 1 << 10;
        short(&mut values, it.as_str().as_bytes());
    }
    if let Some(it) = properties.message_id() {
        flags |= 1 << 7;
        short(&mut values, it.as_str().as_bytes());
    }
    if let Some(it) = properties.timestamp() {
        flags |= 1 << 6;
        values.extend(it.to_be_bytes());
    }
    if let Some(it) = properties.kind() {
        flags |= 1 << 5;
        short(&mut values, it.as_str().as_bytes());
    }
    if let Some(it) = properties.app_id() {
        flags |= 1 << 3;
        short(&mut values, it.as_str().as_bytes());
    }
    header.extend(flags.to_be_bytes());
    header.extend(values);
    Ok([frame(METHOD, 1, &method), frame(HEADER, 1, &header), frame(BODY, 1, body)].concat())
}

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![kind];
    frame.extend(channel.to_be_bytes());
    long(&mut frame, payload);
    frame.push(END);
    frame
}

fn short(bytes: &mut Vec<u8>, text: &[u8]) {
    bytes.push(u8::try_from(text.len()).expect("a short string is short"));
    bytes.extend(text);
}

fn long(bytes: &mut Vec<u8>, text: &[u8]) {
    bytes.extend(u32::try_from(text.len()).expect("not that long").to_be_bytes());
    bytes.extend(text);
}
