#pragma once

// Compares, while nothing moves, what the engine acknowledged, what its rows
// say, and what the providers have.

#include "tests/faults/facts.hpp"
#include "tests/faults/journal.hpp"
#include "tests/faults/ledger.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace leasehold::faults {

/// What was found wrong, and how often.
struct verdicts {
  size_t leaked = 0;
  size_t lost = 0;
  size_t double_holders = 0;
  size_t processes_left = 0;
  size_t other = 0;
  std::vector<std::string> words;

  [[nodiscard]] bool clean() const {
    return words.empty();
  }
};

class oracle {
public:
  /// Has the engine settle once more, and tells whether this cleanup is owed
  /// all the same.
  using look_again = std::function<bool(const lease_fact&)>;

  oracle(std::filesystem::path dir, ledger& book, journal& seen, facts& rows,
         look_again still_owed)
    : dir_{std::move(dir)}, book_{book}, seen_{seen}, rows_{rows},
      still_owed_{std::move(still_owed)} {
    // nop
  }

  /// Looks at everything that has changed. The victim of this number lives; no
  /// other one does.
  void check(int living, verdicts& out);

  /// Looks at every lease that was ever granted.
  void check_all(int living, verdicts& out);

private:
  void check_rows(int living, const std::vector<lease_fact>& open,
                  verdicts& out) const;

  void check_boxes(const std::vector<lease_fact>& open, verdicts& out) const;

  void check_grants(int living, const std::set<std::string>& ids,
                    verdicts& out) const;

  void check_commands(verdicts& out);

  std::filesystem::path dir_;
  ledger& book_;
  journal& seen_;
  facts& rows_;
  look_again still_owed_;
};

} // namespace leasehold::faults
