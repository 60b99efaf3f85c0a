-- The buckets of one series, as rows, and the sealed days that they may be in.
SELECT at AS "at!", values AS "values!", false AS "is_sealed!"
FROM history_samples
WHERE level = $1 AND series = $2 AND at >= $3 AND at < $4
  AND EXISTS (
      SELECT FROM history_series WHERE key = $2 AND (key = 0 OR infrastructure_id IS NOT NULL)
  )
UNION ALL
SELECT day, values, true
FROM history_chunks
WHERE $1 = 1 AND series = $2 AND day > $3 - interval '24 hours' AND day < $4
  AND EXISTS (
      SELECT FROM history_series WHERE key = $2 AND (key = 0 OR infrastructure_id IS NOT NULL)
  )
