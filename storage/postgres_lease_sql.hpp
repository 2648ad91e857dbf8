#pragma once

// The statements that write leases, each for many commands at once. They take
// an array per column (from $6; see postgres_statement.hpp); they change the
// rows whose guards hold, and add a line of history to each.
//
// The history is copied from what the change returns, so that it cannot
// disagree with the row. No statement joins two sets of commands: the number
// of rows is unknown when it is planned, and such a join would be quadratic.
//
// Leases are found by their ids and nothing else. Guards are written so that
// no partial index fits them (`status || ''`, `parked::int`): a plan that was
// made when few leases were live would read all of them later.

#include "storage/postgres_statement.hpp"

#include <string>

namespace leasehold::pg {

/// What most of them end with: `changed` has the rows as they are now.
inline const std::string record_and_answer = R"(
, recorded AS (
  INSERT INTO lease_events (lease_seq, at, from_status, to_status, fence,
    by_instance, note)
  SELECT seq, at, before, status, fence, coalesce($2::text, owner_instance),
    note
  FROM changed
), answer AS (SELECT n, fence, at FROM changed))";

// What new leases ask for, and the plugins that serve them.
inline const std::string asked_leases = R"(
, asked AS (
  SELECT head.at, a.*, head.fence + a.turn AS fence,
    coalesce(head.at + a.expires_in, a.ends_at) AS expires_at,
    head.at + a.deadline_in AS deadline_at
  FROM head, unnest($6::int[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
    $15::text[], $16::text[], $17::text[], $18::boolean[], $19::bigint[],
    $20::text[], $21::text[], $22::text[], $23::bigint[], $24::bigint[],
    $25::bigint[], $26::text[], $27::text[], $28::bigint[], $29::bigint[])
  AS a (n, id, claims, company_id, environment_id, workspace_id, issue_id,
    run_id, status, lease_policy, provider, provider_lease_id, exclusive,
    turn, owner_instance, fingerprint, metadata, expires_in, ends_at,
    deadline_in, note, plugin_id, plugin_seen, reattach_grace)
), serving AS MATERIALIZED (
  -- Whoever changes or removes a plugin waits for us, or we see what became of
  -- it, even if that was while we waited for our fences: a weaker lock would
  -- not look again. What is asked for is named once more below, and so never
  -- put down in between. `head` is there so that fences always come first.
  SELECT p.id, p.updated_at FROM head, plugins p
  WHERE p.id = ANY ($27::text[]) AND p.status = 'ready'
  FOR SHARE OF p
)";

// Writes what is `ready`, and begins its history.
inline const std::string begin_ready_leases = R"(
), inserted AS (
  INSERT INTO leases (seq, id, acquired_at, last_used_at, updated_at,
    company_id, environment_id, workspace_id, issue_id, run_id, status,
    lease_policy, provider, provider_lease_id, exclusive, fence,
    owner_instance, fingerprint, metadata, expires_at, deadline_at, plugin_id,
    reattach_grace)
  SELECT seq, id, at, at, at, company_id, environment_id, workspace_id,
    issue_id, run_id, status, lease_policy, provider, provider_lease_id,
    exclusive, fence, owner_instance, fingerprint, metadata, expires_at,
    deadline_at, coalesce(plugin_id, ''), reattach_grace
  FROM ready
), recorded AS (
  INSERT INTO lease_events (lease_seq, at, from_status, to_status, fence,
    by_instance, note)
  SELECT seq, at, NULL, status, fence, coalesce($2::text, owner_instance), note
  FROM ready)";

