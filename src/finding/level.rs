//! Scales: how bad, how sure, what kind.

macro_rules! scale {
    ($(#[$meta:meta])* $name:ident, $what:literal { $($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$doc])* $variant),+
        }

        impl $name {
            /// Every value, the least first.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// As pages, configuration and formats write it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $text),+
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        /// The schemas of `schemas/` name every value.
        #[cfg(test)]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "enum": [$($text),+] })
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok($name::$variant),)+
                    _ => Err(format!(concat!($what, " must be one of {}, not `{}`"), [$($text),+].join(", "), text)),
                }
            }
        }
    };
}

pub(super) use scale;

scale! {
    /// How bad a finding is.
    Severity, "a severity" {
        /// Worth knowing.
        Note = "note",
        /// Risky, or blocked under conditions that are common.
        Warning = "warning",
        /// Exploitable, or certain to be blocked.
        Error = "error",
    }
}

scale! {
    /// How sure a rule is of a finding.
    Confidence, "a confidence" {
        /// It follows in some of the cases that the code leaves open.
        Low = "low",
        /// It follows in most of them.
        Medium = "medium",
        /// It follows from what the code says.
        High = "high",
    }
}

scale! {
    /// What kind of fault a rule finds.
    Category, "a category" {
        /// Works, and costs something later.
        Hygiene = "hygiene",
        /// The browser will refuse.
        Breakage = "breakage",
        /// Somebody may read who should not.
        Exposure = "exposure",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scales_are_ordered_and_read_back() {
        assert!(Severity::Note < Severity::Warning && Severity::Warning < Severity::Error);
        assert!(Confidence::Low < Confidence::High);
        for &severity in Severity::ALL {
            assert_eq!(severity.as_str().parse(), Ok(severity));
        }
        let error = "fatal".parse::<Severity>().unwrap_err();
        assert_eq!(error, "a severity must be one of note, warning, error, not `fatal`");
    }
}
