#pragma once

// The cloud of the simulation: what exists there, who it was made for, which
// fence it has seen, what runs in it. It outlives every engine and worker, and
// does what it is told; what is right and wrong the oracle knows.

#include "messages/ids.hpp"
#include "messages/values.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace leasehold::sim {

/// One thing that the provider made.
struct resource {
  std::string name;
  /// For which lease it was made, or who resumed it last.
  lease_id lease;
  std::string company;
  std::string environment;
  fence_no fence = 0;
  bool exists = true;
  /// Whether it waits for the next run: nothing runs in it.
  bool parked = false;
  /// Whether it is gone because the provider lost it.
  bool vanished = false;
  milliseconds made_at{0};
};

/// One command that has begun.
struct execution {
  std::string resource;
  lease_id lease;
  size_t begun = 0;
  bool ended = false;
  /// None if it was stopped.
  std::optional<int> exit_code;
  /// Who waits for its end.
  std::function<void()> on_end;
};

/// Who asks for what; as the wire says it.
struct provider_call {
  lease_id lease;
  fence_no fence = 0;
  std::string company;
  std::string environment;
  std::string resource;
};

class provider {
public:
  /// What an oracle wants to know, told when it has happened.
  struct listener {
    std::function<void(const resource&)> made;
    std::function<void(const resource&, const provider_call&)> resumed;
    std::function<void(const resource&, const provider_call&)> parked;
    std::function<void(const resource&, const provider_call&)> removed;
    std::function<void(const resource&, const provider_call&,
                       const std::string& execution)>
      begun;
  };

  listener tell;

  const resource& make(const provider_call& who, milliseconds now);

  /// Whether this call comes from a grant that has been followed by another.
  [[nodiscard]] bool is_stale(const provider_call& who) const;

  /// Null if it is gone.
  const resource* resume(const provider_call& who);

  /// It waits for the next run.
  void park(const provider_call& who);

  /// Idempotent.
  void remove(const provider_call& who);

  /// Whether it began: the resource is there.
  bool begin(const provider_call& who, const std::string& execution);

  /// It ends by itself, unless it was stopped before.
  void end(const std::string& execution, int exit_code);

  /// Calls `what` once it has ended; at once if it has.
  void when_ended(const std::string& execution, std::function<void()> what);

  /// It is stopped.
  void cancel(const std::string& execution);

  /// The provider loses one of its own, chosen by this number.
  void lose_one(size_t which);

  [[nodiscard]] const resource* find(const std::string& name) const;

  /// In the order in which they were made.
  [[nodiscard]] const std::vector<resource>& all() const {
    return resources_;
  }

  [[nodiscard]] const std::map<std::string, execution>& executions() const {
    return executions_;
  }

  void clear();

private:
  static void end(execution& one, std::optional<int> exit_code);

  resource* find_existing(const std::string& name);

  /// Nothing runs any more in what is parked or gone.
  void stop_commands(const std::string& resource);

  std::vector<resource> resources_;
  std::map<std::string, size_t> by_name_;
  std::map<std::string, execution> executions_;
};

} // namespace leasehold::sim
