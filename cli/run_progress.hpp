#pragma once

// How far `leasehold run` is, for whoever interrupts it.

#include <mutex>
#include <string>
#include <string_view>

namespace leasehold::cli {

/// Where a run stands.
enum class stage {
  /// No lease yet; one may be on its way.
  acquiring,
  /// The lease is ours; a command may be running.
  working,
  /// The lease is being given back.
  releasing,
  /// The lease has ended.
  ended,
};

/// Read by the signal thread while the main thread moves it on.
class run_progress {
public:
  void enter(stage next);

  /// Notes the lease that is held from now on, in words.
  void hold(std::string lease);

  /// What the first Ctrl-C does.
  [[nodiscard]] std::string when_interrupted() const;

  /// What is left undone by leaving at once.
  [[nodiscard]] std::string when_left() const;

private:
  mutable std::mutex mutex_;
  stage stage_ = stage::acquiring;
  std::string lease_;
};

} // namespace leasehold::cli
