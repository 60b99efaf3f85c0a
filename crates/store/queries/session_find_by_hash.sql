-- The sign-in behind a cookie, and whose it is; asked for with every request.
SELECT
    s.id AS session_id, s.created_at AS session_created_at, s.last_seen_at, s.expires_at,
    s.address, s.user_agent,
    u.id, u.email, u.name, u.role, u.password_hash, u.language,
    u.created_at, u.updated_at, u.disabled_at
FROM sessions AS s
JOIN users AS u ON u.id = s.user_id
WHERE s.token_hash = $1 AND s.revoked_at IS NULL AND u.disabled_at IS NULL
