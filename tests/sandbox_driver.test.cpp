// The built-in fake, and sandbox environments of nobody.

#include "drivers/sandbox_driver.hpp"

#include "tests/driver_contract.hpp"

using namespace leasehold;
using namespace leasehold::test;

namespace {

/// An engine without plugins.
struct no_workers : worker_channel {
  void find_provider(const std::string&,
                     completion<ready_worker> then) override {
    then(failure{ec::unknown_provider, "Nobody provides it.", {}});
  }

  void find_driver(const std::string&, const std::string&,
                   completion<ready_worker> then) override {
    then(failure{ec::unknown_plugin, "There is no such plugin.", {}});
  }

  void call(const plugin_id&, worker_call, bool,
            completion<json_text> then) override {
    then(failure{ec::worker_not_ready, "There is no worker.", {}});
  }
};

} // namespace

TEST_CASE("sandbox_driver: the built-in fake passes the driver contract",
          "[sandbox_driver]") {
  no_workers workers;
  check_driver_contract([&] {
    driver_under_test out;
    out.uut = std::make_shared<sandbox_driver>(workers, worker_driver_options{},
                                               true);
    out.place
      = {{"company"}, {"env"}, "sandbox", json_text{R"({"provider":"fake"})"}};
    return out;
  });
}
