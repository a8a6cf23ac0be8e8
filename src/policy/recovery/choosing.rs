//! The choice among the strategies that suit a failure.

use crate::model::category::Retryable;
use crate::model::recovery::RecoverMode;
use crate::model::recovery::RecoveryNote;
use crate::model::recovery::RecoveryPlan;
use crate::model::recovery::RecoveryState;
use crate::model::remedy::Remedy;
use crate::model::state::Hold;
use crate::policy::recovery::Choice;
use crate::policy::recovery::Chosen;
use crate::policy::recovery::acts;
use crate::policy::recovery::case::Built;
use crate::policy::recovery::case::Case;
use crate::policy::recovery::case::No;
use crate::policy::recovery::case::Plan;
use crate::policy::recovery::case::allowed;
use crate::policy::recovery::changes;
use crate::policy::recovery::install;
use crate::policy::recovery::learned::Ranked;
use crate::policy::recovery::loops;
use crate::policy::recovery::own;
use crate::policy::recovery::sentences;
use crate::policy::recovery::strategies;
use crate::policy::recovery::strategies::Strategy;
use crate::policy::recovery::waits;
use crate::policy::strategy;
use crate::support::text;

/// The code of a hold for a failure that only a person can do something about.
pub const MANUAL: &str = "manual_intervention";
/// The strategy that is tried when everything else is over.
const FALLBACK: &str = "use_fallback_command";
const ALONE: &str = "run_alone";
const PERSON: &str = "wait_for_manual_intervention";

