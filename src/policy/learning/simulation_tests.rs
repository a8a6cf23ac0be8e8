//! Nights in which strategies help with known probabilities: what is learned of them, and how fast.
//!
//! Every seed is fixed, so that a test either holds always or never.

use std::time::Duration;

use crate::policy::learning::chance::Chance;
use crate::policy::learning::evidence::{Context, Evidence, Figures, learned};
use crate::support::clock::Timestamp;

const CANDIDATES: [&str; 2] = ["wait_for_reconnection", "rotate_endpoint"];
const CONTEXT: Context<'static> = Context {
    tool: "curl",
    category: "network",
    task: None,
};

/// Failures of one pattern, a few each night, and which strategy came first.
struct World {
    figures: Figures,
    chance: Chance,
    seed: u64,
    now: Timestamp,
    /// The place among the candidates of what was tried, for each night.
    nights: Vec<Vec<usize>>,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            figures: Figures::default(),
            chance: Chance::new(seed.wrapping_mul(0x1234_5677)),
            seed: seed << 32,
            now: Timestamp::from_millis(1_800_000_000_000),
            nights: Vec::new(),
        }
    }

    /// Lives through so many nights of three failures each, in which the candidates help this often.
    fn nights(&mut self, nights: usize, helps: [f64; 2]) {
        for _ in 0..nights {
            let mut tried = Vec::new();
            for _ in 0..3 {
                self.seed += 1;
                let ranked =
                    learned(&self.figures, CONTEXT, self.now).order(&CANDIDATES, self.seed);
                let place = usize::from(ranked[0].strategy == CANDIDATES[1]);
                let helped = self.chance.share() < helps[place];
                let one = Evidence {
                    strategy: CANDIDATES[place].to_owned(),
                    helped,
                    at: self.now,
                    tool: Some("curl".to_owned()),
                    category: "network".to_owned(),
                };
                self.figures.evidence.insert(0, one);
                tried.push(place);
                self.now = self.now.plus(Duration::from_mins(7));
            }
            self.nights.push(tried);
            self.now = self.now.plus(Duration::from_hours(23));
        }
    }

    /// How often the second candidate came first, of all in these nights.
    fn second(&self, nights: std::ops::Range<usize>) -> (usize, usize) {
        let tried: Vec<usize> = self.nights[nights].concat();
        (tried.iter().sum(), tried.len())
    }
}

/// The share of the second candidate in these nights, over forty worlds.
fn share(nights: std::ops::Range<usize>, live: impl Fn(&mut World)) -> f64 {
    let (mut second, mut all) = (0, 0);
    for seed in 1..=40 {
        let mut world = World::new(seed);
        live(&mut world);
        let (one, both) = world.second(nights.clone());
        second += one;
        all += both;
    }
    f64::from(u32::try_from(second).unwrap()) / f64::from(u32::try_from(all).unwrap())
}

#[test]
fn the_better_of_two_strategies_is_found_although_it_stands_second() {
    let live = |world: &mut World| world.nights(40, [0.35, 0.9]);
    let (early, late) = (share(0..3, live), share(15..40, live));
    assert!(early < 0.5, "{early}");
    assert!(late > 0.85, "{late}");
}

#[test]
fn the_built_in_order_holds_where_it_is_right() {
    let second = share(10..40, |world| world.nights(40, [0.9, 0.35]));
    assert!(second < 0.15, "{second}");
}

#[test]
fn the_worse_one_is_still_tried_now_and_then() {
    let mut worlds_that_explored = 0;
    for seed in 1..=40 {
        let mut world = World::new(seed);
        world.nights(200, [0.5, 0.8]);
        let (second, all) = world.second(140..200);
        worlds_that_explored += u32::from(second < all);
        assert!(second * 2 > all, "seed {seed}: {second} of {all}");
    }
    assert!(worlds_that_explored >= 36, "{worlds_that_explored}");
}

#[test]
fn a_world_that_changes_is_noticed() {
    let live = |world: &mut World| {
        world.nights(60, [0.9, 0.3]);
        world.nights(60, [0.1, 0.9]);
    };
    let (before, soon, later) = (
        share(40..60, live),
        share(70..80, live),
        share(90..120, live),
    );
    assert!(before < 0.1, "{before}");
    assert!(soon > 0.6, "{soon}");
    assert!(later > 0.85, "{later}");
}

#[test]
fn a_choice_can_be_made_again_from_what_is_stored_with_it() {
    let mut world = World::new(5);
    world.nights(10, [0.4, 0.7]);
    let seed = 77;
    let stored = learned(&world.figures, CONTEXT, world.now).order(&CANDIDATES, seed);
    let again = learned(&world.figures.clone(), CONTEXT, world.now).order(&CANDIDATES, seed);
    assert_eq!(stored, again);
    assert!(
        stored
            .iter()
            .all(|one| one.draw.is_some() && one.expected.is_some())
    );
}
