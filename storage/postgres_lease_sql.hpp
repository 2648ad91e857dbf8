#pragma once

// The statements that write leases, each for many commands at once. They take
// the time, the engine, and an array per column; they change the rows whose
// guards hold, add a line of history to each, and answer with the numbers of
// these commands and the fences of their leases.
//
// The history is copied from what the change returns, so that it cannot
// disagree with the row. No statement joins two sets of commands: the number
// of rows is unknown when it is planned, and such a join would be quadratic.
//
// Leases are found by their ids and nothing else. Guards are written so that
// no partial index fits them (`status || ''`, `parked::int`): a plan that was
// made when few leases were live would read all of them later.

#include <string>

namespace leasehold::pg {

/// What every statement ends with: `changed` has the rows as they are now.
inline const std::string record_and_answer = R"(
, recorded AS (
  INSERT INTO lease_events (lease_seq, at, from_status, to_status, fence,
    by_instance, note)
  SELECT seq, $1::bigint, before, status, fence,
    coalesce($2::text, owner_instance), note
  FROM changed)
SELECT n, fence FROM changed)";

// What new leases ask for, and the plugins that serve them.
inline const std::string asked_leases = R"(
WITH asked AS (
  SELECT * FROM unnest($3::int[], $4::text[], $5::text[], $6::text[],
    $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],
    $13::text[], $14::text[], $15::boolean[], $16::bigint[], $17::text[],
    $18::text[], $19::text[], $20::bigint[], $21::bigint[], $22::text[],
    $23::text[], $24::bigint[], $25::bigint[])
  AS a (n, id, claims, company_id, environment_id, workspace_id, issue_id,
    run_id, status, lease_policy, provider, provider_lease_id, exclusive,
    fence, owner_instance, fingerprint, metadata, expires_at, deadline_at,
    note, plugin_id, plugin_seen, reattach_grace)
), serving AS MATERIALIZED (
  -- Whoever removes a plugin waits for us, or we see that it is gone. What is
  -- asked for is named once more below, and so never put down in between.
  SELECT p.id, p.updated_at FROM plugins p
  WHERE p.id = ANY ($23::text[]) AND p.status = 'ready'
  FOR KEY SHARE
)";

// Writes what is `ready`, and begins its history.
inline const std::string begin_ready_leases = R"(
), inserted AS (
  INSERT INTO leases (seq, id, acquired_at, last_used_at, updated_at,
    company_id, environment_id, workspace_id, issue_id, run_id, status,
    lease_policy, provider, provider_lease_id, exclusive, fence,
    owner_instance, fingerprint, metadata, expires_at, deadline_at, plugin_id,
    reattach_grace)
  SELECT seq, id, $1::bigint, $1::bigint, $1::bigint, company_id,
    environment_id, workspace_id, issue_id, run_id, status, lease_policy,
    provider, provider_lease_id, exclusive, fence, owner_instance, fingerprint,
    metadata, expires_at, deadline_at, coalesce(plugin_id, ''),
    reattach_grace
  FROM ready
), recorded AS (
  INSERT INTO lease_events (lease_seq, at, from_status, to_status, fence,
    by_instance, note)
  SELECT seq, $1::bigint, NULL, status, fence,
    coalesce($2::text, owner_instance), note
  FROM ready
)";

