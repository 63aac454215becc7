-- The records of one alert, found without going through the journal; and how often each trigger came up.
CREATE INDEX journal_alert ON journal (coalesce(body ->> '$.alert_id', body ->> '$.alert.id')) WHERE kind GLOB 'alert_*';
CREATE INDEX alert_trigger ON alert (trigger_name, time);
