// leasehold-bench-worker: a provider whose resources are names and nothing
// else, so that a call costs what the way there and back costs.
//
// A command `echo` answers with its own input; `flood`, with a number of MiB as
// its argument, streams as much output.

#include "drivers/worker_kit/worker_kit.hpp"

#include <memory>
#include <string>

namespace {

using namespace leasehold;

constexpr size_t chunk_size = 65'536;

nlohmann::json finished(const std::string& out) {
  return {{"exitCode", 0}, {"signal", nullptr}, {"timedOut", false},
          {"stdout", out}, {"stderr", ""},      {"metadata", nullptr}};
}

/// Sends `left` more chunks, as fast as the host takes them.
void flood(kit::worker& me, const kit::call& what, size_t left,
           const std::shared_ptr<const std::string>& chunk) {
  if (left == 0)
    return what.reply(finished(""));
  what.log_output(output_stream::out, *chunk);
  me.host().when_below(1 << 20, [&me, what, left, chunk] {
    me.loop().post(
      [&me, what, left, chunk] { flood(me, what, left - 1, chunk); });
  });
}

std::shared_ptr<const std::string> make_chunk() {
  auto out = std::make_shared<std::string>();
  while (out->size() < chunk_size)
    *out += "a line of output such as compilers write, 64 characters long...\n";
  out->resize(chunk_size);
  return out;
}

} // namespace

int main() {
  kit::worker me{{{"id", "bench.plugin"}}};
  me.on("environmentAcquireLease", [](const kit::call& what) {
    auto name = "bench-" + kit::required_text(what.params(), "leaseId");
    what.reply({{"providerLeaseId", name}, {"metadata", nullptr}});
  });
  me.on("environmentResumeLease", [](const kit::call& what) {
    auto name = kit::required_text(what.params(), "providerLeaseId");
    what.reply({{"providerLeaseId", name}, {"metadata", nullptr}});
  });
  for (const auto* method :
       {"environmentReleaseLease", "environmentDestroyLease"})
    me.on(method, [](const kit::call& what) { what.reply(nullptr); });
  // What is only a name is never found again.
  me.on("environmentListLeases", [](const kit::call& what) {
    what.reply({{"leases", nlohmann::json::array()}});
  });
  me.on("environmentExecute", [&me, chunk = make_chunk()](const kit::call& x) {
    const auto& params = x.params();
    if (kit::required_text(params, "command") != "flood")
      return x.reply(finished(kit::optional_text(params, "stdin")));
    auto args = kit::optional_texts(params, "args");
    flood(me, x, std::stoul(args.at(0)) * (1 << 20) / chunk_size, chunk);
  });
  return me.run();
}