// A lease that somebody else holds the resource of, or that refers to what does
// not exist, is left out; if that changes meanwhile, the constraints refuse.
inline const lease_statement insert_leases
  = both_ways_with_fences(asked_leases + R"(
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
    updated_at = g.at
  FROM good g
  WHERE l.id = g.claims AND (l.parked::int = 1
    OR (l.status || '' = 'retained' AND l.cleanup_status IS NULL))
  RETURNING l.seq AS l_seq, l.status AS l_status, l.fence AS l_fence,
    l.owner_instance AS l_owner, l.plugin_id AS l_plugin, g.*
), ready AS (
  SELECT n, id, company_id, environment_id, workspace_id, issue_id, run_id,
    status, lease_policy, provider, provider_lease_id, exclusive, fence,
    owner_instance, fingerprint, metadata, expires_at, deadline_at, note,
    plugin_id, seq, reattach_grace, at
  FROM good WHERE claims IS NULL
  UNION ALL
  SELECT n, id, company_id, environment_id, workspace_id, issue_id, run_id,
    status, lease_policy, provider, provider_lease_id, exclusive, fence,
    owner_instance, fingerprint, metadata, expires_at, deadline_at, note,
    coalesce(plugin_id, l_plugin), seq, reattach_grace, at
  FROM claimed
)" + begin_ready_leases + R"(
  UNION ALL
  SELECT l_seq, at, l_status, l_status, l_fence,
    coalesce($2::text, l_owner), 'claimed by ' || id
  FROM claimed
), answer AS (SELECT n, fence, at FROM ready))");

// The same for leases that claim nothing, without a look at what the
// constraints refuse anyway: if they do, the batch is written anew, one by one
// and with `insert_leases`, which leaves out whoever is to blame.
inline const lease_statement insert_unclaimed_leases
  = both_ways_with_fences(asked_leases + R"(
), ready AS MATERIALIZED (
  SELECT a.*, nextval('leases_seq') AS seq FROM asked a
  WHERE a.plugin_id IS NULL OR EXISTS (
    SELECT FROM serving s
    WHERE s.id = a.plugin_id AND s.updated_at = a.plugin_seen)
  ORDER BY a.n
)" + begin_ready_leases + R"(
), answer AS (SELECT n, fence, at FROM ready))");

inline const lease_statement reacquire_leases = both_ways_with_fences(R"(
, changed AS (
  UPDATE leases l
  SET fence = head.fence + a.turn, owner_instance = a.owner,
    last_used_at = head.at, updated_at = head.at,
    deadline_at = NULL,
    expires_at = coalesce(head.at + a.expires_in, l.expires_at),
    reattach_grace = a.grace
  FROM head, unnest($6::int[], $7::text[], $8::bigint[], $9::text[],
    $10::bigint[], $11::text[], $12::bigint[], $13::bigint[], $14::text[])
  AS a (n, id, fence, run_id, turn, owner, expires_in, grace, note)
  WHERE l.id = a.id AND l.status || '' = 'active' AND l.fence = a.fence
    AND l.run_id = a.run_id
  RETURNING head.at, a.n, l.seq, l.status AS before, l.status, l.fence,
    l.owner_instance, a.note)
)" + record_and_answer);

inline const lease_statement activate_leases = both_ways(R"(
, changed AS (
  UPDATE leases l
  SET status = 'active',
    provider_lease_id = coalesce(a.resource, l.provider_lease_id),
    metadata = a.metadata, expires_at = coalesce(a.expires_at, l.expires_at),
    deadline_at = NULL, last_used_at = head.at, updated_at = head.at
  FROM head, unnest($6::int[], $7::text[], $8::bigint[], $9::text[],
    $10::text[], $11::bigint[], $12::text[])
  AS a (n, id, fence, resource, metadata, expires_at, note)
  WHERE l.id = a.id AND l.status || '' = 'acquiring' AND l.fence = a.fence
    AND NOT (l.exclusive AND EXISTS (
      SELECT FROM leases h
      WHERE h.provider_lease_id = a.resource AND h.provider = l.provider
        AND h.plugin_id = l.plugin_id AND h.id <> l.id AND h.exclusive
        AND h.provider_lease_id IS NOT NULL
        AND (h.status IN ('acquiring', 'active') OR h.parked)))
  RETURNING head.at, a.n, l.seq, 'acquiring' AS before, l.status, l.fence,
    l.owner_instance, a.note)
)" + record_and_answer);

inline const lease_statement give_up_resources = within_only(R"(
, changed AS (
  UPDATE leases l
  SET provider_lease_id = NULL, updated_at = head.at
  FROM head, unnest($6::int[], $7::text[], $8::bigint[], $9::text[])
  AS a (n, id, fence, note)
  WHERE l.id = a.id AND l.status || '' = 'acquiring' AND l.fence = a.fence
  RETURNING head.at, a.n, l.seq, l.status AS before, l.status, l.fence,
    l.owner_instance, a.note)
)" + record_and_answer);