/// What is found while the strategies of a failure are gone through.
#[derive(Debug, Default)]
struct Search {
    fit: Vec<(&'static Strategy, Built)>,
    notes: Vec<RecoveryNote>,
    /// Why strategies that suit are not used again.
    spent: Vec<String>,
    /// More than mere waiting was tried or would have been.
    is_for_a_person: bool,
}

/// What is done about a failure while there are attempts left.
pub(super) fn ordinary(case: &Case<'_>) -> Choice {
    if let Some(nothing) = barred(case) {
        return nothing;
    }
    let mut search = Search::default();
    if let Some((strategy, built)) = own_entry(case, &mut search) {
        let reason = "the task's own recovery for it".to_owned();
        return finish(case, search, strategy, built, plain(strategy.name), reason);
    }
    let mut names = candidates(case);
    if let Some(able) = case.recovery.able {
        names.retain(|name| able.contains(&name.as_str()));
    }
    for name in &names {
        consider(case, name, build(case, name), &mut search);
    }
    let wants_person = names.iter().any(|name| name == PERSON);
    match first(case, &search) {
        Some((place, ranked)) => {
            let (strategy, built) = search.fit.swap_remove(place);
            let reason = why(case, strategy, &ranked);
            finish(case, search, strategy, built, ranked, reason)
        }
        None => nothing(case, search, wants_person),
    }
}

/// What is done when there are no attempts left, or none would help: what is tried last.
///
/// `may_run_alone`: nobody wrote how many attempts there are, so one more is no breach.
pub(super) fn last_resort(case: &Case<'_>, may_run_alone: bool) -> Choice {
    if let Some(nothing) = barred(case) {
        return nothing;
    }
    let mut search = Search::default();
    if may_run_alone {
        consider(case, ALONE, waits::alone(case), &mut search);
    }
    consider(case, FALLBACK, changes::fallback_command(case), &mut search);
    if search.fit.is_empty() {
        return Choice::default();
    }
    let (strategy, built) = search.fit.swap_remove(0);
    let reason = "nothing else is left to try".to_owned();
    finish(case, search, strategy, built, plain(strategy.name), reason)
}

fn barred(case: &Case<'_>) -> Option<Choice> {
    if case.recovery.mode == RecoverMode::Off {
        return Some(Choice::default());
    }
    let is_over = case.recovery.recoveries_tonight >= loops::MOST_PER_NIGHT;
    is_over.then(|| Choice {
        ended: Some(format!(
            "{} were begun this night, which is the most",
            text::count(
                usize::try_from(loops::MOST_PER_NIGHT).unwrap_or_default(),
                "recovery"
            )
        )),
        ..Choice::default()
    })
}

/// The names of the built-in strategies for a failure, in the order in which they are considered.
fn candidates(case: &Case<'_>) -> Vec<String> {
    if let Some(written) = &case.recovery.strategies {
        return written.clone();
    }
    if case.failure.told && case.failure.retryable == Retryable::No {
        // Somebody who knows says that trying again does not help.
        return Vec::new();
    }
    let usual = strategy::usual(case.failure);
    usual.into_iter().map(str::to_owned).collect()
}

/// The first entry of the task's own that may be used.
fn own_entry(case: &Case<'_>, search: &mut Search) -> Option<(&'static Strategy, Built)> {
    for (name, entry) in own::entries(case) {
        let Some(strategy) = strategies::named(name) else {
            continue;
        };
        let built = own::build(entry);
        if own::uses(entry, &case.recovery.past) >= entry.max_uses {
            let program = acts::program(&entry.command);
            search.spent.push(format!(
                "`{program}` was run as often as `max_uses` lets it"
            ));
        } else if let Err(No::Spent(why)) = loops::check(strategy, &built, case.recovery) {
            search.spent.push(why);
        } else {
            return Some((strategy, built));
        }
        search.is_for_a_person = true;
    }
    None
}

/// The plan of a strategy.
fn build(case: &Case<'_>, name: &str) -> Plan {
    match name {
        "wait_and_retry" => waits::and_retry(case),
        "wait_retry_after" => waits::retry_after(case),
        "wait_for_reconnection" => waits::for_reconnection(case),
        "check_dns" => waits::for_dns(case),
        "wait_for_lock" => waits::for_lock(case),
        "wait_for_disk" => waits::for_disk(case),
        "wait_for_memory" => waits::for_memory(case),
        ALONE => waits::alone(case),
        "reduce_concurrency" => waits::reduce_concurrency(case),
        "retry_with_longer_timeout" => changes::longer_timeout(case),
        "rotate_endpoint" => changes::rotate_endpoint(case),
        "use_defaults" => changes::use_defaults(case),
        "create_missing_path" => acts::create_missing_path(case),
        "clean_temp" => acts::clean_temp(case),
        "raise_open_files" => changes::raise_open_files(case),
        "raise_memory" => changes::raise_memory(case),
        "use_free_port" => changes::use_free_port(case),
        "restart_from_checkpoint" => changes::from_checkpoint(case),
        "restart_from_scratch" => acts::from_scratch(case),
        "install_dependency" => install::plan(case),
        "make_executable" => acts::make_executable(case),
        "remove_stale_lock" => acts::remove_stale_lock(case),
        "fetch_again" => acts::fetch_again(case),
        // The task's own commands were looked at before; the last resort comes last; pools and browsers
        // have no part in this.
        _ => Err(No::NotForThis),
    }
}

/// Takes a plan up if it is allowed, and was not tried in vain.
fn consider(case: &Case<'_>, name: &str, plan: Plan, search: &mut Search) {
    let Some(strategy) = strategies::named(name) else {
        return;
    };
    let plan = plan.and_then(|built| {
        loops::check(strategy, &built, case.recovery)?;
        Ok(built)
    });
    let is_told = loops::is_more_than_waiting(strategy.kind);
    match plan {
        Ok(built) => {
            let spec = case.spec();
            let machine = &case.recovery.machine_allow;
            match allowed(strategy, spec, case.recovery.mode, machine) {
                Ok(()) if is_in_time(case, &built) => search.fit.push((strategy, built)),
                Ok(()) => {}
                Err(why) => {
                    search.is_for_a_person = true;
                    let plan = planned(case, strategy, built);
                    refuse(case, strategy, Some(plan), why, search);
                }
            }
        }
        Err(No::NotForThis) => {}
        Err(No::Spent(why)) => {
            search.is_for_a_person |= is_told;
            search.spent.push(why);
        }
        Err(No::Refused(why)) => refuse(case, strategy, None, why, search),
    }
}

/// Whether there is time left to wait before the window ends.
fn is_in_time(case: &Case<'_>, built: &Built) -> bool {
    !matches!(built.remedy, Remedy::Await(_))
        || case
            .facts
            .window_end
            .is_none_or(|end| end.since(case.facts.now) > case.wait)
}

/// Once for each failure, however often it comes again.
fn refuse(
    case: &Case<'_>,
    strategy: &Strategy,
    plan: Option<RecoveryPlan>,
    why: String,
    search: &mut Search,
) {
    if is_known(case, strategy.name, RecoveryState::Refused, plan.as_ref()) {
        return;
    }
    search.notes.push(RecoveryNote {
        strategy: strategy.name.to_owned(),
        risk: strategy.risk,
        state: RecoveryState::Refused,
        plan,
        why,
    });
}

fn is_known(
    case: &Case<'_>,
    strategy: &str,
    state: RecoveryState,
    plan: Option<&RecoveryPlan>,
) -> bool {
    case.recovery.past.iter().any(|past| {
        past.strategy == strategy
            && past.state == state
            && past.fingerprint == case.recovery.fingerprint
            && past.plan.as_ref().map(|past| &past.remedy) == plan.map(|plan| &plan.remedy)
    })
}

/// The place of the strategy that comes first: what was tried least often for this failure, among these
/// by what was learned; as written where a user's pattern gives the order.
fn first(case: &Case<'_>, search: &Search) -> Option<(usize, Ranked)> {
    let names: Vec<&str> = search
        .fit
        .iter()
        .map(|(strategy, _)| strategy.name)
        .collect();
    let ranked = if case.recovery.strategies.is_some() {
        names.iter().map(|name| plain(name)).collect()
    } else {
        case.recovery.learned.order(&names, case.recovery.seed)
    };
    let is_other_way = |(one, _): &(&Strategy, Built)| loops::is_more_than_waiting(one.kind);
    let has_other_ways = search.fit.iter().any(is_other_way);
    let place_of = |ranked: &Ranked| names.iter().position(|name| *name == ranked.strategy);
    ranked
        .into_iter()
        .filter_map(|ranked| Some((place_of(&ranked)?, ranked)))
        .min_by_key(|(_, ranked)| loops::turn(&ranked.strategy, case.recovery, has_other_ways))
}

fn plain(name: &str) -> Ranked {
    Ranked {
        strategy: name.to_owned(),
        expected: None,
        draw: None,
        variant: None,
    }
}

/// Why this strategy, in a few words.
fn why(case: &Case<'_>, strategy: &Strategy, ranked: &Ranked) -> String {
    let pattern = &case.failure.pattern;
    let tried = loops::tries(strategy.name, case.recovery);
    let before = case
        .recovery
        .past
        .iter()
        .any(|past| loops::was_done(past) && past.fingerprint == case.recovery.fingerprint);
    if case.recovery.strategies.is_some() {
        format!("as the pattern `{pattern}` says")
    } else if ranked.draw.is_some() {
        format!("by what helped against `{pattern}` before")
    } else if before && tried == 0 {
        format!("the next one for `{pattern}`, which came again")
    } else {
        format!("usual for `{pattern}`")
    }
}

/// A plan with all that the table says of its strategy.
fn planned(case: &Case<'_>, strategy: &Strategy, built: Built) -> RecoveryPlan {
    let mut timeout = built.timeout.unwrap_or(strategy.timeout);
    if let Remedy::Await(_) = built.remedy {
        timeout = timeout.min(strategy.timeout);
        if let Some(left) = loops::patience_left(&case.recovery.past) {
            timeout = timeout.min(left);
        }
        if let Some(end) = case.facts.window_end {
            timeout = timeout.min(end.since(case.facts.now));
        }
    }
    RecoveryPlan {
        strategy: strategy.name.to_owned(),
        risk: strategy.risk,
        remedy: built.remedy,
        about: built.about,
        undo: strategy.undo.map(str::to_owned),
        timeout,
    }
}

/// The choice of a plan: to be carried out, or to be told where nothing but that is wanted.
fn finish(
    case: &Case<'_>,
    search: Search,
    strategy: &Strategy,
    built: Built,
    ranked: Ranked,
    reason: String,
) -> Choice {
    let limit = built.limit;
    let plan = planned(case, strategy, built);
    let mut notes = search.notes;
    if case.recovery.mode == RecoverMode::Suggest {
        if !is_known(case, strategy.name, RecoveryState::Suggested, Some(&plan)) {
            notes.push(RecoveryNote {
                strategy: strategy.name.to_owned(),
                risk: strategy.risk,
                state: RecoveryState::Suggested,
                why: format!("would {}", sentences::deed(&plan)),
                plan: Some(plan),
            });
        }
        return Choice {
            notes,
            ..Choice::default()
        };
    }
    Choice {
        chosen: Some(Box::new(Chosen {
            plan,
            expected: ranked.expected,
            draw: ranked.draw,
            seed: case.recovery.seed,
            variant: ranked.variant,
            reason,
            limit,
        })),
        notes,
        ..Choice::default()
    }
}

/// The choice where nothing is left.
fn nothing(case: &Case<'_>, search: Search, wants_person: bool) -> Choice {
    let is_written = case.recovery.strategies.is_some();
    let holds = case.recovery.mode >= RecoverMode::Safe
        && wants_person
        && (is_written || search.is_for_a_person);
    let refused = search
        .notes
        .iter()
        .map(|note| format!("`{}` is refused: {}", note.strategy, note.why));
    let why: Vec<String> = search.spent.iter().cloned().chain(refused).collect();
    let ended = (!why.is_empty()).then(|| why.join("; "));
    let hold = holds.then(|| {
        let name = case.spec().name.as_str();
        let what = ended
            .clone()
            .unwrap_or_else(|| "somebody has to look at it".to_owned());
        Hold {
            code: MANUAL.to_owned(),
            reason: format!("{what}; once it is put right, type `autoexec queue release {name}`"),
        }
    });
    Choice {
        chosen: None,
        ended,
        hold,
        notes: search.notes,
    }
}
