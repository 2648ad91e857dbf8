#include "drivers/output_buffer.hpp"

#include <algorithm>

namespace leasehold {

output_buffer::output_buffer(size_t limit) : half_{limit / 2} {
  // nop
}

void output_buffer::append(std::string_view text) {
  size_ += text.size();
  auto room = std::min(half_ - head_.size(), text.size());
  head_ += text.substr(0, room);
  text.remove_prefix(room);
  if (text.size() >= half_) {
    tail_ = text.substr(text.size() - half_);
    return;
  }
  tail_ += text;
  // Forgetting half of it at a time keeps the cost of moving the rest low.
  if (tail_.size() > 2 * half_)
    tail_.erase(0, tail_.size() - half_);
}

std::string output_buffer::text() const {
  if (size_ == head_.size() + tail_.size() && tail_.size() <= half_)
    return head_ + tail_;
  auto head = std::string_view{head_};
  auto tail = std::string_view{tail_};
  if (tail.size() > half_)
    tail.remove_prefix(tail.size() - half_);
  head = head.substr(0, without_cut_end(head));
  tail.remove_prefix(cut_begin(tail));
  auto left_out = size_ - head.size() - tail.size();
  auto out = std::string{head};
  out += "\n[leasehold: " + std::to_string(left_out) + " bytes left out]\n";
  return out += tail;
}

} // namespace leasehold
