DROP INDEX alert_trigger;
DROP INDEX journal_alert;
