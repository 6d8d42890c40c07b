-- Notes :digests that the file does not know, and returns these.
INSERT INTO _requests (digest, time_unix_nano)
SELECT d.value, :now FROM json_each(:digests) AS d WHERE true
ON CONFLICT (digest) DO NOTHING
RETURNING digest;
