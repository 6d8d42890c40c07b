INSERT INTO _legacy_stages (source, stage, position, is_done, seconds, counts)
VALUES (:source, :stage, :position, :is_done, :seconds, :counts)
ON CONFLICT (source, stage) DO UPDATE SET
  position = excluded.position, is_done = excluded.is_done, seconds = excluded.seconds, counts = excluded.counts;
