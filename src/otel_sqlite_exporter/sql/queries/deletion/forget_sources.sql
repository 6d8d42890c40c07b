-- Removes the counters of what the receiver took for these services.
DELETE FROM _receiver_sources WHERE service_name IN (SELECT n.value FROM json_each(:services) AS n);
