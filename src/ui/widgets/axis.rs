//! Figures in words people read, by their unit, and the round ones among them for an axis.

use crate::ui::text;

/// What a metric's values become by a rate: `bytes` to `bytes_per_second`.
pub fn per_second(unit: &str) -> String {
    if unit.is_empty() { PER_SECOND.to_owned() } else { format!("{unit}_{PER_SECOND}") }
}

const PER_SECOND: &str = "per_second";

/// A value of a metric's unit in words: `1.5 GiB`, `42%`, `350 ms`, `12 W`.
pub fn words(value: f64, unit: &str) -> String {
    let (base, rate) = match unit.strip_suffix(PER_SECOND) {
        Some(base) => (base.trim_end_matches('_'), true),
        None => (unit, false),
    };
    let said = match base {
        "bytes" => scaled(value, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB"]),
        "hertz" => scaled(value, 1000.0, &["Hz", "kHz", "MHz", "GHz"]),
        "ratio" => format!("{}%", number(value * 100.0)),
        "seconds" if !rate && value.abs() >= 120.0 => {
            #[expect(clippy::cast_possible_truncation, reason = "a float that is cast stays within i64")]
            let passed = text::duration((value.abs() * 1e6) as i64);
            if value < 0.0 { format!("-{passed}") } else { passed }
        }
        "seconds" if value != 0.0 && value.abs() < 1.0 => format!("{} ms", number(value * 1000.0)),
        "seconds" => format!("{} s", number(value)),
        "celsius" => format!("{} C", number(value)),
        "watts" => format!("{} W", number(value)),
        "dollars" => format!("${}", text::decimals(value, 2)),
        "" => scaled(value, 1000.0, &["", "k", "M", "G"]),
        other => format!("{} {}", scaled(value, 1000.0, &["", "k", "M", "G"]), text::clean(other)),
    };
    if rate { format!("{said}/s") } else { said }
}

/// A value in the largest unit that it fills, each `base` times the one before.
fn scaled(value: f64, base: f64, units: &[&str]) -> String {
    let (mut value, mut place) = (value, 0);
    while value.abs() >= base && place + 1 < units.len() {
        value /= base;
        place += 1;
    }
    // A multiplier without a unit stands close to its number.
    let gap = if units[0].is_empty() { "" } else { " " };
    format!("{}{gap}{}", number(value), units[place])
}

/// Three digits that count, without zeros at the end.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        0.0.. if value.abs() >= 0.01 || value == 0.0 => 2,
        _ => 4,
    };
    let written = text::decimals(value, decimals);
    if written.contains('.') { written.trim_end_matches('0').trim_end_matches('.').to_owned() } else { written }
}

/// The values that an axis shows, and those that it names.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Its lower end.
    pub low: f64,
    /// Its upper end, above the lower.
    pub high: f64,
    /// Round values from the lower end to the upper.
    pub ticks: Vec<f64>,
}

impl Axis {
    /// An axis on which values from `low` to `high` lie, with about `count` ticks. It begins at zero unless the values
    /// would take less than half of it.
    pub fn new(low: f64, high: f64, unit: &str, count: usize) -> Self {
        let (mut low, mut high) = (low.min(high), high.max(low));
        if low >= 0.0 && (low <= high / 2.0 || low >= high) {
            low = 0.0;
        }
        if high <= 0.0 && low >= high {
            // All values are zero, or the same below it.
            high = if high < 0.0 { 0.0 } else { 1.0 };
        }
        let step = step((high - low) / count.max(1) as f64, unit);
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "about as many as were asked for")]
        let steps = (last - first).clamp(1.0, 100.0) as u32;
        let ticks: Vec<f64> = (0..=steps).map(|place| (first + f64::from(place)) * step).collect();
        Self { low: ticks[0], high: ticks[ticks.len() - 1], ticks }
    }

    /// Where a value lies, from 0 at the lower end to 1 at the upper.
    pub fn share(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

/// The smallest round distance that is not below `least`.
fn step(least: f64, unit: &str) -> f64 {
    let least = if least.is_finite() && least > 0.0 { least } else { 1.0 };
    let times = [
        60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 21_600.0, 43_200.0, 86_400.0, 172_800.0,
        604_800.0,
    ];
    if unit == "seconds"
        && least > 50.0
        && let Some(step) = times.into_iter().find(|step| *step >= least)
    {
        return step;
    }
    // Bytes are round in their binary units, everything else in powers of ten.
    let mut scale = 1.0;
    if unit.starts_with("bytes") {
        while scale * 1024.0 <= least {
            scale *= 1024.0;
        }
    }
    let power = 10f64.powf((least / scale).log10().floor());
    let found = [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power * scale).find(|step| *step >= least);
    let found = found.unwrap_or(least);
    // Half a byte and a thousand of a unit are no steps.
    match unit {
        unit if unit.starts_with("bytes") && found > scale * 512.0 => scale * 1024.0,
        "bytes" => found.max(1.0),
        _ => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_said_in_the_words_of_their_unit() {
        for (value, unit, said) in [
            (1_610_612_736.0, "bytes", "1.5 GiB"),
            (0.0, "bytes", "0 B"),
            (1023.0, "bytes", "1023 B"),
            (0.425, "ratio", "42.5%"),
            (0.35, "seconds", "350 ms"),
            (90.0, "seconds", "90 s"),
            (7_200.0, "seconds", "2h00m"),
            (-300.0, "seconds", "-5m00s"),
            (2048.0, "bytes_per_second", "2 KiB/s"),
            (0.25, "seconds_per_second", "250 ms/s"),
            (3.0, "per_second", "3/s"),
            (1.98e9, "hertz", "1.98 GHz"),
            (12_345.0, "tokens", "12.3k tokens"),
            (1.5, "cores", "1.5 cores"),
            (2.0, "dollars", "$2.00"),
            (1_000_000.0, "", "1M"),
        ] {
            assert_eq!(words(value, unit), said);
        }
        assert_eq!(per_second("bytes"), "bytes_per_second");
        assert_eq!(words(2.0, &per_second("")), "2/s");
    }

    #[test]
    fn an_axis_is_round_and_holds_its_values() {
        let axis = Axis::new(0.1, 0.87, "ratio", 4);
        assert_eq!((axis.low, axis.high), (0.0, 1.0));
        let axis = Axis::new(300.0 * 1_048_576.0, 900.0 * 1_048_576.0, "bytes", 4);
        assert_eq!((axis.low, axis.high), (0.0, 1000.0 * 1_048_576.0));
        // Values that are close to each other are not pressed into a corner.
        let axis = Axis::new(60.0, 64.0, "celsius", 4);
        assert_eq!((axis.low, axis.high), (60.0, 64.0));
        for (low, high) in [(0.0, 0.0), (5.0, 5.0), (-3.0, -3.0), (-2.0, 7.0), (0.0, 1e-9), (1e15, 3e15)] {
            for unit in ["", "bytes", "seconds", "ratio"] {
                let axis = Axis::new(low, high, unit, 5);
                assert!(axis.low <= low && axis.high >= high && axis.low < axis.high, "{low} {high} {unit}: {axis:?}");
                assert!(axis.ticks.len() <= 8, "{axis:?}");
            }
        }
    }
}