inline const lease_statement give_back_resources = within_only(R"(
, changed AS (
  UPDATE leases l
  SET parked = a.parked, cleanup_status = nullif(a.cleanup, 'none'),
    cleanup_attempts = 0,
    next_cleanup_at = head.at + a.next_in, updated_at = head.at
  FROM head, unnest($6::int[], $7::text[], $8::boolean[], $9::text[],
    $10::bigint[], $11::text[])
  AS a (n, id, parked, cleanup, next_in, note)
  WHERE l.id = a.id AND NOT l.parked
    AND l.status NOT IN ('acquiring', 'active')
  RETURNING head.at, a.n, l.seq, l.status AS before, l.status, l.fence,
    l.owner_instance, a.note)
)" + record_and_answer);

// A command comes once for each state that it may come from: that tells us
// which one it was, for the history. An acquire that nobody saw the end of
// keeps its deadline: its provider may be at it until then.
inline const lease_statement end_leases = both_ways(R"(
, changed AS (
  UPDATE leases l
  SET status = a.status, failure_reason = nullif(a.reason, ''),
    cleanup_status = nullif(a.cleanup, 'none'),
    next_cleanup_at = head.at + a.next_in,
    parked = a.parked,
    provider_lease_id = coalesce(a.resource, l.provider_lease_id),
    released_at = CASE WHEN a.status = 'retained' THEN NULL
      ELSE head.at END,
    deadline_at = CASE WHEN a.before = 'acquiring' AND a.cleanup = 'failed'
      THEN l.deadline_at ELSE head.at + a.parked_for END,
    last_used_at = head.at, updated_at = head.at
  FROM head, unnest($6::int[], $7::text[], $8::bigint[], $9::text[],
    $10::text[], $11::text[], $12::text[], $13::bigint[], $14::boolean[],
    $15::text[], $16::bigint[], $17::text[])
  AS a (n, id, fence, before, status, reason, cleanup, next_in, parked,
    resource, parked_for, note)
  WHERE l.id = a.id AND l.status = a.before AND a.fence IN (0, l.fence)
  RETURNING head.at, a.n, l.seq, a.before, l.status, l.fence,
    l.owner_instance, a.note
)
)" + record_and_answer);

// Never earlier than before; a lease without an end keeps none.
inline const lease_statement extend_leases = both_ways(R"(
, changed AS (
  UPDATE leases l
  SET expires_at = CASE WHEN l.expires_at IS NULL THEN NULL
      ELSE greatest(l.expires_at, head.at + a.expires_in) END,
    updated_at = head.at
  FROM head, unnest($6::int[], $7::text[], $8::bigint[], $9::bigint[],
    $10::text[])
  AS a (n, id, fence, expires_in, note)
  WHERE l.id = a.id AND l.status || '' = 'active' AND l.fence = a.fence
  RETURNING head.at, a.n, l.seq, l.status AS before, l.status, l.fence,
    l.owner_instance, a.note)
)" + record_and_answer);

inline const lease_statement describe_leases = both_ways(R"(
, changed AS (
  UPDATE leases l
  SET metadata = a.metadata, last_used_at = head.at,
    updated_at = head.at
  FROM head, unnest($6::int[], $7::text[], $8::bigint[], $9::text[],
    $10::text[])
  AS a (n, id, fence, metadata, note)
  WHERE l.id = a.id AND l.status || '' = 'active' AND l.fence = a.fence
  RETURNING head.at, a.n, l.seq, l.status AS before, l.status, l.fence,
    l.owner_instance, a.note)
)" + record_and_answer);

inline const lease_statement record_cleanups = both_ways(R"(
, changed AS (
  UPDATE leases l
  SET cleanup_status = nullif(a.outcome, 'none'),
    cleanup_attempts = l.cleanup_attempts + a.attempted,
    next_cleanup_at = head.at + a.next_in,
    provider_lease_id = coalesce(a.resource, l.provider_lease_id),
    updated_at = head.at
  FROM head, unnest($6::int[], $7::text[], $8::text[], $9::int[], $10::bigint[],
    $11::text[], $12::text[])
  AS a (n, id, outcome, attempted, next_in, resource, note)
  WHERE l.id = a.id AND l.cleanup_status || '' = 'failed' AND NOT l.parked
    AND l.status NOT IN ('acquiring', 'active')
  RETURNING head.at, a.n, l.seq, l.status AS before, l.status, l.fence,
    l.owner_instance, a.note)
)" + record_and_answer);

