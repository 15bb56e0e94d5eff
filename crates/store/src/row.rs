//! Structs that are read from rows by the names of their fields.
//!
//! sqlx has a derive for this. Its macro crate would be compiled for the build machine together with both databases
//! and a TLS library, which costs a fifth of the time that the whole program takes to build.

/// Declares a struct of columns. A field after `..` is a struct of columns itself, read from the same row.
macro_rules! row {
    (
        $(#[$about:meta])*
        $visible:vis struct $name:ident {
            $($column:ident: $kind:ty,)*
            $(..$group:ident: $columns:ty,)*
        }
    ) => {
        $(#[$about])*
        $visible struct $name {
            $($column: $kind,)*
            $($group: $columns,)*
        }

        impl<'r, R> sqlx::FromRow<'r, R> for $name
        where
            R: sqlx::Row,
            &'static str: sqlx::ColumnIndex<R>,
            $($kind: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,)*
            $($columns: sqlx::FromRow<'r, R>,)*
        {
            fn from_row(row: &'r R) -> sqlx::Result<Self> {
                Ok(Self {
                    $($column: row.try_get(stringify!($column))?,)*
                    $($group: <$columns as sqlx::FromRow<'r, R>>::from_row(row)?,)*
                })
            }
        }
    };
}
