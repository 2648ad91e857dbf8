// leasehold lease …

#include "cli/admin_commands.hpp"
#include "cli/durations.hpp"
#include "cli/report.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace leasehold::cli {

namespace {

std::string first_words(const ended_lease& x) {
  return "lease " + short_id(x.id) + " " + one_line(x.status);
}

cell status_cell(const lease_info& x) {
  auto how = x.status == "active"                                ? tone::good
             : x.status == "failed"                              ? tone::bad
             : x.status == "acquiring" || x.status == "retained" ? tone::warning
                                                                 : tone::plain;
  return {x.parked ? x.status + ", parked" : x.status, how};
}

cell cleanup_cell(const lease_info& x, int64_t now) {
  if (x.cleanup == "success")
    return {"done"};
  if (x.cleanup != "failed")
    return {};
  if (!x.next_cleanup_at_ms)
    return {"owed, needs you", tone::bad};
  return {"owed, next " + format_relative(*x.next_cleanup_at_ms, now),
          tone::warning};
}

/// `2026-05-11 08:30:00 (3 min ago)`, or nothing.
cell time_cell(std::optional<int64_t> at, int64_t now) {
  if (!at || *at == 0)
    return {};
  return {format_local_time(*at) + " (" + format_relative(*at, now) + ")"};
}

/// One lease and what became of it.
void show_ended(const context& where, const ended_lease& x) {
  if (where.common.json) {
    show_json(where, view(x));
    return;
  }
  auto text = first_words(x);
  if (x.parked)
    text += ", its resource is parked";
  if (x.cleanup_owed)
    text += ", cleanup owed"
            + (x.cleanup_error.empty() ? "" : ": " + one_line(x.cleanup_error));
  show(where, text + "\n");
}

std::string nothing_to_list(const lease_list_arguments& what) {
  if (what.all)
    return "No leases yet. Make one: leasehold run --provider bubblewrap -- "
           "hostname\n";
  return "Nothing is leased, parked or to be cleaned up. Ended leases: "
         "leasehold lease list --all\n";
}

/// People know environments by name, records by id.
void name_environments(engine& from, std::vector<lease_info>& rows) {
  auto known = from.environments().get();
  if (!known)
    return;
  for (auto& row : rows) {
    auto pos
      = std::ranges::find(*known, row.environment, &environment_info::id);
    if (pos != known->end())
      row.environment = pos->name;
  }
}

/// Looks a lease up by id or prefix and hands an operator's handle to `body`.
int with_lease(const context& where, const std::string& id,
               const std::function<int(session&, const lease&)>& body) {
  return with_session(where, recovery::first, [&](session& in) {
    auto found = in.engine.find_lease(id).get();
    if (!found)
      return fail(where, found.error());
    lease handle;
    handle.id = found->id;
    return body(in, handle);
  });
}

} // namespace

std::string leases_table(const std::vector<lease_info>& rows, int64_t now,
                         bool colour) {
  table result{
    {"ID", "ENVIRONMENT", "RUN", "STATUS", "RESOURCE", "CLEANUP", "ACQUIRED"}};
  for (const auto& x : rows)
    result.add({{short_id(x.id)},
                {x.environment},
                {x.run},
                status_cell(x),
                {x.resource},
                cleanup_cell(x, now),
                {format_relative(x.acquired_at_ms, now)}});
  return result.text(colour);
}

std::string lease_fields(const lease_info& x, int64_t now, bool colour) {
  auto attempts = x.cleanup_attempts ? std::to_string(x.cleanup_attempts) : "";
  return fields({{"id", {x.id}},
                 {"company", {x.company}},
                 {"environment", {x.environment}},
                 {"workspace", {x.workspace}},
                 {"issue", {x.issue}},
                 {"run", {x.run}},
                 {"status", status_cell(x)},
                 {"policy", {x.policy}},
                 {"provider", {x.provider}},
                 {"resource", {x.resource}},
                 {"fence", {std::to_string(x.fence)}},
                 {"owner", {x.owner}},
                 {"failure reason", {x.failure_reason}},
                 {"cleanup", cleanup_cell(x, now)},
                 {"cleanup attempts", {attempts}},
                 {"acquired", time_cell(x.acquired_at_ms, now)},
                 {"updated", time_cell(x.updated_at_ms, now)},
                 {"expires", time_cell(x.expires_at_ms, now)},
                 {"released", time_cell(x.released_at_ms, now)}},
                colour)
         + json_block("Metadata", x.metadata, colour);
}

std::string history_table(const std::vector<history_line>& rows, bool colour) {
  table result{{"WHEN", "AFTER", "FROM", "TO", "FENCE", "NOTE"}};
  auto previous = rows.empty() ? 0 : rows.front().at_ms;
  for (const auto& x : rows) {
    auto after = std::chrono::milliseconds{x.at_ms - previous};
    previous = x.at_ms;
    result.add({{format_local_time(x.at_ms, true)},
                {after.count() > 0 ? format_duration(after) : ""},
                {x.from},
                {x.to},
                {std::to_string(x.fence)},
                {x.note}});
  }
  return result.text(colour);
}

int perform(const lease_list_arguments& what, const context& where) {
  return with_session(where, recovery::first, [&](session& in) {
    lease_filter filter;
    filter.environment = what.environment;
    filter.run = what.run;
    filter.holding_only = !what.all;
    filter.limit = what.limit;
    auto rows = in.engine.leases(filter).get();
    if (!rows) {
      const auto& why = rows.error();
      return fail(where, why, suggest(in.engine, why.code, what.environment));
    }
    if (where.common.json) {
      show_json(where, {{"leases", view_all(*rows)}});
    } else if (rows->empty()) {
      show(where, nothing_to_list(what));
    } else {
      name_environments(in.engine, *rows);
      show(where, leases_table(*rows, now_ms(), where.screen.colour_out));
    }
    return 0;
  });
}

int perform(const lease_show_arguments& what, const context& where) {
  return with_session(where, recovery::first, [&](session& in) {
    auto found = in.engine.find_lease(what.id).get();
    if (!found)
      return fail(where, found.error());
    auto lines = in.engine.history(found->id).get();
    if (!lines)
      return fail(where, lines.error());
    if (where.common.json) {
      show_json(where,
                {{"lease", view(*found)}, {"history", view_all(*lines)}});
    } else {
      std::vector<lease_info> rows{*found};
      name_environments(in.engine, rows);
      auto colour = where.screen.colour_out;
      show(where, lease_fields(rows.front(), now_ms(), colour) + "\n"
                    + history_table(*lines, colour));
    }
    return 0;
  });
}

int perform(const lease_release_arguments& what, const context& where) {
  return with_lease(where, what.id, [&](session& in, const lease& which) {
    release_request how;
    how.outcome = what.failed    ? outcome::failed
                  : what.expired ? outcome::expired
                                 : outcome::released;
    how.reason = what.reason;
    auto ended = in.engine.release(which, how).get();
    if (!ended)
      return fail(where, ended.error());
    show_ended(where, *ended);
    return 0;
  });
}

int perform(const lease_destroy_arguments& what, const context& where) {
  return with_lease(where, what.id, [&](session& in, const lease& which) {
    auto ended = in.engine.destroy(which, what.reason).get();
    if (!ended)
      return fail(where, ended.error());
    show_ended(where, *ended);
    return 0;
  });
}

} // namespace leasehold::cli
