//! Silencing alerts by what they are about, those included that come up later. An alert says itself until when it is
//! silenced, so nothing that shows alerts has to know of silences.

use super::agents::user_of;
use super::snooze::to_come;
use super::undo::undone_by;
use crate::domain::event::{AlertSilenced, SilenceAdded, SilenceRemoved};
use crate::domain::time::When;
use crate::domain::{Actor, AlertId, Command, Matcher, Refusal, Reply, Silence, SilenceId, Timestamp};
use crate::engine::core::{Core, Decisions, draw};

/// How many silences there may be.
const SILENCES_MAX: usize = 1000;
/// The longest note, in characters.
const NOTE_CHARS_MAX: usize = 500;

impl Core {
    pub(super) fn add_silence(
        &mut self,
        now: Timestamp,
        actor: Actor,
        matcher: Matcher,
        until: When,
        note: Option<String>,
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        matcher.check()?;
        let by = user_of(actor)?;
        let until = to_come(Some(until), now)?.unwrap_or(now);
        if note.as_ref().is_some_and(|note| note.chars().count() > NOTE_CHARS_MAX) {
            let shown = format!("{} characters", note.map_or(0, |note| note.chars().count()));
            return Err(Refusal::invalid("note", shown, format!("at most {NOTE_CHARS_MAX} characters")));
        }
        let lasting = self.silences.values().filter(|silence| silence.until > now).count();
        if lasting >= SILENCES_MAX {
            return Err(Refusal::invalid("silences", lasting + 1, format!("at most {SILENCES_MAX}"))
                .hint("one with a * may do for many"));
        }
        // Those whose time has passed are of no use but to be listed; they go when there is a new one.
        let over: Vec<SilenceId> = self.silences.values().filter(|it| it.until <= now).map(|it| it.id).collect();
        for silence_id in over {
            self.emit(now, Actor::Engine, SilenceRemoved { silence_id }, out);
        }
        let id = SilenceId::new(now, draw::id_bits(self.seed, self.seq + 1, 0));
        let silence = Silence { id, matcher, until, note, by, created_at: now };
        let meant: Vec<AlertId> = self
            .alerts
            .iter()
            .filter(|alert| silence.covers(alert, now) && alert.silenced_until < Some(until))
            .map(|alert| alert.id)
            .collect();
        self.emit(now, actor, SilenceAdded { silence }, out);
        for alert_id in meant {
            self.emit(now, actor, AlertSilenced { alert_id, until: Some(until) }, out);
        }
        let inverse = vec![Command::RemoveSilences { ids: vec![id] }];
        Ok(Reply::Items { done: vec![id.to_string()], refused: vec![], inverse, warnings: vec![] })
    }

    pub(super) fn remove_silences(
        &mut self,
        now: Timestamp,
        actor: Actor,
        ids: &[SilenceId],
        out: &mut Decisions,
    ) -> Result<Reply, Refusal> {
        let mut back = vec![];
        let reply = self.each(ids, |core, silence_id| {
            let Some(silence) = core.silences.get(&silence_id).cloned() else {
                return Err(Refusal::not_found("silence", silence_id)
                    .hint("menagerie alert silences lists those that there are"));
            };
            core.emit(now, actor, SilenceRemoved { silence_id }, out);
            // An alert that was silenced by itself, until another time, stays so.
            let meant: Vec<(AlertId, Option<Timestamp>)> = core
                .alerts
                .iter()
                .filter(|alert| silence.covers(alert, now) && alert.silenced_until == Some(silence.until))
                .map(|alert| (alert.id, core.silenced_until(alert.cause(), now)))
                .filter(|(_, until)| *until != Some(silence.until))
                .collect();
            for (alert_id, until) in meant {
                core.emit(now, actor, AlertSilenced { alert_id, until }, out);
            }
            if silence.until > now {
                let Silence { matcher, until, note, .. } = silence;
                back.push(Command::AddSilence { matcher, until: When::At(until), note });
            }
            Ok(())
        })?;
        Ok(undone_by(reply, back))
    }

    /// Until when silences mean an alert of this source and trigger.
    pub(in crate::engine::core) fn silenced_until(&self, cause: (&str, &str), now: Timestamp) -> Option<Timestamp> {
        let meant = self.silences.values().filter(|silence| silence.until > now && silence.matcher.means(cause));
        meant.map(|silence| silence.until).max()
    }

    /// The silences that nobody has removed, by when they were made.
    pub fn silences(&self) -> impl Iterator<Item = &Silence> {
        self.silences.values()
    }
}
