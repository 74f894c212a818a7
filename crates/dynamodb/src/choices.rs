//! Enumerations of the model as Rust enums, open for what the model does not know. Their values are listed in the order
//! in which AWS's messages list them.

use nephos_wire::{Field, Kind, ReadError, Reader, Rules, Type, Value, Writer};

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident: $($variant:ident = $text:literal),+;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the variants are the model's")]
        pub enum $name {
            $($variant,)+
            /// What the model does not know; validation refuses it.
            Unknown(String),
        }

        impl $name {
            /// The value as it is spelled on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$variant => $text,)+
                    $name::Unknown(text) => text,
                }
            }
        }

        impl Field for $name {
            fn read(_: &'static Type, reader: &mut dyn Reader) -> Result<Self, ReadError> {
                let text = reader.string()?;
                Ok(match text.as_str() {
                    $($text => $name::$variant,)+
                    _ => $name::Unknown(text),
                })
            }
        }

        impl Value for $name {
            fn write(&self, _: &'static Type, writer: &mut dyn Writer) {
                static TYPE: Type = Type {
                    name: stringify!($name),
                    kind: Kind::String,
                    rules: Rules { min: None, max: None, pattern: None, values: &[$($text),+], sensitive: false },
                };
                writer.string(&TYPE, self.as_str());
            }
        }
    )*};
}

choices! {
    /// What a write gives back of the item.
    ReturnValues: AllNew = "ALL_NEW", UpdatedOld = "UPDATED_OLD", AllOld = "ALL_OLD", None = "NONE",
        UpdatedNew = "UPDATED_NEW";
    /// What a call says of the capacity that it used.
    ReturnConsumedCapacity: Indexes = "INDEXES", Total = "TOTAL", None = "NONE";
    /// Whether a write tells the size of the item's collection.
    ReturnItemCollectionMetrics: Size = "SIZE", None = "NONE";
    /// Whether a condition that is not met gives back the item.
    ReturnOnFailure: AllOld = "ALL_OLD", None = "NONE";
    /// Which attributes a query or scan returns.
    Select: SpecificAttributes = "SPECIFIC_ATTRIBUTES", Count = "COUNT", AllAttributes = "ALL_ATTRIBUTES",
        AllProjectedAttributes = "ALL_PROJECTED_ATTRIBUTES";
    /// A comparison of the legacy conditions.
    ComparisonOperator: In = "IN", Null = "NULL", Between = "BETWEEN", Lt = "LT", NotContains = "NOT_CONTAINS", Eq = "EQ",
        Gt = "GT", NotNull = "NOT_NULL", Ne = "NE", Le = "LE", BeginsWith = "BEGINS_WITH", Ge = "GE",
        Contains = "CONTAINS";
    /// How legacy conditions are joined.
    ConditionalOperator: Or = "OR", And = "AND";
    /// What a legacy update does with an attribute.
    AttributeAction: Add = "ADD", Put = "PUT", Delete = "DELETE";
    /// The type of a key attribute.
    ScalarAttributeType: B = "B", N = "N", S = "S";
    /// Whether a key attribute decides the partition or the order.
    KeyType: Hash = "HASH", Range = "RANGE";
    /// How a table is paid for.
    BillingMode: Provisioned = "PROVISIONED", PayPerRequest = "PAY_PER_REQUEST";
    /// What of an item an index holds.
    ProjectionType: All = "ALL", Include = "INCLUDE", KeysOnly = "KEYS_ONLY";
}
