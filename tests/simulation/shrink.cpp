#include "tests/simulation/shrink.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace leasehold::sim {

namespace {

/// Tries that are worth the time.
constexpr size_t tries_max = 600;

bool still_breaks(workshop& tools, const plan& what, int promise) {
  auto how = tools.simulate(what);
  return how.broken && how.broken->promise == promise;
}

} // namespace

shrunk shrink(workshop& tools, const plan& what, int promise) {
  shrunk out{what, {}, 0};
  auto left = parts_of(what);
  // Large pieces first, then smaller ones, as long as anything goes.
  for (auto size = std::max<size_t>(left.size() / 2, 1); size > 0;) {
    auto before = left.size();
    for (size_t i = 0; i < left.size() && out.tries < tries_max;) {
      auto end = std::min(i + size, left.size());
      auto fewer = out.left_out;
      for (auto k = i; k < end; ++k)
        fewer.insert(left[k]);
      ++out.tries;
      auto smaller = without(what, fewer);
      if (!still_breaks(tools, smaller, promise)) {
        i = end;
        continue;
      }
      out.smallest = std::move(smaller);
      out.left_out = std::move(fewer);
      left.erase(left.begin() + static_cast<ptrdiff_t>(i),
                 left.begin() + static_cast<ptrdiff_t>(end));
    }
    if (left.size() == before || size > 1)
      size /= 2;
    if (out.tries >= tries_max)
      break;
  }
  return out;
}

} // namespace leasehold::sim
