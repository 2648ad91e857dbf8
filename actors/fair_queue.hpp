#pragma once

// Whose turn it is: a bounded queue that gives each company its share.

#include "messages/ids.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace leasehold {

/// Items wait in one line per company; the lines take turns, and a company of
/// weight three gets three items in its turn. Who floods the queue keeps nobody
/// else out: when it is full, the longest line gives way to shorter ones. Pure.
template <class T>
class fair_queue {
public:
  explicit fair_queue(size_t capacity) : capacity_{capacity} {
    // nop
  }

  /// What is beyond a smaller capacity stays.
  void set_capacity(size_t capacity) noexcept {
    capacity_ = capacity;
  }

  /// The weights of companies; one for all others. Applies to turns to come.
  void set_weights(std::map<company_id, uint32_t> weights) {
    weights_ = std::move(weights);
  }

  [[nodiscard]] size_t size() const noexcept {
    return size_;
  }

  [[nodiscard]] bool empty() const noexcept {
    return size_ == 0;
  }

  /// Takes an item. Returns the item that there is no room for: none, this
  /// one, or the last one of a longer line.
  std::optional<T> push(const company_id& company, T item) {
    std::optional<T> left_over;
    if (size_ >= capacity_) {
      auto longest = find_longest();
      auto own = lines_.find(company);
      auto length = own == lines_.end() ? 0 : own->second.size();
      if (longest == lines_.end() || longest->second.size() < 2
          || longest->second.size() * weight_of(company)
               <= (length + 1) * weight_of(longest->first))
        return item;
      left_over = std::move(longest->second.back());
      longest->second.pop_back();
      --size_;
    }
    auto& line = lines_[company];
    if (line.empty())
      turns_.push_back({company, weight_of(company)});
    line.push_back(std::move(item));
    ++size_;
    return left_over;
  }

  /// The next item of the company whose turn it is.
  std::optional<T> pop() {
    if (turns_.empty())
      return std::nullopt;
    auto now = std::move(turns_.front());
    turns_.pop_front();
    auto pos = lines_.find(now.company);
    auto item = std::move(pos->second.front());
    pos->second.pop_front();
    --size_;
    if (pos->second.empty())
      lines_.erase(pos);
    else if (--now.left > 0)
      turns_.push_front(std::move(now));
    else
      turns_.push_back({now.company, weight_of(now.company)});
    return item;
  }

  /// Takes out the first item that `met` holds for.
  template <class Predicate>
  std::optional<T> remove_if(Predicate met) {
    for (auto line = lines_.begin(); line != lines_.end(); ++line) {
      auto& items = line->second;
      auto pos = std::find_if(items.begin(), items.end(), met);
      if (pos == items.end())
        continue;
      auto item = std::move(*pos);
      items.erase(pos);
      --size_;
      if (items.empty()) {
        std::erase_if(turns_,
                      [&](const turn& x) { return x.company == line->first; });
        lines_.erase(line);
      }
      return item;
    }
    return std::nullopt;
  }

  /// How many items are taken out up to and with the last one of a company; 0
  /// if it has none. Costs as much as there are companies.
  [[nodiscard]] size_t last_place_of(const company_id& company) const {
    auto own = lines_.find(company);
    if (own == lines_.end())
      return 0;
    auto is_own = [&](const turn& x) { return x.company == company; };
    auto turn_of = std::find_if(turns_.begin(), turns_.end(), is_own);
    // Its last item comes in this many turns.
    auto last = own->second.size() - 1;
    size_t turns = 1;
    if (last >= turn_of->left)
      turns += 1 + (last - turn_of->left) / weight_of(company);
    auto place = own->second.size();
    for (auto x = turns_.begin(); x != turns_.end(); ++x) {
      if (x == turn_of)
        --turns;
      else
        place += taken_in(turns, *x);
    }
    return place;
  }

  /// Calls `what` with every item, in no particular order.
  template <class Fun>
  void for_each(Fun what) const {
    for (const auto& [company, items] : lines_)
      for (const auto& item : items)
        what(item);
  }

  /// Every item, in the order in which they would be taken out. The pointers
  /// hold until the queue is changed.
  [[nodiscard]] std::vector<const T*> in_order() const {
    std::vector<const T*> out;
    out.reserve(size_);
    auto turns = turns_;
    std::map<company_id, size_t> taken;
    while (!turns.empty()) {
      auto now = std::move(turns.front());
      turns.pop_front();
      const auto& items = lines_.at(now.company);
      auto& count = taken[now.company];
      out.push_back(&items[count]);
      if (++count == items.size())
        continue;
      if (--now.left > 0)
        turns.push_front(std::move(now));
      else
        turns.push_back({now.company, weight_of(now.company)});
    }
    return out;
  }

private:
  using lines = std::map<company_id, std::deque<T>>;

  struct turn {
    company_id company;
    /// Items that it gets before the next one has its turn.
    uint32_t left = 1;
  };

  [[nodiscard]] uint32_t weight_of(const company_id& company) const {
    auto pos = weights_.find(company);
    return pos == weights_.end() ? 1 : std::max(pos->second, uint32_t{1});
  }

  /// How many items a company gets in its next turns.
  [[nodiscard]] size_t taken_in(size_t turns, const turn& whose) const {
    if (turns == 0)
      return 0;
    auto most = whose.left + (turns - 1) * weight_of(whose.company);
    return std::min<size_t>(lines_.at(whose.company).size(), most);
  }

  /// The line that is longest for its weight.
  typename lines::iterator find_longest() {
    return std::max_element(lines_.begin(), lines_.end(),
                            [this](const auto& x, const auto& y) {
                              return x.second.size() * weight_of(y.first)
                                     < y.second.size() * weight_of(x.first);
                            });
  }

  size_t capacity_;
  size_t size_ = 0;
  lines lines_;
  /// A deque would take memory whenever the queue is moved.
  std::list<turn> turns_;
  std::map<company_id, uint32_t> weights_;
};

} // namespace leasehold