// A lease that somebody else holds the resource of, or that refers to what does
// not exist, is left out; if that changes meanwhile, the constraints refuse.
inline const std::string insert_leases = asked_leases + R"(
), good AS MATERIALIZED (
  SELECT a.*, nextval('leases_seq') AS seq FROM asked a
  WHERE NOT (EXISTS (SELECT FROM leases l WHERE l.id = a.id))
    AND (a.environment_id IS NULL OR a.environment_id = (
      SELECT e.id FROM environments e WHERE e.id = a.environment_id))
    AND (a.plugin_id IS NULL OR EXISTS (
      SELECT FROM serving s
      WHERE s.id = a.plugin_id AND s.updated_at = a.plugin_seen))
    AND NOT (a.exclusive AND EXISTS (
      SELECT FROM leases l
      WHERE l.provider_lease_id = a.provider_lease_id
        AND l.provider = a.provider
        AND l.plugin_id = coalesce(a.plugin_id, '')
        AND l.id IS DISTINCT FROM a.claims
        AND l.exclusive AND l.provider_lease_id IS NOT NULL
        AND (l.status IN ('acquiring', 'active') OR l.parked)))
  ORDER BY a.n
), claimed AS (
  UPDATE leases l
  SET parked = false, cleanup_status = 'success', next_cleanup_at = NULL,
    updated_at = $1::bigint
  FROM good g
  WHERE l.id = g.claims AND (l.parked::int = 1
    OR (l.status || '' = 'retained' AND l.cleanup_status IS NULL))
  RETURNING l.seq AS l_seq, l.status AS l_status, l.fence AS l_fence,
    l.owner_instance AS l_owner, l.plugin_id AS l_plugin, g.*
), ready AS (
  SELECT n, id, company_id, environment_id, workspace_id, issue_id, run_id,
    status, lease_policy, provider, provider_lease_id, exclusive, fence,
    owner_instance, fingerprint, metadata, expires_at, deadline_at, note,
    plugin_id, seq, reattach_grace
  FROM good WHERE claims IS NULL
  UNION ALL
  SELECT n, id, company_id, environment_id, workspace_id, issue_id, run_id,
    status, lease_policy, provider, provider_lease_id, exclusive, fence,
    owner_instance, fingerprint, metadata, expires_at, deadline_at, note,
    coalesce(plugin_id, l_plugin), seq, reattach_grace
  FROM claimed
)" + begin_ready_leases + R"(
  UNION ALL
  SELECT l_seq, $1::bigint, l_status, l_status, l_fence,
    coalesce($2::text, l_owner), 'claimed by ' || id
  FROM claimed)
SELECT n, fence FROM ready)";

// The same for leases that claim nothing, without a look at what the
// constraints refuse anyway: if they do, the batch is written anew, one by one
// and with `insert_leases`, which leaves out whoever is to blame.
inline const std::string insert_unclaimed_leases = asked_leases + R"(
), ready AS MATERIALIZED (
  SELECT a.*, nextval('leases_seq') AS seq FROM asked a
  WHERE a.plugin_id IS NULL OR EXISTS (
    SELECT FROM serving s
    WHERE s.id = a.plugin_id AND s.updated_at = a.plugin_seen)
  ORDER BY a.n
)" + begin_ready_leases + R"()
SELECT n, fence FROM ready)";

inline const std::string reacquire_leases = R"(
WITH changed AS (
  UPDATE leases l
  SET fence = a.new_fence, owner_instance = a.owner, last_used_at = $1::bigint,
    updated_at = $1::bigint, deadline_at = NULL,
    expires_at = coalesce(a.expires_at, l.expires_at),
    reattach_grace = a.grace
  FROM unnest($3::int[], $4::text[], $5::bigint[], $6::text[], $7::bigint[],
    $8::text[], $9::bigint[], $10::bigint[], $11::text[])
  AS a (n, id, fence, run_id, new_fence, owner, expires_at, grace, note)
  WHERE l.id = a.id AND l.status || '' = 'active' AND l.fence = a.fence
    AND l.run_id = a.run_id
  RETURNING a.n, l.seq, l.status AS before, l.status, l.fence,
    l.owner_instance, a.note))" + record_and_answer;

inline const std::string activate_leases = R"(
WITH changed AS (
  UPDATE leases l
  SET status = 'active',
    provider_lease_id = coalesce(a.resource, l.provider_lease_id),
    metadata = a.metadata, expires_at = coalesce(a.expires_at, l.expires_at),
    deadline_at = NULL, last_used_at = $1::bigint, updated_at = $1::bigint
  FROM unnest($3::int[], $4::text[], $5::bigint[], $6::text[], $7::text[],
    $8::bigint[], $9::text[])
  AS a (n, id, fence, resource, metadata, expires_at, note)
  WHERE l.id = a.id AND l.status || '' = 'acquiring' AND l.fence = a.fence
    AND NOT (l.exclusive AND EXISTS (
      SELECT FROM leases h
      WHERE h.provider_lease_id = a.resource AND h.provider = l.provider
        AND h.plugin_id = l.plugin_id AND h.id <> l.id AND h.exclusive
        AND h.provider_lease_id IS NOT NULL
        AND (h.status IN ('acquiring', 'active') OR h.parked)))
  RETURNING a.n, l.seq, 'acquiring' AS before, l.status, l.fence,
    l.owner_instance, a.note))" + record_and_answer;

