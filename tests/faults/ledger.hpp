#pragma once

// The campaign's own book: what the victims asked of their engines, and what
// those acknowledged. Read from what the victims say (victim_work.hpp).

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace leasehold::faults {

/// A lease that was granted, as its run knows it.
struct grant {
  std::string lease;
  uint64_t fence = 0;
  std::string resource;
  std::string environment;
  /// Which victim it was granted by.
  int victim = 0;
  /// What its end was asked to be, in this order: `released`, …, `destroyed`.
  std::vector<std::string> asked;
  /// The status that the last acknowledged end had; empty: none.
  std::string ended;
  /// An end was asked for, and nobody knows what became of it.
  bool in_doubt = false;
};

/// A command, and the end that was acknowledged.
struct execution {
  std::string name;
  std::string lease;
  /// What it was told to end with.
  std::string wanted;
  std::string exit;
};

class ledger {
public:
  /// Takes a line of the victim of this number.
  void take(int victim, const std::string& line);

  [[nodiscard]] const std::map<std::string, grant>& grants() const {
    return grants_;
  }

  /// The leases of which something was heard since the last time.
  std::set<std::string> take_news();

  /// The commands whose end was acknowledged since the last time.
  std::vector<execution> take_executions();

  /// How many answers there were, refusals not counted.
  [[nodiscard]] size_t acknowledged() const {
    return acknowledged_;
  }

  [[nodiscard]] size_t cycles() const {
    return cycles_;
  }

  /// The errors that the engines answered with, and how often.
  [[nodiscard]] const std::map<std::string, size_t>& errors() const {
    return errors_;
  }

private:
  void take_ask(std::vector<std::string>& words);

  std::map<std::string, grant> grants_;
  std::map<std::string, execution> running_;
  std::set<std::string> news_;
  std::vector<execution> executions_;
  std::map<std::string, size_t> errors_;
  size_t acknowledged_ = 0;
  size_t cycles_ = 0;
};

/// The words of a line.
std::vector<std::string> words_of(const std::string& line);

} // namespace leasehold::faults
