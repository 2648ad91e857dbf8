#pragma once

// The statements that write leases. Each names the states that it may come
// from; `?1` is the lease, `?2` the time.

namespace leasehold::sql {

inline constexpr const char* insert_lease = R"(
INSERT INTO leases (id, acquired_at, last_used_at, updated_at, company_id,
  environment_id, workspace_id, issue_id, run_id, status, lease_policy,
  provider, provider_lease_id, exclusive, fence, owner_instance, fingerprint,
  metadata, expires_at, deadline_at, plugin_id, reattach_grace)
VALUES (?1, ?2, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,
  ?15, ?16, ?17, ?18, coalesce(nullif(?19, ''),
    (SELECT old.plugin_id FROM leases old WHERE old.id = ?20), ''), ?21))";

inline constexpr const char* read_plugin_state = R"(
SELECT plugin_key, status, updated_at FROM plugins WHERE id = ?1)";

inline constexpr const char* claim_resource = R"(
UPDATE leases
SET parked = 0, cleanup_status = 'success', next_cleanup_at = NULL,
  updated_at = ?2
WHERE id = ?1
  AND (parked = 1 OR (status = 'retained' AND cleanup_status IS NULL)))";

inline constexpr const char* reacquire_lease = R"(
UPDATE leases
SET fence = ?5, owner_instance = ?6, last_used_at = ?2, updated_at = ?2,
  expires_at = ifnull(?7, expires_at), deadline_at = NULL,
  reattach_grace = ?8
WHERE id = ?1 AND status = 'active' AND fence = ?3 AND run_id = ?4)";

inline constexpr const char* await_run = R"(
UPDATE leases
SET deadline_at = ?4, updated_at = ?2
WHERE id = ?1 AND status = 'active' AND fence = ?3 AND deadline_at IS NULL)";

inline constexpr const char* activate_lease = R"(
UPDATE leases
SET status = 'active', provider_lease_id = ifnull(?4, provider_lease_id),
  metadata = ?5, expires_at = ifnull(?6, expires_at), deadline_at = NULL,
  last_used_at = ?2, updated_at = ?2
WHERE id = ?1 AND status = 'acquiring' AND fence = ?3)";

inline constexpr const char* give_up_resource = R"(
UPDATE leases
SET provider_lease_id = NULL, updated_at = ?2
WHERE id = ?1 AND status = 'acquiring' AND fence = ?3)";

inline constexpr const char* give_back_resource = R"(
UPDATE leases
SET parked = ?3, cleanup_status = nullif(?4, 'none'), cleanup_attempts = 0,
  next_cleanup_at = ?5, updated_at = ?2
WHERE id = ?1 AND parked = 0 AND status NOT IN ('acquiring', 'active'))";

// An acquire that nobody saw the end of keeps its deadline: its provider may be
// at it until then.
inline constexpr const char* end_lease = R"(
UPDATE leases
SET status = ?5, failure_reason = nullif(?6, ''),
  cleanup_status = nullif(?7, 'none'), next_cleanup_at = ?8, parked = ?9,
  provider_lease_id = ifnull(?10, provider_lease_id),
  released_at = iif(?5 = 'retained', NULL, ?2),
  deadline_at = iif(status = 'acquiring' AND ?7 = 'failed', deadline_at, ?11),
  last_used_at = ?2, updated_at = ?2
WHERE id = ?1 AND status = ?4 AND ?3 IN (0, fence))";

// Never earlier than before; a lease without an end keeps none.
inline constexpr const char* extend_lease = R"(
UPDATE leases
SET expires_at = max(expires_at, ?4), updated_at = ?2
WHERE id = ?1 AND status = 'active' AND fence = ?3)";

inline constexpr const char* describe_lease = R"(
UPDATE leases
SET metadata = ?4, last_used_at = ?2, updated_at = ?2
WHERE id = ?1 AND status = 'active' AND fence = ?3)";

inline constexpr const char* record_cleanup = R"(
UPDATE leases
SET cleanup_status = nullif(?3, 'none'),
  cleanup_attempts = cleanup_attempts + ?4, next_cleanup_at = ?5,
  provider_lease_id = ifnull(?6, provider_lease_id), updated_at = ?2
WHERE id = ?1 AND cleanup_status = 'failed' AND parked = 0
  AND status NOT IN ('acquiring', 'active'))";

