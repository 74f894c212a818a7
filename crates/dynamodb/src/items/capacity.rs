//! What calls cost, by AWS's rules: reads round up to 4 KB and halve when they need not be consistent, writes round up
//! to 1 KB, transactions cost double, and every index entry that is written or removed costs by its own size.

use std::collections::BTreeMap;

use crate::choices::ReturnConsumedCapacity;
use crate::names::GivenName;
use crate::shapes::{Capacity, ConsumedCapacity};

const READ_BYTES: usize = 4096;
const WRITE_BYTES: usize = 1024;

/// The units of a read of so many bytes.
pub fn read_units(bytes: usize, consistent: bool) -> f64 {
    let units = bytes.div_ceil(READ_BYTES).max(1) as f64;
    if consistent { units } else { units / 2.0 }
}

/// The units of a write of so many bytes.
pub fn write_units(bytes: usize) -> f64 {
    bytes.div_ceil(WRITE_BYTES).max(1) as f64
}

/// What was used of a table and its indexes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Usage {
    /// Of the table.
    pub table: f64,
    /// Of local indexes.
    pub locals: BTreeMap<String, f64>,
    /// Of global indexes.
    pub globals: BTreeMap<String, f64>,
}

/// Which units a transaction names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// None: it is no transaction.
    Neither,
    /// Read units.
    Read,
    /// Write units.
    Write,
}

impl Usage {
    /// So much of the table alone.
    pub fn of_table(units: f64) -> Usage {
        Usage { table: units, ..Usage::default() }
    }

    /// Adds what another use took.
    pub fn add(&mut self, other: &Usage) {
        self.table += other.table;
        for (own, others) in [(&mut self.locals, &other.locals), (&mut self.globals, &other.globals)] {
            for (name, units) in others {
                *own.entry(name.clone()).or_default() += units;
            }
        }
    }

    /// The same so many times.
    #[must_use]
    pub fn times(mut self, factor: f64) -> Usage {
        self.table *= factor;
        self.locals.values_mut().chain(self.globals.values_mut()).for_each(|units| *units *= factor);
        self
    }

    /// All of it together.
    pub fn total(&self) -> f64 {
        self.table + self.locals.values().sum::<f64>() + self.globals.values().sum::<f64>()
    }

    /// What the caller is told, if it wants to be told.
    pub fn report(
        &self,
        table: &GivenName,
        wanted: Option<&ReturnConsumedCapacity>,
        named: Named,
    ) -> Option<ConsumedCapacity> {
        let total = self.total();
        let only = |is: Named, units: f64| (named == is).then_some(units);
        let capacity = |units: f64| Capacity {
            capacity_units: Some(units),
            read_capacity_units: only(Named::Read, units),
            write_capacity_units: only(Named::Write, units),
        };
        let mut report = ConsumedCapacity {
            table_name: Some(table.clone()),
            capacity_units: Some(total),
            read_capacity_units: only(Named::Read, total),
            write_capacity_units: only(Named::Write, total),
            ..ConsumedCapacity::default()
        };
        match wanted {
            Some(ReturnConsumedCapacity::Total) => Some(report),
            Some(ReturnConsumedCapacity::Indexes) => {
                let indexes = |used: &BTreeMap<String, f64>| {
                    let used = used.iter().filter(|(_, units)| **units > 0.0);
                    let used: BTreeMap<String, Capacity> =
                        used.map(|(name, units)| (name.clone(), capacity(*units))).collect();
                    (!used.is_empty()).then_some(used)
                };
                report.table = Some(capacity(self.table));
                report.local_secondary_indexes = indexes(&self.locals);
                report.global_secondary_indexes = indexes(&self.globals);
                Some(report)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_round_up() {
        for (bytes, consistent, eventual, write) in [
            (0, 1.0, 0.5, 1.0),
            (1, 1.0, 0.5, 1.0),
            (1024, 1.0, 0.5, 1.0),
            (1025, 1.0, 0.5, 2.0),
            (4097, 2.0, 1.0, 5.0),
        ] {
            assert_eq!(read_units(bytes, true), consistent);
            assert_eq!(read_units(bytes, false), eventual);
            assert_eq!(write_units(bytes), write);
        }
    }

    #[test]
    fn reports_say_what_was_asked_for() {
        let usage = Usage { table: 1.0, globals: BTreeMap::from([("g".into(), 2.0)]), ..Usage::default() };
        let name = GivenName("t".into());
        let report = |wanted| usage.report(&name, wanted, Named::Neither);
        assert_eq!(report(None), None);
        assert_eq!(report(Some(&ReturnConsumedCapacity::None)), None);
        let total = report(Some(&ReturnConsumedCapacity::Total)).unwrap();
        assert_eq!((total.capacity_units, total.table), (Some(3.0), None));
        let indexes = report(Some(&ReturnConsumedCapacity::Indexes)).unwrap();
        assert_eq!(indexes.table.unwrap().capacity_units, Some(1.0));
        assert_eq!(indexes.global_secondary_indexes.unwrap()["g"].capacity_units, Some(2.0));
        assert_eq!(indexes.local_secondary_indexes, None);
    }
}
