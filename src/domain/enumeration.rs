//! One way to write every enumeration of the data model: closed, spelled in `snake_case`, and able to say in an error
//! what it would have accepted.

/// Declares an enumeration with its spellings.
///
/// Gives `ALL`, `as_str`, `Display`, `FromStr` (whose error is a [`Refusal`](crate::domain::Refusal) that lists the
/// allowed values), serde and JSON schema. A spelling after `|` is read as the same value but never written.
macro_rules! enumeration {
    (
        $(#[$meta:meta])*
        pub enum $name:ident ($field:literal) {
            $( $(#[$vmeta:meta])* $variant:ident = $text:literal $(| $alias:literal)* ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(try_from = "String", into = "&'static str")]
        pub enum $name {
            $( $(#[$vmeta])* #[schemars(rename = $text)] $variant ),+
        }

        impl $name {
            /// Every value, in the order of its declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The spelling used in JSON, in tables and in the store.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::Refusal;
            fn from_str(text: &str) -> Result<Self, <Self as std::str::FromStr>::Err> {
                match text {
                    $( $text $(| $alias)* => Ok($name::$variant), )+
                    _ => Err($crate::domain::Refusal::not_one_of($field, text, &[$($text),+])),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::domain::Refusal;
            fn try_from(text: String) -> Result<Self, <Self as TryFrom<String>>::Error> { text.parse() }
        }

        impl From<$name> for &'static str {
            fn from(value: $name) -> &'static str { value.as_str() }
        }
    };
}

pub(crate) use enumeration;
