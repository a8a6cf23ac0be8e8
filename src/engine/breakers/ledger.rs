//! What a beat's writes mean for breakers, in the same transaction.

use crate::engine::breakers::gate::Gate;
use crate::engine::breakers::gate::parked_by;
use crate::engine::breakers::probing::Probed;
use crate::engine::breakers::word::Said;
use crate::engine::breakers::word::ServiceWord;
use crate::engine::events::About;
use crate::engine::events::BreakerNews;
use crate::engine::events::RunEvent;
use crate::engine::message::Write;
use crate::model::category::Category;
use crate::model::ids::AttemptId;
use crate::policy::breaker::Breaker;
use crate::policy::breaker::Heard;
use crate::policy::breaker::Turn;
use crate::store::StoreError;
use crate::store::Transaction;
use crate::store::breakers;
use crate::store::breakers::Kind;
use crate::store::parking;
use crate::store::parking::BY_SERVICE;

impl Gate {
    /// Takes note of what a write says about breakers.
    pub(crate) fn hear(&mut self, tx: &Transaction<'_>, write: &Write) -> Result<(), StoreError> {
        if let Write::Service(word) = write {
            return self.word(tx, word);
        }
        if let Write::ReturnClaim { attempt } = write {
            return self.give_back(tx, *attempt);
        }
        if let Write::Probed(probed) = write {
            return self.probed(tx, probed);
        }
        if let Write::ResetBreaker { service } = write {
            return self.reset(tx, service);
        }
        Ok(())
    }

    fn word(&mut self, tx: &Transaction<'_>, word: &ServiceWord) -> Result<(), StoreError> {
        if word.services.is_empty() {
            self.word_on_cause(tx, word)?;
        }
        for service in &word.services {
            match &word.said {
                Said::Served => self.served(tx, Kind::Service, service)?,
                Said::Refused { blamed, .. }
                    if blamed.as_ref().is_some_and(|one| one != service) => {}
                Said::Refused { .. } => self.refused(tx, Kind::Service, service, word)?,
                Said::Nothing => {}
            }
        }
        // Whatever it held and said nothing about is the next one's to try.
        self.give_back(tx, word.attempt)
    }

    /// A task without a service: its failure counts for a cause, and its success for the cause of its
    /// failure before.
    fn word_on_cause(
        &mut self,
        tx: &Transaction<'_>,
        word: &ServiceWord,
    ) -> Result<(), StoreError> {
        match &word.said {
            Said::Served => {
                if let Some(cause) = tx.last_cause(word.task.id)? {
                    self.served(tx, Kind::Cause, &cause)?;
                }
                breakers::set_last_cause(tx, word.task.id, None)
            }
            Said::Refused { fingerprint, .. } => {
                breakers::set_last_cause(tx, word.task.id, Some(fingerprint))?;
                self.refused(tx, Kind::Cause, fingerprint, word)
            }
            Said::Nothing => breakers::set_last_cause(tx, word.task.id, None),
        }
    }

    fn served(&mut self, tx: &Transaction<'_>, kind: Kind, name: &str) -> Result<(), StoreError> {
        let before = tx.breaker(kind, name)?;
        let mut breaker = before.clone();
        let turn = breaker.on_success(&self.settings(kind, name), self.now);
        let at_once = self.in_use.get(name).copied().unwrap_or_default();
        let is_roomy = breaker
            .most_at_once
            .is_some_and(|most| most > ROOMY.max(2 * at_once));
        if is_roomy {
            breaker.most_at_once = None;
            parking::unpark_on(tx, BY_SERVICE, name, None)?;
        }
        if breaker != before {
            self.changed(tx, kind, name, &breaker)?;
        }
        self.turned(tx, kind, name, &breaker, turn.as_ref())
    }

    fn refused(
        &mut self,
        tx: &Transaction<'_>,
        kind: Kind,
        name: &str,
        word: &ServiceWord,
    ) -> Result<(), StoreError> {
        let Said::Refused { failure, asked, .. } = &word.said else {
            return Ok(());
        };
        let mut breaker = tx.breaker(kind, name)?;
        if kind == Kind::Service && failure.category == Category::RateLimit {
            // The one that was told so is out of the count already.
            breaker.slow_down(self.in_use.get(name).copied().unwrap_or_default() + 1);
        }
        let heard = Heard {
            attempt: Some(word.attempt),
            of: match kind {
                Kind::Service => word.attempt.get(),
                Kind::Cause => word.task.id.get(),
            },
            failure: failure.clone(),
            asked: asked.filter(|_| kind == Kind::Service),
        };
        let settings = self.settings(kind, name);
        let turn = breaker.on_failure(&heard, &settings, self.window_end, self.now);
        self.changed(tx, kind, name, &breaker)?;
        self.turned(tx, kind, name, &breaker, turn.as_ref())
    }

