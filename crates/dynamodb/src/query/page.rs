//! The walk over one page: at most `Limit` entries, and no further once 1 MB was read.

use std::ops::ControlFlow;

use nephos_store::{Range, Read, View};

use super::plan::{Output, Plan};
use super::target::Target;
use crate::Error;
use crate::items::capacity::{Usage, read_units};
use crate::items::get::projected;
use crate::keys;
use crate::schema::place_of_stored;
use crate::value::{AttributeMap, Attributes, Item, ItemRef};

/// A page ends with the entry by which it reaches this size, counted before filter and projection.
const MAX_PAGE_BYTES: usize = 1 << 20;

/// A page.
#[derive(Default)]
pub struct Page {
    /// What is returned; none where only the count is wanted.
    pub items: Vec<AttributeMap>,
    /// How many entries passed the filter.
    pub count: usize,
    /// How many were looked at.
    pub scanned: usize,
    /// Where the next page starts behind, unless this was the last.
    pub position: Option<Attributes>,
    /// The capacity that it used.
    pub usage: Usage,
}

/// Reads a page of `range`.
pub fn read(view: &View, target: &Target, range: &Range, plan: &Plan) -> Result<Page, Error> {
    let mut page = Page::default();
    let mut entries = Vec::new();
    let mut bytes = 0;
    let mut failed = None;
    let range = plan.limit.map_or_else(|| range.clone(), |limit| range.clone().limit(limit));
    view.scan(&range, &mut |_, row| {
        let item = match ItemRef::from_stored(row) {
            Ok(item) => item,
            Err(error) => {
                failed = Some(error);
                return ControlFlow::Break(());
            }
        };
        bytes += item.size();
        page.scanned += 1;
        match plan.output {
            // The filter sees the item that is looked up.
            Output::Fetched(_) => entries.push(item.to_item()),
            _ => page.take(item, plan),
        }
        if bytes >= MAX_PAGE_BYTES || plan.limit == Some(page.scanned) {
            page.position = Some(target.position_of(item));
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    failed.map_or(Ok(()), Err)?;
    page.charge(target, read_units(bytes, plan.consistent));
    page.fetch(view, target, &entries, plan)?;
    Ok(page)
}

impl Page {
    /// Keeps an entry if it passes the filter.
    fn take(&mut self, item: ItemRef<'_>, plan: &Plan) {
        if plan.filter.as_ref().is_some_and(|filter| !filter.holds(Some(item))) {
            return;
        }
        self.count += 1;
        match &plan.output {
            Output::Count => {}
            Output::Held => self.items.push(item.to_item().into()),
            Output::Parts(projection) => self.items.push(projection.apply(item)),
            Output::Fetched(projection) => self.items.push(projected(item.to_item(), projection.as_ref())),
        }
    }

    fn charge(&mut self, target: &Target, units: f64) {
        match target.index() {
            None => self.usage.table += units,
            Some(index) => {
                let used = if target.is_global() { &mut self.usage.globals } else { &mut self.usage.locals };
                used.insert(index.name.clone(), units);
            }
        }
    }

    /// Looks up the items of a local index's entries, each of which costs a read of its own.
    fn fetch(&mut self, view: &View, target: &Target, entries: &[Item], plan: &Plan) -> Result<(), Error> {
        let places = entries.iter().filter_map(|entry| place_of_stored(&target.table, entry.view()));
        let rows: Vec<_> = places.map(|place| keys::item(target.table.id, &place)).collect();
        if rows.is_empty() {
            return Ok(());
        }
        for row in view.get_many(&rows)?.into_iter().flatten() {
            let item = Item::from_stored(row)?;
            self.usage.table += read_units(item.size(), plan.consistent);
            self.take(item.view(), plan);
        }
        Ok(())
    }
}
