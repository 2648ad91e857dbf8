#include "cli/breaker_report.hpp"

#include "cli/console.hpp"
#include "cli/report.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace leasehold::cli {

std::optional<breaker_info>
open_breaker_of(engine& with, const std::string& kind, const std::string& id) {
  auto all = with.breakers().get();
  if (!all)
    return std::nullopt;
  for (const auto& x : *all)
    if (x.kind == kind && x.id == id)
      return x;
  return std::nullopt;
}

cell breaker_cell(const std::optional<breaker_info>& x, int64_t now_ms) {
  if (!x)
    return {"closed", tone::good};
  auto left = std::max<int64_t>(x->retry_at_ms - now_ms, 0);
  auto when = left == 0 ? std::string{"next time"}
                        : "in " + std::to_string((left + 999) / 1000) + " s";
  return {"open after " + std::to_string(x->failures)
            + " failures, tried again " + when + ": " + x->message,
          tone::bad};
}

nlohmann::ordered_json breaker_json(const std::optional<breaker_info>& x) {
  return x ? view(*x) : nlohmann::ordered_json(nullptr);
}

int show_reset(const context& where, const std::string& kind,
               const std::string& name) {
  if (where.common.json)
    show_json(where, {{"reset", name}});
  else
    show(where, kind + " " + one_line(name) + " is tried again\n");
  return 0;
}

} // namespace leasehold::cli
