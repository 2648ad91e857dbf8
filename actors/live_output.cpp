#include "actors/live_output.hpp"

#include <string>
#include <utility>

namespace leasehold {

live_output::live_output(std::shared_ptr<output_sink> sink)
  : sink_{std::move(sink)}, full_{std::make_shared<std::atomic<bool>>(false)} {
  // nop
}

void live_output::put(output_chunk chunk) {
  if (!sink_)
    return;
  auto size = chunk.text.size();
  if (*full_ || total_ + size > total_max) {
    left_out_ += size;
    return;
  }
  total_ += size;
  if (left_out_ > 0)
    chunk.text = "\n[leasehold: " + std::to_string(std::exchange(left_out_, 0))
                 + " bytes of live output left out]\n" + chunk.text;
  if (sink_->put(std::move(chunk)))
    return;
  *full_ = true;
  sink_->when_ready([full = full_] { *full = false; });
}

} // namespace leasehold
