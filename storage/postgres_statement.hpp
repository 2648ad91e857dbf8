#pragma once

// How a statement that writes leases begins and ends: as a part of a
// transaction that somebody has begun, or as the whole transaction. The latter
// asks the server's clock, takes its fences, and leaves the mark of its batch,
// all in one trip to the server.
//
//   head     who writes, when, and the fence before the first new one
//   answer   (n, fence, at): the commands whose guards held, the fences of
//            their leases, and the time
//
// What a statement does stands between the two; it reads `head` and makes
// `answer`.

#include <string>
#include <string_view>

namespace leasehold::pg {

/// A statement in all of its forms. The parameters of each are
///   $1  the time; null, if alone: the server's
///   $2  the engine
///   $3  within: the fence before the first new one; alone: how many to take
///   $4  the writer, $5 the number of its batch; used if alone
///   $6  and so on: the columns of the commands
struct lease_statement {
  std::string within;
  std::string alone;
  /// As `alone`, for columns of one row: the server need not read them side by
  /// side.
  std::string alone_of_one;
};

inline const std::string head_within = R"(
WITH head AS MATERIALIZED (
  SELECT $1::bigint AS at, $2::text AS by, $3::bigint AS fence,
    $4::text AS writer, $5::bigint AS batch
))";

inline const std::string head_alone = R"(
WITH head AS MATERIALIZED (
  SELECT coalesce($1::bigint,
      floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS at,
    $2::text AS by, $3::bigint AS fence
))";

// The row of fences stays locked until the commit: whoever takes a larger fence
// commits later.
inline const std::string head_alone_with_fences = R"(
WITH taken AS (
  UPDATE fences SET last = last + $3::bigint
  RETURNING last - $3::bigint AS fence
), head AS MATERIALIZED (
  SELECT coalesce($1::bigint,
      floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS at,
    $2::text AS by, fence
  FROM taken
))";

// Says that the batch happened, and which of its guards held.
inline const std::string mark_alone = R"(
, marked AS (
  UPDATE batches b
  SET last = $5::bigint, at = head.at, done = a.done, fences = a.fences
  FROM head, (SELECT array_agg(n) AS done, array_agg(fence) AS fences
    FROM answer) AS a
  WHERE b.writer = $4::uuid))";

inline const std::string give_answer = "\nSELECT n, fence, at FROM answer";

/// What that mark says of the last batch of writer $1, as its answer did.
inline const std::string read_mark = R"(
SELECT a.n, a.fence, b.at
FROM batches b, unnest(b.done, b.fences) AS a (n, fence)
WHERE b.writer = $1::uuid)";

/// Takes the first of each of the columns that `unnest` reads side by side.
inline std::string of_one(const std::string& statement) {
  const std::string_view many = "unnest(";
  auto begin = statement.find(many);
  if (begin == std::string::npos)
    return statement;
  auto end = statement.find(')', begin);
  std::string out = statement.substr(0, begin) + "(SELECT (";
  for (auto pos = begin + many.size(); pos < end; ++pos)
    if (statement[pos] == ',')
      out += ")[1], (";
    else
      out += statement[pos];
  return out + ")[1]" + statement.substr(end);
}

inline lease_statement in_all_forms(const std::string& head,
                                    const std::string& body) {
  return {head_within + body + give_answer,
          head + body + mark_alone + give_answer,
          head + of_one(body) + mark_alone + give_answer};
}

/// A statement that may be alone if it takes no fences.
inline lease_statement both_ways(const std::string& body) {
  return in_all_forms(head_alone, body);
}

/// A statement that takes fences and may be alone all the same: what was
/// committed while it waited for its fences is met by the constraints, or by
/// the locks that it takes.
inline lease_statement both_ways_with_fences(const std::string& body) {
  return in_all_forms(head_alone_with_fences, body);
}

/// A statement that must see all that was committed before it got its fences,
/// or is one of two that change all or nothing.
inline lease_statement within_only(const std::string& body) {
  return {head_within + body + give_answer, {}, {}};
}

} // namespace leasehold::pg