inline const std::string give_up_resources = R"(
WITH changed AS (
  UPDATE leases l
  SET provider_lease_id = NULL, updated_at = $1::bigint
  FROM unnest($3::int[], $4::text[], $5::bigint[], $6::text[])
  AS a (n, id, fence, note)
  WHERE l.id = a.id AND l.status || '' = 'acquiring' AND l.fence = a.fence
  RETURNING a.n, l.seq, l.status AS before, l.status, l.fence,
    l.owner_instance, a.note))" + record_and_answer;

inline const std::string give_back_resources = R"(
WITH changed AS (
  UPDATE leases l
  SET parked = a.parked, cleanup_status = nullif(a.cleanup, 'none'),
    cleanup_attempts = 0, next_cleanup_at = a.next, updated_at = $1::bigint
  FROM unnest($3::int[], $4::text[], $5::boolean[], $6::text[], $7::bigint[],
    $8::text[])
  AS a (n, id, parked, cleanup, next, note)
  WHERE l.id = a.id AND NOT l.parked
    AND l.status NOT IN ('acquiring', 'active')
  RETURNING a.n, l.seq, l.status AS before, l.status, l.fence,
    l.owner_instance, a.note))" + record_and_answer;

// A command comes once for each state that it may come from: that tells us
// which one it was, for the history. An acquire that nobody saw the end of
// keeps its deadline: its provider may be at it until then.
inline const std::string end_leases = R"(
WITH changed AS (
  UPDATE leases l
  SET status = a.status, failure_reason = nullif(a.reason, ''),
    cleanup_status = nullif(a.cleanup, 'none'), next_cleanup_at = a.next,
    parked = a.parked,
    provider_lease_id = coalesce(a.resource, l.provider_lease_id),
    released_at = CASE WHEN a.status = 'retained' THEN NULL
      ELSE $1::bigint END,
    deadline_at = CASE WHEN a.before = 'acquiring' AND a.cleanup = 'failed'
      THEN l.deadline_at ELSE a.until END,
    last_used_at = $1::bigint, updated_at = $1::bigint
  FROM unnest($3::int[], $4::text[], $5::bigint[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::bigint[], $11::boolean[], $12::text[],
    $13::bigint[], $14::text[])
  AS a (n, id, fence, before, status, reason, cleanup, next, parked, resource,
    until, note)
  WHERE l.id = a.id AND l.status = a.before AND a.fence IN (0, l.fence)
  RETURNING a.n, l.seq, a.before, l.status, l.fence, l.owner_instance, a.note
))" + record_and_answer;

// Never earlier than before; a lease without an end keeps none.
inline const std::string extend_leases = R"(
WITH changed AS (
  UPDATE leases l
  SET expires_at = CASE WHEN l.expires_at IS NULL THEN NULL
      ELSE greatest(l.expires_at, a.expires_at) END,
    updated_at = $1::bigint
  FROM unnest($3::int[], $4::text[], $5::bigint[], $6::bigint[], $7::text[])
  AS a (n, id, fence, expires_at, note)
  WHERE l.id = a.id AND l.status || '' = 'active' AND l.fence = a.fence
  RETURNING a.n, l.seq, l.status AS before, l.status, l.fence,
    l.owner_instance, a.note))" + record_and_answer;

inline const std::string describe_leases = R"(
WITH changed AS (
  UPDATE leases l
  SET metadata = a.metadata, last_used_at = $1::bigint,
    updated_at = $1::bigint
  FROM unnest($3::int[], $4::text[], $5::bigint[], $6::text[], $7::text[])
  AS a (n, id, fence, metadata, note)
  WHERE l.id = a.id AND l.status || '' = 'active' AND l.fence = a.fence
  RETURNING a.n, l.seq, l.status AS before, l.status, l.fence,
    l.owner_instance, a.note))" + record_and_answer;

