#pragma once

// What a worker may ask of its host, and in whose name (PB §5.3, §5.7, §5.8).

#include "messages/ids.hpp"
#include "messages/values.hpp"

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace leasehold {

/// Who asks.
struct asking_plugin {
  plugin_id id = {};
  /// What its manifest lists.
  std::vector<std::string> capabilities = {};
};

/// What it asks, as far as the rules care.
struct host_question {
  std::string method = {};
  /// The call that it says it is handling; empty if it says nothing.
  std::string invocation = {};
  /// The company of that call; none if there is no such call any more.
  std::optional<company_id> scope = {};
  /// The company that it names; empty if it names none.
  company_id company = {};
  /// Whether any company's call is on its way.
  bool busy = false;
};

/// Why it gets no answer; the code is JSON-RPC's.
struct host_refusal {
  int code = 0;
  std::string message = {};

  friend bool operator==(const host_refusal&, const host_refusal&) = default;
};

/// Nothing if the engine answers this method, to a plugin with these
/// capabilities.
std::optional<host_refusal> check_method(const asking_plugin& who,
                                         const std::string& method);

/// In which company's name the question is asked: that of the call which the
/// worker handles. One that handles none may name any, since what it gets has
/// been bound to the plugin by that company; it may name none, too.
std::variant<company_id, host_refusal> scope_of(const asking_plugin& who,
                                                const host_question& what);

/// What a question about a company is told that is asked in nobody's name.
host_refusal no_company(const asking_plugin& who, const std::string& method);

/// How often a company's secrets may be resolved: 30 times in any minute.
class resolve_budget {
public:
  /// Whether there is one left at `now`, which is then taken.
  bool take(const company_id& company, milliseconds now);

private:
  std::map<company_id, std::deque<milliseconds>> taken_;
};

} // namespace leasehold
