-- The span events and log events that were written after `record`, those written last first. Parameters: record, limit.
-- Plan: the end of the table.
SELECT e.id FROM _events AS e WHERE e.id > :record ORDER BY e.id DESC LIMIT :limit;
