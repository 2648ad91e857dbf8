#include "drivers/bubblewrap/provider.hpp"

#include <cstdlib>
#include <utility>

namespace leasehold::bubblewrap {

provider::provider(kit::worker& me, box_store boxes)
  : me_{me}, boxes_{std::move(boxes)}, host_{look_at_host()},
    copying_{me.loop()}, burning_{me.loop()} {
  using verb = void (provider::*)(const kit::call&);
  std::pair<const char*, verb> verbs[] = {
    {"environmentValidateConfig", &provider::validate},
    {"environmentProbe", &provider::probe},
    {"environmentAcquireLease", &provider::acquire},
    {"environmentResumeLease", &provider::resume},
    {"environmentReleaseLease", &provider::release},
    {"environmentDestroyLease", &provider::destroy},
    {"environmentListLeases", &provider::list},
    {"environmentRealizeWorkspace", &provider::realize},
    {"environmentExecute", &provider::execute},
    {"environmentCancelExecute", &provider::cancel},
  };
  for (auto [method, what] : verbs)
    me.on(method,
          [this, what = what](const kit::call& x) { (this->*what)(x); });
  me.on_shutdown([this] { activities_.stop_everything(); });
  for (const auto& name : boxes_.trash())
    burn(name);
}

provider::~provider() = default;

void provider::refuse_stale(const box& held, const kit::json& params) {
  auto fence = kit::optional_number(params, "leaseFence");
  if (fence && held.fence != 0 && *fence < held.fence)
    throw kit::rpc_error{kit::error_code::worker_error,
                         "stale fence " + std::to_string(*fence) + ": "
                           + held.id + " was granted again with fence "
                           + std::to_string(held.fence)};
}

box_config provider::config_of(const kit::json& params) {
  auto [config, errors] = read_config(kit::optional_object(params, "config"));
  if (!errors.empty())
    throw kit::rpc_error{kit::error_code::invalid_params,
                         "Parameter \"config\" is not valid: " + errors[0]};
  return config;
}

std::string provider::hostname_of(const box& of, const box_config& config) {
  return config.hostname.empty() ? of.id : config.hostname;
}

std::string provider::program() {
  auto* path = std::getenv("PATH");
  auto found = find_program("bwrap", path ? path : "/usr/bin:/bin");
  if (found.empty())
    throw kit::rpc_error{kit::error_code::worker_error,
                         "bubblewrap (bwrap) is not installed; "
                         "apt-get install bubblewrap"};
  return found;
}

} // namespace leasehold::bubblewrap