inline const std::string record_cleanups = R"(
WITH changed AS (
  UPDATE leases l
  SET cleanup_status = nullif(a.outcome, 'none'),
    cleanup_attempts = l.cleanup_attempts + a.attempted,
    next_cleanup_at = a.next,
    provider_lease_id = coalesce(a.resource, l.provider_lease_id),
    updated_at = $1::bigint
  FROM unnest($3::int[], $4::text[], $5::text[], $6::int[], $7::bigint[],
    $8::text[], $9::text[])
  AS a (n, id, outcome, attempted, next, resource, note)
  WHERE l.id = a.id AND l.cleanup_status || '' = 'failed' AND NOT l.parked
    AND l.status NOT IN ('acquiring', 'active')
  RETURNING a.n, l.seq, l.status AS before, l.status, l.fence,
    l.owner_instance, a.note))" + record_and_answer;

// An operator who asks again gives the janitor all its attempts again.
inline const std::string owe_cleanups = R"(
WITH changed AS (
  UPDATE leases l
  SET cleanup_status = 'failed', cleanup_attempts = 0,
    next_cleanup_at = a.next, parked = false,
    failure_reason = coalesce(nullif(a.reason, ''), l.failure_reason),
    updated_at = $1::bigint
  FROM unnest($3::int[], $4::text[], $5::bigint[], $6::text[], $7::text[])
  AS a (n, id, next, reason, note)
  WHERE l.id = a.id AND l.cleanup_status IS DISTINCT FROM 'success'
    AND l.status NOT IN ('acquiring', 'active')
  RETURNING a.n, l.seq, l.status AS before, l.status, l.fence,
    l.owner_instance, a.note))" + record_and_answer;

// Nothing is written but the fences, which are locked until the commit.
inline const std::string take_fences = R"(
WITH asked AS (SELECT $1::bigint AS at, $2::text AS by)
SELECT a.n, a.fence
FROM asked, leases l, unnest($3::int[], $4::text[], $5::bigint[], $6::text[])
  AS a (n, id, fence, resource)
WHERE l.id = a.id AND l.cleanup_status || '' = 'failed' AND NOT l.parked
  AND l.status NOT IN ('acquiring', 'active')
  AND NOT (EXISTS (SELECT FROM leases h
    WHERE h.provider_lease_id = a.resource AND h.provider = l.provider
      AND h.plugin_id = l.plugin_id AND h.exclusive
      AND h.provider_lease_id IS NOT NULL AND h.id <> l.id
      AND (h.status IN ('acquiring', 'active') OR h.parked)))
  AND NOT (EXISTS (SELECT FROM leases h
    WHERE h.provider_lease_id = a.resource AND h.provider = l.provider
      AND h.plugin_id = l.plugin_id AND h.status = 'retained'
      AND h.cleanup_status IS NULL AND h.id <> l.id)))";

inline const std::string await_runs = R"(
WITH changed AS (
  UPDATE leases l
  SET deadline_at = a.until, updated_at = $1::bigint
  FROM unnest($3::int[], $4::text[], $5::bigint[], $6::bigint[], $7::text[])
  AS a (n, id, fence, until, note)
  WHERE l.id = a.id AND l.status || '' = 'active' AND l.fence = a.fence
    AND l.deadline_at IS NULL
  RETURNING a.n, l.seq, l.status AS before, l.status, l.fence,
    l.owner_instance, a.note))" + record_and_answer;

inline const std::string confirm_gone = R"(
WITH changed AS (
  UPDATE leases l
  SET cleanup_status = 'success', next_cleanup_at = NULL, parked = false,
    updated_at = $1::bigint
  FROM unnest($3::int[], $4::text[], $5::text[]) AS a (n, id, note)
  WHERE l.id = a.id AND l.cleanup_status IS DISTINCT FROM 'success'
    AND l.status NOT IN ('acquiring', 'active')
  RETURNING a.n, l.seq, l.status AS before, l.status, l.fence,
    l.owner_instance, a.note))" + record_and_answer;

