// leasehold-bubblewrap: a provider of sandboxes on this host. Speaks the plugin
// worker protocol on its standard streams.

#include "drivers/bubblewrap/bubblewrap_manifest.hpp"
#include "drivers/bubblewrap/provider.hpp"

#include <iostream>
#include <string_view>
#include <utility>

namespace {

using namespace leasehold;

constexpr auto usage = "usage: leasehold-bubblewrap --state DIR\n"
                       "       leasehold-bubblewrap --manifest\n\n"
                       "  --state DIR   serve plugin calls on the standard "
                       "streams; DIR keeps the\n"
                       "                boxes and is made if need be\n"
                       "  --manifest    print the plugin manifest\n";

int serve(const std::string& state) {
  auto boxes = bubblewrap::box_store::open(state);
  if (!boxes) {
    std::cerr << "leasehold-bubblewrap: " << boxes.error().message << '\n';
    return 1;
  }
  kit::worker me{bubblewrap::manifest()};
  bubblewrap::provider provider{me, std::move(boxes).value()};
  return me.run();
}

} // namespace

int main(int argc, char** argv) {
  std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "--state" && argc == 3)
    return serve(argv[2]);
  if (verb == "--manifest" && argc == 2) {
    std::cout << bubblewrap::manifest().dump(2) << '\n';
    return 0;
  }
  if (verb == "--help" && argc == 2) {
    std::cout << usage;
    return 0;
  }
  std::cerr << usage;
  return 2;
}
