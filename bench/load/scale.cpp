// scale: cycles a second with more environments, and with more threads for the
// actors, at 256 in flight.

#include "bench/load/engine_stage.hpp"

#include <algorithm>
#include <thread>

namespace leasehold::bench {

namespace {

std::vector<std::string> add_environments(engine& with, size_t count) {
  std::vector<std::string> out;
  out.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    out.push_back("box-" + std::to_string(i));
    add_fake(with, out.back());
  }
  return out;
}

figure scale_figure(const std::string& what, const std::string& kind,
                    const std::string& axis, size_t at) {
  figure out;
  out.what = what;
  out.store = kind;
  out.at[axis] = static_cast<double>(at);
  out.unit = "cycles/s";
  return out;
}

/// Points take turns, round by round.
void by_environments(stage& on, const std::string& kind) {
  engine with{options_for(on.fresh_store(kind))};
  auto all = add_environments(with, 256);
  std::vector<size_t> sizes{1, 4, 16, 64, 256};
  if (on.how().quick)
    sizes = {1, 16, 256};
  std::vector<figure> out;
  out.reserve(sizes.size());
  for (auto size : sizes)
    out.push_back(scale_figure("by environments", kind, "environments", size));
  closed_loop(256, on.pick(0.2, 1.0), lease_cycle(with, all));
  for (int i = 0; i < on.pick(2, 5); ++i)
    for (size_t at = 0; at < sizes.size(); ++at) {
      std::vector<std::string> some{
        all.begin(), all.begin() + static_cast<std::ptrdiff_t>(sizes[at])};
      auto how = closed_loop(256, on.pick(0.25, 1.0), lease_cycle(with, some));
      out[at].values.push_back(how.rate());
      out[at].note = note_of(how);
    }
  for (auto& x : out)
    on.add(std::move(x));
}

void by_threads(stage& on, const std::string& kind) {
  auto cores = std::max<size_t>(std::thread::hardware_concurrency(), 1);
  std::vector<size_t> sizes{1};
  for (size_t next = 2; next <= 2 * cores; next *= 2)
    sizes.push_back(next);
  for (auto size : sizes) {
    auto opts = options_for(on.fresh_store(kind));
    opts.threads = size;
    engine with{opts};
    auto out = scale_figure("by threads", kind, "threads", size);
    auto cycle = lease_cycle(with, add_environments(with, 16));
    closed_loop(256, on.pick(0.1, 0.5), cycle);
    for (int i = 0; i < on.pick(2, 5); ++i) {
      auto how = closed_loop(256, on.pick(0.25, 1.0), cycle);
      out.values.push_back(how.rate());
      out.note = note_of(how);
    }
    on.add(std::move(out));
  }
}

} // namespace

void run_scale(stage& on) {
  for (const auto& kind : on.how().stores) {
    by_environments(on, kind);
    by_threads(on, kind);
  }
}

} // namespace leasehold::bench