// An operator who asks again gives the janitor all its attempts again.
inline constexpr const char* owe_cleanup = R"(
UPDATE leases
SET cleanup_status = 'failed', cleanup_attempts = 0, next_cleanup_at = ?3,
  parked = 0, failure_reason = ifnull(nullif(?4, ''), failure_reason),
  updated_at = ?2
WHERE id = ?1 AND cleanup_status IS NOT 'success'
  AND status NOT IN ('acquiring', 'active'))";

inline constexpr const char* confirm_gone = R"(
UPDATE leases
SET cleanup_status = 'success', next_cleanup_at = NULL, parked = 0,
  updated_at = ?2
WHERE id = ?1 AND cleanup_status IS NOT 'success'
  AND status NOT IN ('acquiring', 'active'))";

/// An ended lease ?4 that owes the removal of the resource ?3, which came up
/// for the lease ?1; unless a row leads to it already. A question per partial
/// index.
inline constexpr const char* adopt_late = R"(
INSERT INTO leases (id, acquired_at, last_used_at, updated_at, released_at,
  company_id, environment_id, workspace_id, issue_id, run_id, status,
  lease_policy, provider, provider_lease_id, exclusive, fence, owner_instance,
  fingerprint, metadata, plugin_id, cleanup_status, next_cleanup_at,
  failure_reason)
SELECT ?4, ?2, ?2, ?2, ?2, company_id, environment_id, workspace_id, issue_id,
  run_id, 'failed', lease_policy, provider, ?3, exclusive, ?5, ?6,
  fingerprint, metadata, plugin_id, 'failed', ?2, 'came_up_late'
FROM leases made WHERE made.id = ?1
  AND NOT EXISTS (SELECT 1 FROM leases h
    WHERE h.provider_lease_id = ?3 AND h.provider = made.provider
      AND h.plugin_id = made.plugin_id AND h.exclusive = 1
      AND h.provider_lease_id IS NOT NULL
      AND (h.status IN ('acquiring', 'active') OR h.parked = 1))
  AND NOT EXISTS (SELECT 1 FROM leases h
    WHERE h.provider_lease_id = ?3 AND h.provider = made.provider
      AND h.plugin_id = made.plugin_id AND h.cleanup_status = 'failed')
  AND NOT EXISTS (SELECT 1 FROM leases h
    WHERE h.provider_lease_id = ?3 AND h.provider = made.provider
      AND h.plugin_id = made.plugin_id AND h.status = 'retained'
      AND h.cleanup_status IS NULL))";

// Copied from the row, so that history cannot disagree with it.
inline constexpr const char* record_event = R"(
INSERT INTO lease_events (lease_seq, at, from_status, to_status, fence,
  by_instance, note)
SELECT seq, ?2, nullif(ifnull(?3, status), ''), status, fence,
  ifnull(?4, owner_instance), ?5
FROM leases WHERE id = ?1)";

/// Whether a row other than ?1 holds or keeps the resource ?2 of the same
/// provider and plugin. A question per partial index.
inline constexpr const char* is_held_by_another = R"(
SELECT 1 FROM leases me WHERE me.id = ?1
  AND (EXISTS (SELECT 1 FROM leases h
      WHERE h.provider_lease_id = ?2 AND h.provider = me.provider
        AND h.plugin_id = me.plugin_id AND h.exclusive = 1
        AND h.provider_lease_id IS NOT NULL AND h.id <> ?1
        AND (h.status IN ('acquiring', 'active') OR h.parked = 1))
    OR EXISTS (SELECT 1 FROM leases h
      WHERE h.provider_lease_id = ?2 AND h.provider = me.provider
        AND h.plugin_id = me.plugin_id AND h.status = 'retained'
        AND h.cleanup_status IS NULL AND h.id <> ?1)))";

inline constexpr const char* read_state = R"(
SELECT status, fence, parked, cleanup_status FROM leases WHERE id = ?1)";

/// Who else holds this resource of this provider and plugin; of the lease's own
/// where they are not given.
inline constexpr const char* find_holder = R"(
SELECT id FROM leases
WHERE id IS NOT ?1 AND exclusive = 1
  AND provider_lease_id
    = ifnull(?2, (SELECT provider_lease_id FROM leases WHERE id = ?1))
  AND provider
    = ifnull(?3, (SELECT provider FROM leases WHERE id = ?1))
  AND plugin_id = coalesce((SELECT plugin_id FROM leases WHERE id = ?1), ?4, '')
  AND (status IN ('acquiring', 'active') OR parked = 1))";

} // namespace leasehold::sql
