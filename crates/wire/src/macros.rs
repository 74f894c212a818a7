//! The two macros of generated and hand-written tables.

/// Implements the wire traits for a generated structure: its schema, and each member's index and field.
#[macro_export]
macro_rules! shape {
    ($name:ident, $schema:expr $(, $index:literal $field:ident)* $(,)?) => {
        impl $crate::Shape for $name {
            fn schema(&self) -> &'static $crate::Structure {
                $schema
            }

            fn value(&self, index: usize) -> Option<&dyn $crate::Value> {
                match index {
                    $($index => self.$field.as_ref().map(|v| v as &dyn $crate::Value),)*
                    _ => None,
                }
            }

            fn slot(&mut self, index: usize) -> Option<&mut dyn $crate::Slot> {
                match index {
                    $($index => Some(&mut self.$field),)*
                    _ => None,
                }
            }
        }

        impl $crate::Field for $name {
            fn read(
                _: &'static $crate::Type,
                reader: &mut dyn $crate::Reader,
            ) -> Result<Self, $crate::ReadError> {
                let mut shape = Self::default();
                reader.structure(&mut shape)?;
                Ok(shape)
            }
        }

        impl $crate::Value for $name {
            fn write(&self, ty: &'static $crate::Type, writer: &mut dyn $crate::Writer) {
                writer.structure(ty, self);
            }
        }
    };
}

/// The operation table of a service: one row an operation. The generated module `op` must be in scope.
///
/// ```text
/// use crate::shapes::op;
/// operations! { DynamoDb =>
///     CreateTable(tables::create_table, access::create_table);  // handler, then what it must be allowed to do
///     PutObject(stream objects::put, access::put_object);       // streamed body in and out
///     SignUp(users::sign_up, public);                           // open to unsigned callers, nothing to authorise
/// }
/// ```
/// A handler is `async fn(&Service, &Cx, Input) -> Result<Output, E>` with `E: Into<Fault>`; a streaming one takes
/// a [`Body`](crate::Body) last and gives `(Output, Body)`. An access function is
/// `Fn(&Service, &Cx, &Input) -> Result<Vec<Access>, E>`; every access is authorised before the handler runs.
#[macro_export]
macro_rules! operations {
    ($service:ty => $($op:ident $row:tt ;)*) => {
        /// The operations, in the order of the table.
        pub static ROWS: &[$crate::Row<$service>] = &[$($crate::operation_row!($service, $op, $row)),*];
    };
}

/// One row of [`operations!`].
#[doc(hidden)]
#[macro_export]
macro_rules! operation_row {
    ($service:ty, $op:ident, (stream $handler:path, $access:expr)) => {
        $crate::Row::<$service> {
            operation: <op::$op as $crate::OperationShape>::OPERATION,
            public: false,
            typed: None,
            call: |service, cx, model, request| {
                Box::pin(async move {
                    let (input, body) = $crate::service::decode_streaming::<op::$op>(model, request).await?;
                    let access = $access(service, cx, &input);
                    $crate::service::authorize(model, cx, access.map_err(nephos_core::Fault::from)?)?;
                    let answer = $handler(service, cx, input, body).await;
                    let (output, body) = answer.map_err(nephos_core::Fault::from)?;
                    $crate::service::encode_streaming::<op::$op>(model, cx, &output, body)
                })
            },
        }
    };
    ($service:ty, $op:ident, ($handler:path, public)) => {
        $crate::Row::<$service> {
            operation: <op::$op as $crate::OperationShape>::OPERATION,
            public: true,
            typed: Some(|service, cx, model, input| {
                Box::pin(async move {
                    let input = $crate::service::unbox::<op::$op>(model, input)?;
                    let output = $handler(service, cx, input).await.map_err(nephos_core::Fault::from)?;
                    Ok(Box::new(output) as $crate::service::AnyShape)
                })
            }),
            call: |service, cx, model, request| {
                Box::pin(async move {
                    let input = $crate::service::decode::<op::$op>(model, request).await?;
                    let output = $handler(service, cx, input).await.map_err(nephos_core::Fault::from)?;
                    $crate::service::encode::<op::$op>(model, cx, &output)
                })
            },
        }
    };
    ($service:ty, $op:ident, ($handler:path, $access:expr)) => {
        $crate::Row::<$service> {
            operation: <op::$op as $crate::OperationShape>::OPERATION,
            public: false,
            typed: Some(|service, cx, model, input| {
                Box::pin(async move {
                    let input = $crate::service::unbox::<op::$op>(model, input)?;
                    let access = $access(service, cx, &input);
                    $crate::service::authorize(model, cx, access.map_err(nephos_core::Fault::from)?)?;
                    let output = $handler(service, cx, input).await.map_err(nephos_core::Fault::from)?;
                    Ok(Box::new(output) as $crate::service::AnyShape)
                })
            }),
            call: |service, cx, model, request| {
                Box::pin(async move {
                    let input = $crate::service::decode::<op::$op>(model, request).await?;
                    let access = $access(service, cx, &input);
                    $crate::service::authorize(model, cx, access.map_err(nephos_core::Fault::from)?)?;
                    let output = $handler(service, cx, input).await.map_err(nephos_core::Fault::from)?;
                    $crate::service::encode::<op::$op>(model, cx, &output)
                })
            },
        }
    };
}
