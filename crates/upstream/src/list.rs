//! Reading a list of an upstream's page by page. Pure: pages come in, the parameters of the next request go out.
//!
//! A server that never ends its list, or repeats a cursor, gets an error rather than a list cut short: what is
//! missing from a list counts as gone.

use std::collections::HashSet;

use protocol::json::{self, RawObject, raw_text};
use serde_json::value::RawValue;

use crate::{
    call::{ListKind, empty_object},
    fault::Fault,
};

/// The most pages of one list.
const PAGES: usize = 1_000;
/// The most items of one list.
const ITEMS: usize = 20_000;
/// The most bytes of one list.
const BYTES: usize = 128 << 20;

/// A list that is being read.
#[derive(Debug)]
pub(crate) struct Paging {
    kind: ListKind,
    seen: HashSet<String>,
    bytes: usize,
    /// What was read so far.
    pub(crate) items: Vec<Box<RawValue>>,
}

impl Paging {
    pub(crate) fn new(kind: ListKind) -> Self {
        Self { kind, seen: HashSet::new(), bytes: 0, items: Vec::new() }
    }

    /// Takes a page. Gives the parameters for the next one, if there is one.
    pub(crate) fn take(&mut self, page: &RawValue) -> Result<Option<Box<RawValue>>, Fault> {
        let member = self.kind.member();
        let page = RawObject::parse(page).map_err(|_| self.wrong("is no object"))?;
        let items = page.get(member).and_then(json::elements);
        let items = items.ok_or_else(|| self.wrong(&format!("has no list of {member}")))?;
        self.bytes += page.get(member).map_or(0, |items| items.get().len());
        self.items.extend(items.into_iter().map(ToOwned::to_owned));
        if self.items.len() > ITEMS || self.bytes > BYTES {
            return Err(self.wrong(&format!("has more than {ITEMS} items or {BYTES} bytes")));
        }
        let cursor = match page.get("nextCursor").filter(|cursor| !json::is_null(cursor)) {
            None => return Ok(None),
            Some(cursor) => {
                json::as_text(cursor).ok_or_else(|| self.wrong("has a cursor that is no string"))?
            }
        };
        // Some servers mean the end by an empty cursor.
        if cursor.is_empty() {
            return Ok(None);
        }
        let mut params = RawObject::new();
        params.set("cursor", raw_text(&cursor));
        if !self.seen.insert(cursor.into_owned()) {
            return Err(self.wrong("repeats a cursor"));
        }
        if self.seen.len() >= PAGES {
            return Err(self.wrong(&format!("has more than {PAGES} pages")));
        }
        Ok(Some(params.to_raw()))
    }

    /// The parameters for the first page.
    pub(crate) fn first() -> Box<RawValue> {
        empty_object()
    }

    fn wrong(&self, what: &str) -> Fault {
        Fault::Useless(format!("answered {} with a list that {what}", self.kind.method()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(paging: &mut Paging, page: &str) -> Result<Option<String>, String> {
        let page: Box<RawValue> = serde_json::from_str(page).unwrap();
        let next = paging.take(&page).map_err(|fault| fault.into_error("s").to_string())?;
        Ok(next.map(|params| params.get().to_owned()))
    }

    #[test]
    fn every_page_is_read_and_items_keep_their_bytes() {
        let mut paging = Paging::new(ListKind::Templates);
        let page = r#"{"resourceTemplates":[{"a":1e400}, 2],"nextCursor":"x\"y"}"#;
        assert_eq!(take(&mut paging, page), Ok(Some(r#"{"cursor":"x\"y"}"#.to_owned())));
        assert_eq!(take(&mut paging, r#"{"nextCursor":"","resourceTemplates":[3]}"#), Ok(None));
        let items: Vec<_> = paging.items.iter().map(|item| item.get()).collect();
        assert_eq!(items, [r#"{"a":1e400}"#, "2", "3"]);
        assert_eq!(take(&mut Paging::new(ListKind::Tools), r#"{"tools":[],"nextCursor":null}"#), Ok(None));
    }

    #[test]
    fn nonsense_is_refused_and_named() {
        for (page, named) in [
            ("[]", "is no object"),
            ("{}", "no list of tools"),
            (r#"{"tools":{}}"#, "no list of tools"),
            (r#"{"tools":[],"nextCursor":7}"#, "cursor that is no string"),
        ] {
            let error = take(&mut Paging::new(ListKind::Tools), page).unwrap_err();
            assert!(error.contains(named) && error.contains("tools/list"), "{error}");
        }
    }

    #[test]
    fn endless_lists_end_in_an_error() {
        let mut paging = Paging::new(ListKind::Tools);
        take(&mut paging, r#"{"tools":[],"nextCursor":"a"}"#).unwrap();
        take(&mut paging, r#"{"tools":[],"nextCursor":"b"}"#).unwrap();
        let repeated = take(&mut paging, r#"{"tools":[],"nextCursor":"a"}"#).unwrap_err();
        assert!(repeated.contains("repeats a cursor"), "{repeated}");

        let mut paging = Paging::new(ListKind::Tools);
        let endless = (0..)
            .find_map(|page| take(&mut paging, &format!(r#"{{"tools":[],"nextCursor":"{page}"}}"#)).err());
        assert!(endless.unwrap().contains("more than 1000 pages"));

        let mut paging = Paging::new(ListKind::Tools);
        let page = format!(r#"{{"tools":[{}1]}}"#, "1,".repeat(ITEMS));
        assert!(take(&mut paging, &page).unwrap_err().contains("more than 20000 items"));
    }
}
