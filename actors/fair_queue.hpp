#pragma once

// Whose turn it is: a bounded queue that gives each company its share.

#include "messages/ids.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <utility>

namespace leasehold {

/// Items wait in one line per company; the lines take turns. Who floods the
/// queue keeps nobody else out: when it is full, the longest line gives way to
/// shorter ones. Pure.
template <class T>
class fair_queue {
public:
  explicit fair_queue(size_t capacity) : capacity_{capacity} {
    // nop
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
      if (longest == lines_.end() || longest->second.size() <= length + 1)
        return item;
      left_over = std::move(longest->second.back());
      longest->second.pop_back();
      --size_;
    }
    auto& line = lines_[company];
    if (line.empty())
      turns_.push_back(company);
    line.push_back(std::move(item));
    ++size_;
    return left_over;
  }

  /// The next item of the company whose turn it is.
  std::optional<T> pop() {
    if (turns_.empty())
      return std::nullopt;
    auto company = std::move(turns_.front());
    turns_.pop_front();
    auto pos = lines_.find(company);
    auto item = std::move(pos->second.front());
    pos->second.pop_front();
    --size_;
    if (pos->second.empty())
      lines_.erase(pos);
    else
      turns_.push_back(std::move(company));
    return item;
  }

private:
  using lines = std::map<company_id, std::deque<T>>;

  typename lines::iterator find_longest() {
    return std::max_element(lines_.begin(), lines_.end(),
                            [](const auto& x, const auto& y) {
                              return x.second.size() < y.second.size();
                            });
  }

  size_t capacity_;
  size_t size_ = 0;
  lines lines_;
  std::deque<company_id> turns_;
};

} // namespace leasehold
