-- Notes that these spans no longer run. :ids is an array of ids of _spans.
DELETE FROM _open_spans WHERE span IN (SELECT value FROM json_each(:ids));
