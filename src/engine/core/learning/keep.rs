//! Making versions of what was learned, and going back to them.

use crate::domain::event::ModelVersioned;
use crate::domain::learning::{Lesson, ModelKind, ModelState, ModelVersion, NextVersion, check_format};
use crate::domain::snapshot::{Past, PastLesson};
use crate::domain::{Actor, Command, Refusal, Reply, Timestamp};
use crate::engine::core::learning::features::timed_kind;
use crate::engine::core::learning::{Classifier, Predictor, ValueFunction};
use crate::engine::core::{Context, Core, Decisions};

impl Core {
    /// What an outcome of a task with an agent teaches.
    pub(in crate::engine::core) fn lesson(&self, task: u32, agent: u32) -> Option<Lesson> {
        let lesson = self.selection.lesson(&self.subject(task), agent)?;
        let state = &self.tasks[task];
        Some(Lesson { priority: state.priority, attempt: state.attempts + 1, ..lesson })
    }

    /// Makes a version of what was learned, if it is time to.
    pub(in crate::engine::core) fn keep_models(&mut self, now: Timestamp, out: &mut Decisions) {
        for model in ModelKind::ALL {
            if let Some((version, state)) = self.next_version(*model) {
                let state = made(state, now);
                self.emit(now, Actor::Engine, ModelVersioned { version, state }, out);
            }
        }
    }

    /// The version that the last comparison of a model's candidates makes.
    fn next_version(&self, model: ModelKind) -> Option<(ModelVersion, ModelState)> {
        Some(match model {
            ModelKind::Policy => self.selection.policy().next_version().map(named(ModelState::Policy))?,
            ModelKind::Predictor => self.predictor.next_version().map(named(ModelState::Predictor))?,
            ModelKind::Classifier => self.classifier.next_version().map(named(ModelState::Classifier))?,
            ModelKind::ValueFunction => self.value.next_version().map(named(ModelState::ValueFunction))?,
        })
    }

    /// The version that a model would make now, if it has learned anything since its last.
    fn version_made_now(&self, model: ModelKind) -> Option<(ModelVersion, ModelState)> {
        Some(match model {
            ModelKind::Policy => self.selection.policy().reviewed()?.next_version().map(named(ModelState::Policy))?,
            ModelKind::Predictor => self.predictor.reviewed()?.next_version().map(named(ModelState::Predictor))?,
            ModelKind::Classifier => self.classifier.reviewed()?.next_version().map(named(ModelState::Classifier))?,
            ModelKind::ValueFunction => self.value.reviewed()?.next_version().map(named(ModelState::ValueFunction))?,
        })
    }

    /// Takes up a version of a model.
    pub(in crate::engine::core) fn apply_model_versioned(&mut self, event: &ModelVersioned) {
        match &event.state {
            ModelState::Policy(state) => self.selection.versioned(&event.version, state),
            ModelState::Predictor(state) => {
                self.predictor = Predictor::restore(event.version.version, state);
                self.foretell_anew();
            }
            ModelState::Classifier(state) => self.classifier = Classifier::restore(event.version.version, state),
            ModelState::ValueFunction(state) => self.value = ValueFunction::restore(event.version.version, state),
        }
    }

    /// Takes up the last versions and what happened since, as the store has them.
    pub(in crate::engine::core) fn remember_models(&mut self, past: &Past) {
        for (version, state) in &past.models {
            match state {
                // Selection takes up its own.
                ModelState::Policy(_) => {}
                ModelState::Predictor(state) => self.predictor = Predictor::restore(version.version, state),
                ModelState::Classifier(state) => self.classifier = Classifier::restore(version.version, state),
                ModelState::ValueFunction(state) => self.value = ValueFunction::restore(version.version, state),
            }
        }
        for lesson in &past.lessons {
            match lesson {
                PastLesson::Took { agent_id, kind, brings_command, took, tokens } => {
                    let kind = timed_kind(kind, *brings_command);
                    self.predictor.learn(kind, *agent_id, *took, *tokens);
                }
                PastLesson::Tried { agent_id, lesson, succeeded } => {
                    self.classifier.tried(*agent_id, lesson, *succeeded);
                }
                PastLesson::Judged { agent_id, product, approved } => {
                    self.classifier.judged(*agent_id, *product, *approved);
                }
                PastLesson::Stood(slack) => self.value.learn(slack),
                PastLesson::Removed(agent) => {
                    self.predictor.forget(*agent);
                    self.classifier.forget(*agent);
                }
                PastLesson::Learned { .. } | PastLesson::Rated { .. } => {}
            }
        }
    }

