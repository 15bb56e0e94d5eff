//! The decoder: bytes become lines, lines become fields, a blank line ends an event.

/// One server-sent event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// The kind; absent means `message`.
    pub event: Option<String>,
    /// The data lines joined by line feeds; empty in an event that only sets an id or a retry time.
    pub data: String,
    /// The id this event itself set.
    pub id: Option<String>,
    /// How long to wait before reconnecting, in milliseconds.
    pub retry: Option<u64>,
}

/// Why a stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// One event is larger than the cap.
    #[error("an event is larger than {0} bytes")]
    TooLarge(usize),
}

/// Turns pushed bytes into events.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    /// The line that has not ended yet.
    line: Vec<u8>,
    /// Bytes in the fields of the event that has not ended yet.
    size: usize,
    /// The event that has not ended yet, but for its data.
    event: Event,
    /// Its data, once a data field came.
    data: Option<String>,
    /// The last byte was a carriage return: a line feed right after it belongs to the same line end.
    after_cr: bool,
    /// No line was seen yet, so a byte order mark may come.
    at_start: bool,
    failed: bool,
}

impl Decoder {
    /// A decoder that refuses events larger than `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            size: 0,
            event: Event::default(),
            data: None,
            after_cr: false,
            at_start: true,
            failed: false,
        }
    }

    /// Takes the next bytes and gives the events that they complete. After an error every push fails.
    ///
    /// When the cap is hit, events completed earlier in the same push are lost with the stream.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, SseError> {
        let mut events = Vec::new();
        let mut rest = bytes;
        while !self.failed && !rest.is_empty() {
            if std::mem::take(&mut self.after_cr)
                && let [b'\n', after @ ..] = rest
            {
                rest = after;
                continue;
            }
            let end = memchr::memchr2(b'\n', b'\r', rest);
            let (part, tail) = rest.split_at(end.unwrap_or(rest.len()));
            if self.size + self.line.len() + part.len() > self.limit {
                self.failed = true;
                break;
            }
            let [ending, after @ ..] = tail else {
                self.line.extend_from_slice(part);
                break;
            };
            self.after_cr = *ending == b'\r';
            rest = after;
            if self.line.is_empty() {
                events.extend(self.end_line(part));
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(part);
                events.extend(self.end_line(&line));
                // The buffer is kept: the next partial line will need one again.
                line.clear();
                self.line = line;
            }
        }
        if self.failed { Err(SseError::TooLarge(self.limit)) } else { Ok(events) }
    }

    /// One whole line; a blank one completes an event.
    fn end_line(&mut self, line: &[u8]) -> Option<Event> {
        let line = match line.strip_prefix(b"\xef\xbb\xbf") {
            Some(line) if self.at_start => line,
            _ => line,
        };
        self.at_start = false;
        if line.is_empty() {
            return self.end_event();
        }
        self.size += line.len();
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = String::from_utf8_lossy(value.strip_prefix(b" ").unwrap_or(value));
        match name {
            b"data" => match &mut self.data {
                Some(data) => data.extend(["\n", &value]),
                None => self.data = Some(value.into_owned()),
            },
            b"event" => self.event.event = Some(value.into_owned()).filter(|kind| !kind.is_empty()),
            b"id" if !value.contains('\0') => self.event.id = Some(value.into_owned()),
            b"retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.event.retry = value.parse().ok();
            }
            // A comment or an unknown field occupies nothing.
            _ => self.size -= line.len(),
        }
        None
    }

    fn end_event(&mut self) -> Option<Event> {
        self.size = 0;
        let event = std::mem::take(&mut self.event);
        match self.data.take() {
            Some(data) => Some(Event { data, ..event }),
            None => (event.id.is_some() || event.retry.is_some()).then_some(event),
        }
    }
}