// An ended lease that owes the removal of a resource which came up late, unless
// a row leads to it already. A question per partial index.
inline const std::string adopt_late = R"(
WITH asked AS (
  SELECT * FROM unnest($3::int[], $4::text[], $5::text[], $6::text[],
    $7::bigint[], $8::text[])
  AS a (n, lease, resource, id, fence, note)
), changed AS (
  INSERT INTO leases (id, acquired_at, last_used_at, updated_at, released_at,
    company_id, environment_id, workspace_id, issue_id, run_id, status,
    lease_policy, provider, provider_lease_id, exclusive, fence,
    owner_instance, fingerprint, metadata, plugin_id, cleanup_status,
    next_cleanup_at, failure_reason)
  SELECT a.id, $1::bigint, $1::bigint, $1::bigint, $1::bigint, m.company_id,
    m.environment_id, m.workspace_id, m.issue_id, m.run_id, 'failed',
    m.lease_policy, m.provider, a.resource, m.exclusive, a.fence, $2::text,
    m.fingerprint, m.metadata, m.plugin_id, 'failed', $1::bigint,
    'came_up_late'
  FROM asked a JOIN leases m ON m.id = a.lease
  WHERE NOT (EXISTS (SELECT FROM leases h WHERE h.id = a.id))
    AND NOT (EXISTS (SELECT FROM leases h
      WHERE h.provider_lease_id = a.resource AND h.provider = m.provider
        AND h.plugin_id = m.plugin_id AND h.exclusive
        AND h.provider_lease_id IS NOT NULL
        AND (h.status IN ('acquiring', 'active') OR h.parked)))
    AND NOT (EXISTS (SELECT FROM leases h
      WHERE h.provider_lease_id = a.resource AND h.provider = m.provider
        AND h.plugin_id = m.plugin_id AND h.cleanup_status = 'failed'))
    AND NOT (EXISTS (SELECT FROM leases h
      WHERE h.provider_lease_id = a.resource AND h.provider = m.provider
        AND h.plugin_id = m.plugin_id AND h.status = 'retained'
        AND h.cleanup_status IS NULL))
  RETURNING seq, id, status, fence, owner_instance
), recorded AS (
  INSERT INTO lease_events (lease_seq, at, from_status, to_status, fence,
    by_instance, note)
  SELECT c.seq, $1::bigint, NULL, c.status, c.fence,
    coalesce($2::text, c.owner_instance), a.note
  FROM changed c JOIN asked a ON a.id = c.id)
SELECT a.n, c.fence FROM changed c JOIN asked a ON a.id = c.id)";

/// A share of an engine's life lock: only a dead engine's can be had. As long
/// as we have it, the engine cannot come back to life; see postgres_life.hpp.
inline const std::string hold_death
  = "SELECT pg_try_advisory_xact_lock_shared("
    "hashtextextended('leasehold ' || $1::text, 0))";

inline const std::string read_state
  = "SELECT status, fence, parked, cleanup_status FROM leases "
    "WHERE id = $1::text";

inline const std::string find_environment
  = "SELECT id FROM environments WHERE id = $1::text";

inline const std::string read_plugin_state
  = "SELECT plugin_key, status, updated_at FROM plugins WHERE id = $1::text";

/// Who else holds this resource of this provider and plugin; of the lease's own
/// where they are not given.
inline const std::string find_holder = R"(
SELECT id FROM leases
WHERE id <> $1::text AND exclusive
  AND provider_lease_id = coalesce($2::text,
    (SELECT provider_lease_id FROM leases WHERE id = $1::text))
  AND provider = coalesce($3::text,
    (SELECT provider FROM leases WHERE id = $1::text))
  AND plugin_id = coalesce(
    (SELECT plugin_id FROM leases WHERE id = $1::text), $4::text, '')
  AND (status IN ('acquiring', 'active') OR parked))";

} // namespace leasehold::pg