    /// How far the next version of a model is.
    pub fn next_of(&self, model: ModelKind) -> NextVersion {
        match model {
            ModelKind::Policy => self.selection.policy().next(),
            ModelKind::Predictor => self.predictor.next(),
            ModelKind::Classifier => self.classifier.next(),
            ModelKind::ValueFunction => self.value.next(),
        }
    }

    /// The version of a model in force, 0 before the first.
    fn version_of(&self, model: ModelKind) -> u32 {
        match model {
            ModelKind::Policy => self.selection.policy().version(),
            ModelKind::Predictor => self.predictor.version(),
            ModelKind::Classifier => self.classifier.version(),
            ModelKind::ValueFunction => self.value.version(),
        }
    }

    /// Makes a version of what a model has learned since the last.
    pub(in crate::engine::core) fn train_model(
        &mut self,
        now: Timestamp,
        actor: Actor,
        model: ModelKind,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let Some(version) = self.version_now(now, actor, model, out) else {
            return Err(Refusal::conflict("model", model, "a model that has learned something since its last version")
                .hint("it learns as executions end"));
        };
        Ok(Reply::Items {
            done: vec![format!("{model} {version}")],
            refused: vec![],
            inverse: vec![],
            warnings: vec![],
        })
    }

    /// Makes a version of what was learned since the last, if there is anything.
    fn version_now(&mut self, now: Timestamp, actor: Actor, model: ModelKind, out: &mut Decisions) -> Option<u32> {
        let (version, state) = self.version_made_now(model)?;
        let (number, state) = (version.version, made(state, now));
        self.emit(now, actor, ModelVersioned { version, state }, out);
        Some(number)
    }

    /// Goes back to a version of a model. What was learned since the last becomes one of its own first.
    pub(in crate::engine::core) fn roll_back_model(
        &mut self,
        now: Timestamp,
        actor: Actor,
        (model, to): (ModelKind, u32),
        context: &Context,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let kept = context.model.as_ref().filter(|(version, _)| (version.model, version.version) == (model, to));
        let Some((version, state)) = kept else {
            return Err(
                Refusal::not_found("version", to).hint(format!("menagerie model show {model} lists those kept"))
            );
        };
        check_format(version)?;
        self.version_now(now, actor, model, out);
        let before = self.version_of(model);
        let version = ModelVersion {
            version: before + 1,
            promoted: false,
            batch: 0,
            compared: vec![],
            rolled_back_to: Some(to),
            ..version.clone()
        };
        let done = vec![format!("{model} {}", version.version)];
        let mut state = state.clone();
        if let ModelState::Policy(state) = &mut state {
            // What was taught in between is not in it, and so not to be taken out of it either.
            state.gaps.push((state.made, now));
            // What is not known to be in it is not taken out: of too many the oldest become one.
            if state.gaps.len() > GAPS_MAX {
                let (from, _) = state.gaps.remove(0);
                state.gaps[0].0 = from;
            }
        }
        self.emit(now, actor, ModelVersioned { version, state: made(state, now) }, out);
        let inverse = vec![Command::RollBackModel { model, version: before }];
        Ok(Reply::Items { done, refused: vec![], inverse, warnings: vec![] })
    }
}

/// So often somebody can go back, and it is still known of each rating whether it counts.
const GAPS_MAX: usize = 64;

/// The state of a version that is made now.
fn made(mut state: ModelState, now: Timestamp) -> ModelState {
    if let ModelState::Policy(state) = &mut state {
        state.made = now;
    }
    state
}

/// A version with its state named by what the model is for.
fn named<S>(name: fn(S) -> ModelState) -> impl Fn((ModelVersion, S)) -> (ModelVersion, ModelState) {
    move |(version, state)| (version, name(state))
}
