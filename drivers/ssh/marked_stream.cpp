#include "drivers/ssh/marked_stream.hpp"

#include <utility>

namespace leasehold::ssh {

namespace {

constexpr size_t noise_max = 8'192;

} // namespace

marked_stream::marked_stream(std::string begin, std::string end)
  : begin_{std::move(begin)}, end_{std::move(end)} {
  // nop
}

std::string marked_stream::feed(std::string_view bytes) {
  if (ending_)
    return {};
  held_ += bytes;
  if (!begun_)
    skip_noise();
  return begun_ ? take() : std::string{};
}

std::string marked_stream::finish() {
  auto rest = std::exchange(held_, {});
  if (begun_)
    return end_seen_ ? std::string{} : rest;
  noise_ += rest;
  return {};
}

void marked_stream::skip_noise() {
  auto at = held_.find(begin_);
  begun_ = at != std::string::npos;
  if (!begun_) {
    if (held_.size() < begin_.size())
      return;
    at = held_.size() - begin_.size() + 1;
  }
  noise_ += held_.substr(0, at);
  if (noise_.size() > noise_max)
    noise_.erase(0, noise_.size() - noise_max);
  held_.erase(0, at + (begun_ ? begin_.size() : 0));
}

std::string marked_stream::take() {
  if (end_.empty())
    return std::exchange(held_, {});
  std::string out;
  if (!end_seen_) {
    auto at = held_.find(end_);
    end_seen_ = at != std::string::npos;
    if (!end_seen_) {
      // A mark may be on its way.
      at = held_.rfind('\001');
      if (at == std::string::npos || !end_.starts_with(held_.substr(at)))
        at = held_.size();
    }
    out = held_.substr(0, at);
    held_.erase(0, at + (end_seen_ ? end_.size() : 0));
  }
  if (auto line = held_.find('\n'); end_seen_ && line != std::string::npos)
    ending_ = held_.substr(0, line);
  return out;
}

} // namespace leasehold::ssh
