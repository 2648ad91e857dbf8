#pragma once

// Whose turn it is: a bounded queue that gives each company its share.

#include "messages/ids.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <utility>

namespace leasehold {

/// Items wait in one line per company; the lines take turns. Pure.
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

  /// Takes an item unless the queue is full.
  bool push(const company_id& company, T item) {
    if (size_ >= capacity_)
      return false;
    auto& line = lines_[company];
    if (line.empty())
      turns_.push_back(company);
    line.push_back(std::move(item));
    ++size_;
    return true;
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
  size_t capacity_;
  size_t size_ = 0;
  std::map<company_id, std::deque<T>> lines_;
  std::deque<company_id> turns_;
};

} // namespace leasehold