    fn probed(&mut self, tx: &Transaction<'_>, probed: &Probed) -> Result<(), StoreError> {
        let (kind, name) = (Kind::Service, probed.service.as_str());
        let mut breaker = tx.breaker(kind, name)?;
        let settings = self.settings(kind, name);
        let turn = match &probed.failure {
            None => breaker.on_success(&settings, self.now),
            Some(failure) => {
                let heard = Heard {
                    attempt: None,
                    of: 0,
                    failure: failure.clone(),
                    asked: None,
                };
                breaker.on_failure(&heard, &settings, self.window_end, self.now)
            }
        };
        self.changed(tx, kind, name, &breaker)?;
        self.turned(tx, kind, name, &breaker, turn.as_ref())
    }

    fn reset(&mut self, tx: &Transaction<'_>, service: &str) -> Result<(), StoreError> {
        let mut breaker = tx.breaker(Kind::Service, service)?;
        breaker.reset();
        self.changed(tx, Kind::Service, service, &breaker)?;
        parking::unpark_on(tx, BY_SERVICE, service, None)?;
        let tasks = parking::unpark_on(tx, parked_by(Kind::Service), service, None)?;
        self.tell(
            tx,
            Kind::Service,
            service,
            &breaker,
            BreakerNews::Reset { tasks },
        )
    }

    /// Takes back what an attempt held that says nothing any more.
    fn give_back(&mut self, tx: &Transaction<'_>, attempt: AttemptId) -> Result<(), StoreError> {
        for kind in [Kind::Service, Kind::Cause] {
            for mut kept in tx.breakers_lent_to(kind, attempt)? {
                if kept.breaker.give_back(attempt) {
                    self.changed(tx, kind, &kept.name, &kept.breaker)?;
                }
            }
        }
        Ok(())
    }

    /// Carries out a turn: tasks go on, or claims are taken back.
    fn turned(
        &mut self,
        tx: &Transaction<'_>,
        kind: Kind,
        name: &str,
        breaker: &Breaker,
        turn: Option<&Turn>,
    ) -> Result<(), StoreError> {
        match turn {
            None => Ok(()),
            Some(&Turn::Opened { span, why }) => {
                if kind == Kind::Service {
                    self.passed.opened.push(name.to_owned());
                }
                self.tell(tx, kind, name, breaker, BreakerNews::Opened { span, why })
            }
            Some(&Turn::Closed { after }) => {
                let tasks = parking::unpark_on(tx, parked_by(kind), name, None)?;
                self.tell(
                    tx,
                    kind,
                    name,
                    breaker,
                    BreakerNews::Closed { after, tasks },
                )
            }
        }
    }

    pub(super) fn changed(
        &mut self,
        tx: &Transaction<'_>,
        kind: Kind,
        name: &str,
        breaker: &Breaker,
    ) -> Result<(), StoreError> {
        breakers::save(tx, kind, name, breaker, self.now)
    }

    /// Notes what became of a breaker, and has it told.
    pub(super) fn tell(
        &mut self,
        tx: &Transaction<'_>,
        kind: Kind,
        name: &str,
        breaker: &Breaker,
        news: BreakerNews,
    ) -> Result<(), StoreError> {
        let about = match kind {
            Kind::Service => {
                breakers::note(tx, name, &breaker.state, &because(&news), self.now)?;
                About::Service(name.to_owned())
            }
            Kind::Cause => {
                let last = breaker.last.as_ref();
                About::Cause(last.map(|last| last.pattern.clone()).unwrap_or_default())
            }
        };
        self.passed.told.push(RunEvent::Breaker { about, news });
        Ok(())
    }
}

/// More attempts at once than this are no limit worth keeping, unless more are wanted.
const ROOMY: u32 = 8;

/// Why a breaker turned, for the record.
fn because(news: &BreakerNews) -> String {
    match news {
        BreakerNews::Opened { why, .. } => why.words(),
        BreakerNews::Tries { task: Some(task) } => format!("`{}` tries it", task.name),
        BreakerNews::Tries { task: None } => "its probe tries it".to_owned(),
        BreakerNews::Closed { .. } => "it answers again".to_owned(),
        BreakerNews::Reset { .. } => "somebody reset it".to_owned(),
    }
}
