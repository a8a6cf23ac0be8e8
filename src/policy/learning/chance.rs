//! Chance that can be had again: numbers from a seed, and draws from a beta distribution.
//!
//! Our own few lines, because a draw is explained later: the same seed must give the same draw in every
//! version of the program and on every machine. Normal numbers are made by the polar method, gamma
//! numbers by that of Marsaglia and Tsang (2000). Not for secrets.

/// A sequence of numbers that a seed decides (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The sequence of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// A number above 0 and below 1.
    #[expect(
        clippy::cast_precision_loss,
        reason = "53 bits fit into the fraction of a number exactly"
    )]
    pub fn share(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// A number of the normal distribution.
    fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (2.0 * self.share() - 1.0, 2.0 * self.share() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * square.ln() / square).sqrt();
            }
        }
    }

    /// A number of the gamma distribution of this shape.
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let larger = self.gamma(shape + 1.0);
            return larger * self.share().powf(1.0 / shape);
        }
        let base = shape - 1.0 / 3.0;
        let scale = 1.0 / (9.0 * base).sqrt();
        loop {
            let normal = self.normal();
            let root = 1.0 + scale * normal;
            if root <= 0.0 {
                continue;
            }
            let cube = root * root * root;
            if self.share().ln() < 0.5 * normal * normal + base - base * cube + base * cube.ln() {
                return base * cube;
            }
        }
    }

    /// A number of the beta distribution of these parameters, which are above 0.
    pub fn beta(&mut self, alpha: f64, beta: f64) -> f64 {
        let (one, other) = (self.gamma(alpha), self.gamma(beta));
        let sum = one + other;
        // Both can be too small for a number where the parameters are tiny.
        if sum > 0.0 { one / sum } else { 0.5 }
    }
}

/// Bits that have nothing to do with each other for neighbouring numbers.
pub const fn mixed(number: u64) -> u64 {
    let mut bits = number;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: u32 = 20_000;

    fn draws(seed: u64, alpha: f64, beta: f64) -> Vec<f64> {
        let mut chance = Chance::new(seed);
        (0..DRAWS).map(|_| chance.beta(alpha, beta)).collect()
    }

    #[test]
    fn a_seed_gives_the_same_numbers_for_ever() {
        let mut chance = Chance::new(0);
        // The published sequence of SplitMix64.
        assert_eq!(chance.bits(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(chance.bits(), 0x6e78_9e6a_a1b9_65f4);
        let mut one = Chance::new(7);
        let mut other = Chance::new(7);
        assert!((0..100).all(|_| one.beta(2.0, 3.0).to_bits() == other.beta(2.0, 3.0).to_bits()));
        let first = Chance::new(7).beta(2.0, 3.0);
        assert!((first - Chance::new(8).beta(2.0, 3.0)).abs() > f64::EPSILON);
    }

    #[test]
    fn draws_lie_below_known_quantiles_as_often_as_they_should() {
        // Where the distribution function is known in closed form.
        let arcsine = |share: f64| (std::f64::consts::FRAC_PI_2 * share).sin().powi(2);
        for (alpha, beta, quantile, share) in [
            (1.0, 1.0, 0.25, 0.25),
            (5.0, 1.0, 0.5_f64.powf(0.2), 0.5),
            (1.0, 3.0, 1.0 - 0.1_f64.powf(1.0 / 3.0), 0.9),
            (0.5, 0.5, arcsine(0.25), 0.25),
            (0.5, 0.5, arcsine(0.8), 0.8),
            (2.0, 2.0, 0.5, 0.5),
            (2.0, 3.0, 0.385_728, 0.5),
            (40.0, 40.0, 0.5, 0.5),
        ] {
            let below = draws(11, alpha, beta)
                .into_iter()
                .filter(|draw| *draw < quantile)
                .count();
            let seen = f64::from(u32::try_from(below).unwrap()) / f64::from(DRAWS);
            // Four times the standard deviation of the count.
            let slack = 4.0 * (share * (1.0 - share) / f64::from(DRAWS)).sqrt();
            assert!(
                (seen - share).abs() < slack,
                "beta({alpha}, {beta}): {seen} of {share}"
            );
        }
    }

    #[test]
    fn mean_and_variance_are_those_of_the_distribution() {
        for (alpha, beta) in [(2.0, 3.0), (0.3, 0.7), (80.0, 20.0), (0.01, 5.0)] {
            let draws = draws(3, alpha, beta);
            let count = f64::from(DRAWS);
            let mean: f64 = draws.iter().sum::<f64>() / count;
            let variance: f64 = draws.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / count;
            let sum: f64 = alpha + beta;
            let known = alpha * beta / (sum * sum * (sum + 1.0));
            assert!((mean - alpha / sum).abs() < 0.01, "{alpha} {beta}: {mean}");
            assert!(
                (variance - known).abs() < 0.01,
                "{alpha} {beta}: {variance}"
            );
            assert!(draws.iter().all(|one| (0.0..=1.0).contains(one)));
        }
    }
}