// An operator who asks again gives the janitor all its attempts again.
inline const lease_statement owe_cleanups = both_ways(R"(
, changed AS (
  UPDATE leases l
  SET cleanup_status = 'failed', cleanup_attempts = 0,
    next_cleanup_at = head.at + a.next_in, parked = false,
    failure_reason = coalesce(nullif(a.reason, ''), l.failure_reason),
    updated_at = head.at
  FROM head, unnest($6::int[], $7::text[], $8::bigint[], $9::text[],
    $10::text[])
  AS a (n, id, next_in, reason, note)
  WHERE l.id = a.id AND l.cleanup_status IS DISTINCT FROM 'success'
    AND l.status NOT IN ('acquiring', 'active')
  RETURNING head.at, a.n, l.seq, l.status AS before, l.status, l.fence,
    l.owner_instance, a.note)
)" + record_and_answer);

// Nothing is written but the fences, which are locked until the commit.
inline const lease_statement take_fences = within_only(R"(
, answer AS (
SELECT a.n, head.fence + a.turn AS fence, head.at
FROM head, leases l, unnest($6::int[], $7::text[], $8::bigint[], $9::text[])
  AS a (n, id, turn, resource)
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
      AND h.cleanup_status IS NULL AND h.id <> l.id)))
)");

inline const lease_statement await_runs = both_ways(R"(
, changed AS (
  UPDATE leases l
  SET deadline_at = head.at + a.grace,
    updated_at = head.at
  FROM head, unnest($6::int[], $7::text[], $8::bigint[], $9::bigint[],
    $10::text[])
  AS a (n, id, fence, grace, note)
  WHERE l.id = a.id AND l.status || '' = 'active' AND l.fence = a.fence
    AND l.deadline_at IS NULL
  RETURNING head.at, a.n, l.seq, l.status AS before, l.status, l.fence,
    l.owner_instance, a.note)
)" + record_and_answer);

inline const lease_statement confirm_gone = both_ways(R"(
, changed AS (
  UPDATE leases l
  SET cleanup_status = 'success', next_cleanup_at = NULL, parked = false,
    updated_at = head.at
  FROM head, unnest($6::int[], $7::text[], $8::text[]) AS a (n, id, note)
  WHERE l.id = a.id AND l.cleanup_status IS DISTINCT FROM 'success'
    AND l.status NOT IN ('acquiring', 'active')
  RETURNING head.at, a.n, l.seq, l.status AS before, l.status, l.fence,
    l.owner_instance, a.note)
)" + record_and_answer);

// An ended lease that owes the removal of a resource which came up late, unless
// a row leads to it already. A question per partial index.
inline const lease_statement adopt_late = within_only(R"(
, asked AS (
  SELECT head.at, a.*, head.fence + a.turn AS fence
  FROM head, unnest($6::int[], $7::text[], $8::text[], $9::text[],
    $10::bigint[], $11::text[])
  AS a (n, lease, resource, id, turn, note)
), changed AS (
  INSERT INTO leases (id, acquired_at, last_used_at, updated_at, released_at,
    company_id, environment_id, workspace_id, issue_id, run_id, status,
    lease_policy, provider, provider_lease_id, exclusive, fence,
    owner_instance, fingerprint, metadata, plugin_id, cleanup_status,
    next_cleanup_at, failure_reason)
  SELECT a.id, a.at, a.at, a.at, a.at, m.company_id,
    m.environment_id, m.workspace_id, m.issue_id, m.run_id, 'failed',
    m.lease_policy, m.provider, a.resource, m.exclusive, a.fence, $2::text,
    m.fingerprint, m.metadata, m.plugin_id, 'failed', a.at, 'came_up_late'
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
  SELECT c.seq, a.at, NULL, c.status, c.fence,
    coalesce($2::text, c.owner_instance), a.note
  FROM changed c JOIN asked a ON a.id = c.id
), answer AS (
  SELECT a.n, c.fence, a.at FROM changed c JOIN asked a ON a.id = c.id
))");

} // namespace leasehold::pg
