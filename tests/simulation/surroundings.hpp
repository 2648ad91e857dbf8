#pragma once

// What every part of the simulated world shares: the clock, chance, the faults
// that are still to come, and the story so far.

#include "tests/simulation/agenda.hpp"
#include "tests/simulation/dice.hpp"
#include "tests/simulation/plan.hpp"

#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace leasehold::sim {

/// What happened, in words if somebody wants to read them, and as one number
/// that is another if anything else had happened.
class chronicle {
public:
  bool in_words = false;
  std::string text;

  /// `words` is called only if they are wanted.
  template <class Words>
  void note(milliseconds now, std::string_view kind, uint64_t content,
            Words words) {
    mix(static_cast<uint64_t>(now.count()));
    for (auto c : kind)
      mix(static_cast<unsigned char>(c));
    mix(content);
    ++events_;
    if (!in_words)
      return;
    auto time = std::to_string(now.count());
    text += std::string(time.size() < 8 ? 8 - time.size() : 0, ' ') + time
            + "  " + std::string{kind}
            + std::string(kind.size() < 9 ? 9 - kind.size() : 1, ' ') + words()
            + "\n";
  }

  [[nodiscard]] uint64_t print() const {
    return print_;
  }

  [[nodiscard]] size_t events() const {
    return events_;
  }

private:
  void mix(uint64_t x) {
    print_ = (print_ ^ x) * 0x100000001b3;
    print_ ^= print_ >> 29;
  }

  uint64_t print_ = 0xcbf29ce484222325;
  size_t events_ = 0;
};

/// Where a fault may strike that counts its occasions.
enum class site : uint8_t { call, start, write, read };

/// The faults of a plan, until the world heals.
class fault_box {
public:
  explicit fault_box(const plan& what) : plan_{what} {
    // nop
  }

  /// Counts one more occasion; the fault that strikes it, if any.
  const fault* next(site where) {
    auto number = ++counts_[static_cast<size_t>(where)];
    if (healed_)
      return nullptr;
    for (const auto& one : plan_.faults)
      if (one.nth == number && strikes(one.what, where))
        return &one;
    return nullptr;
  }

  /// Whether this engine dies now that it has taken so many messages. Each
  /// crash strikes one life: who died young each time would never do anything.
  const fault* crash(size_t engine, size_t messages) {
    if (healed_)
      return nullptr;
    for (const auto& one : plan_.faults)
      if (one.what == fault_kind::engine_crashes && one.engine == engine
          && one.nth == messages && spent_.insert(one.number).second)
        return &one;
    return nullptr;
  }

  void heal() {
    healed_ = true;
  }

  [[nodiscard]] bool healed() const {
    return healed_;
  }

private:
  static bool strikes(fault_kind what, site where) {
    switch (where) {
      case site::call:
        return what <= fault_kind::slow;
      case site::start:
        return what >= fault_kind::cannot_start
               && what <= fault_kind::refuses_initialize;
      case site::write:
        return what >= fault_kind::write_fails
               && what <= fault_kind::slow_write;
      case site::read:
        return what == fault_kind::read_fails || what == fault_kind::slow_read;
    }
    return false;
  }

  const plan& plan_;
  std::array<size_t, 4> counts_{};
  std::set<size_t> spent_;
  bool healed_ = false;
};

/// How long the faults of a plan may hold an engine up that is not dead.
inline milliseconds hold_ups_of(const plan& what) {
  milliseconds out{what.haste > 0 ? 10'000 : 0};
  for (const auto& one : what.faults)
    if (one.what == fault_kind::slow_write || one.what == fault_kind::slow_read
        || one.what == fault_kind::store_away
        || one.what == fault_kind::engine_freezes)
      out += one.lasts;
  return out;
}

struct surroundings {
  explicit surroundings(const plan& what)
    : faults{what}, chance{seed_for(what.seed, 2)}, hold_ups{
                                                      hold_ups_of(what)} {
    // nop
  }

  template <class Words>
  void note(std::string_view kind, uint64_t content, Words words) {
    story.note(time.now(), kind, content, std::move(words));
  }

  agenda time;
  fault_box faults;
  /// Latencies and the like; the order of messages has dice of its own.
  dice chance;
  chronicle story;
  milliseconds hold_ups;
  /// How often something was wrong with the processes of a program.
  std::map<std::string, size_t> troubles;
  /// Until when one of the providers makes no sense.
  milliseconds raves_until{0};
  /// Until when the provider and the database cannot be reached.
  milliseconds provider_down_until{0};
  milliseconds store_away_until{0};
  milliseconds workers_die_until{0};
  /// Calls that workers have taken and that are not over: they may still have
  /// an effect, or be answered. Shared, as some outlive all else.
  std::shared_ptr<size_t> calls = std::make_shared<size_t>(0);
  /// What was done too often; empty if nothing.
  std::string alarm;
};

} // namespace leasehold::sim
