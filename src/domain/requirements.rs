//! What a task asks for.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::quantity::{Bytes, Cpu, TokenLimit};
use super::refusal::Refusal;

/// What one execution of a task holds while it runs, and what its agent must be able to do.
///
/// Quantities that are left out are zero: the execution then holds only its agent's slot and the cage's limits alone
/// bound it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Requirements {
    /// Cores.
    #[serde(skip_serializing_if = "is_zero_cpu")]
    pub cpu: Cpu,
    /// Bytes of memory.
    #[serde(skip_serializing_if = "is_zero_bytes")]
    pub memory: Bytes,
    /// Whole GPU devices.
    #[serde(skip_serializing_if = "is_zero")]
    pub gpu: u32,
    /// Bytes of GPU memory.
    #[serde(skip_serializing_if = "is_zero_bytes")]
    pub gpu_memory: Bytes,
    /// Bytes of disk.
    #[serde(skip_serializing_if = "is_zero_bytes")]
    pub storage: Bytes,
    /// Tokens that the execution is expected to use at most.
    #[serde(skip_serializing_if = "is_zero_u64", deserialize_with = "read_tokens")]
    #[schemars(with = "TokenLimit")]
    pub tokens: u64,
    /// Capabilities that the agent must have, by type.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// Tools that the agent must have among its `tools_available`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
}

/// Tokens may be written as in a cage's limits, but not for a period.
fn read_tokens<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let limit = TokenLimit::deserialize(deserializer)?;
    match limit.per {
        None => Ok(limit.tokens),
        Some(_) => {
            Err(serde::de::Error::custom(Refusal::invalid("tokens", limit, "a count such as 50000 or \"200k\"")))
        }
    }
}

// Serde's `skip_serializing_if` hands out references.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(value: &u32) -> bool {
    *value == 0
}
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero_u64(value: &u64) -> bool {
    *value == 0
}
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero_cpu(value: &Cpu) -> bool {
    value.as_millis() == 0
}
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero_bytes(value: &Bytes) -> bool {
    value.get() == 0
}

/// The most capabilities, and the most tools, that one task may ask for.
const CAPABILITIES_MAX: usize = 64;

impl Requirements {
    /// Checks ranges and brings capabilities and tools into canonical order, so that equal wishes compare equal.
    pub fn normalise(&mut self) -> Result<(), Refusal> {
        if self.gpu > 1024 {
            return Err(Refusal::invalid("requirements.gpu", self.gpu, "0 to 1024 devices"));
        }
        if self.tokens > 1_000_000_000_000_000 {
            return Err(Refusal::invalid("requirements.tokens", self.tokens, "0 to 10^15"));
        }
        for (field, words) in
            [("requirements.capabilities", &mut self.capabilities), ("requirements.tools", &mut self.tools)]
        {
            if words.len() > CAPABILITIES_MAX {
                return Err(Refusal::invalid(field, words.len(), "at most 64 of them"));
            }
            for word in &*words {
                check_name(field, word, 100)?;
            }
            words.sort_unstable();
            words.dedup();
        }
        Ok(())
    }

    /// The countable part, as the allocator adds and compares it.
    pub const fn quantities(&self) -> Quantities {
        Quantities([
            self.cpu.as_millis(),
            self.memory.get(),
            self.gpu as u64,
            self.gpu_memory.get(),
            self.storage.get(),
        ])
    }
}

/// A name is 1 to `max` characters without control characters and without blanks at its ends.
pub fn check_name(field: &str, value: &str, max: usize) -> Result<(), Refusal> {
    let chars = value.chars().take(max + 1).count();
    if chars == 0 || chars > max || value.trim() != value || value.chars().any(char::is_control) {
        // Without a value a refusal names none; that it was empty is what was wrong with this one.
        let field = if value.is_empty() { format!("{field}: \"\" is not allowed") } else { field.to_owned() };
        return Err(Refusal::invalid(
            field,
            value,
            format!("1 to {max} characters, none of them a control character, no blank at either end"),
        ));
    }
    Ok(())
}

/// Quantities of the countable resources, in the order of [`Quantities::NAMES`]: thousandths of a core, bytes of
/// memory, GPU devices, bytes of GPU memory, bytes of disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantities(pub [u64; 5]);

impl Quantities {
    /// What each place counts.
    pub const NAMES: [&'static str; 5] = ["cpu", "memory", "gpu", "gpu_memory", "storage"];
    /// What a cage calls its limits of them: its `disk` is what a task asks for as `storage`.
    pub const LIMITS: [&'static str; 5] = ["cpu", "memory", "gpu", "gpu_memory", "disk"];
    /// Nothing of anything.
    pub const ZERO: Self = Self([0; 5]);

    /// Whether `self` fits into `room` in every place.
    pub fn fits(&self, room: &Self) -> bool {
        self.0.iter().zip(&room.0).all(|(need, have)| need <= have)
    }

    /// The sum, saturating.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i].saturating_add(other.0[i])))
    }

    /// The difference, at least zero in each place.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i].saturating_sub(other.0[i])))
    }

    /// Whether nothing is asked for.
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 5]
    }

    /// One place as people write it: cores, or a size with its unit, or a count.
    pub fn show(place: usize, value: u64) -> String {
        match place {
            0 => Cpu::from_millis(value).to_string(),
            2 => value.to_string(),
            _ => Bytes::new(value).human(),
        }
    }

    /// One place of the room that a cage gives as people write it; the largest value stands for no limit.
    pub fn show_limit(place: usize, value: u64) -> String {
        if value == u64::MAX { "no limit".to_owned() } else { Self::show(place, value) }
    }
}
