//! Enums whose values have names: on a command line, in a preset, in a message.
//!
//! The `names!` macro writes a list of the values (`ALL`), their names (`name`, `Display`) and the way
//! back from a name (`FromStr`). What the values mean to people is said by the programs.

/// A name that is none of those there are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given} is not one of: {}", known.join(", "))]
pub struct UnknownName {
    /// What was given.
    pub given: String,
    /// The names there are.
    pub known: Vec<&'static str>,
}

macro_rules! names {
    ($type:ty { $($value:ident => $name:literal),+ $(,)? }) => {
        impl $type {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$value),+];

            /// Its name, as people type it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name),+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::names::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($name => Ok(Self::$value),)+
                    _ => Err($crate::names::UnknownName { given: text.into(), known: vec![$($name),+] }),
                }
            }
        }
    };
}
pub(crate) use names;

#[cfg(test)]
#[expect(unreachable_pub, reason = "the macro writes the methods of public enums")]
mod tests {
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Side {
        Left,
        Right,
    }
    names!(Side { Left => "left", Right => "right" });

    #[test]
    fn names_lead_back_to_their_values() {
        for side in Side::ALL {
            assert_eq!(side.to_string().parse(), Ok(*side));
        }
        let error = "up".parse::<Side>().expect_err("no side");
        assert_eq!(error.to_string(), "up is not one of: left, right");
    }
}
