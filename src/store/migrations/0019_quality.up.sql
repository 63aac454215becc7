-- What whoever judged an artifact thinks of its quality, 0 to 1; quality_score is what its agent reported.
ALTER TABLE artifact ADD COLUMN quality_judged REAL;

-- What no outcome of a batch was about stood here as zeros, though nothing had been measured, and others were held against it.
DELETE FROM learning_metric WHERE type <> 'convergence' AND 2 = (
  SELECT count(*) FROM learning_metric m
  WHERE m.kind = learning_metric.kind AND m.version = learning_metric.version
    AND m.candidate = learning_metric.candidate AND m.type IN ('loss', 'accuracy') AND m.value = 0);
