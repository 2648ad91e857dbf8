#pragma once

// Trip wires of the fault worker: named places in its code where, when the
// campaign has armed one, somebody dies. The campaign writes `PLACE WHAT` to
// the file `armed` in the worker's directory; whoever comes to PLACE takes the
// file away, notes it in the journal, and does WHAT:
//
//   engine   kills the engine and waits for its own end
//   worker   kills itself
//   hang     stops answering for good
//   late     lets the answer come after the engine has given up on it
//
// The file `crash_percent` has the worker die in so many of a hundred calls: at
// their first place (`X.called`), or at the next place that it comes to.

#include <filesystem>
#include <random>
#include <string>
#include <string_view>

namespace leasehold::faults {

/// The worker's journal: one line per thing that it did, in the order in which
/// it did them. Lines survive whoever writes them.
class journal_file {
public:
  explicit journal_file(const std::filesystem::path& path);

  ~journal_file();

  journal_file(const journal_file&) = delete;

  journal_file& operator=(const journal_file&) = delete;

  void write(const std::string& line) const;

private:
  int fd_;
};

class trips {
public:
  trips(std::filesystem::path dir, const journal_file& journal);

  /// Comes to a place. Returns whether the answer is to come late.
  bool pass(std::string_view place);

private:
  /// What is to happen here; empty: nothing.
  std::string take(std::string_view place);

  /// Whether the worker crashes here by chance.
  bool crashes(std::string_view place);

  std::filesystem::path dir_;
  const journal_file& journal_;
  std::mt19937 dice_{std::random_device{}()};
  bool doomed_ = false;
};

} // namespace leasehold::faults
