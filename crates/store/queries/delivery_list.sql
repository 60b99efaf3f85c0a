SELECT
    id, recipient, notice AS "notice: IfReadable<Notice>", state, attempts,
    created_at AS "created_at: Moment", next_attempt_at AS "next_attempt_at: Moment",
    last_attempt_at AS "last_attempt_at: Moment", ended_at AS "ended_at: Moment",
    duration_ms, response_status, error_code, error
FROM deliveries
WHERE alert_channel_id = $1 AND id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
ORDER BY id DESC
LIMIT $3
