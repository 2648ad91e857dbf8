#include "drivers/bubblewrap/provider.hpp"

#include <cstdlib>
#include <utility>

namespace leasehold::bubblewrap {

namespace {

/// Fences are part of the records of boxes.
class box_fences : public kit::fence_keeper {
public:
  explicit box_fences(box_store& boxes) : boxes_{boxes} {
    // nop
  }

  void pass(const std::string& id, fence_no fence) override {
    auto found = boxes_.find(id);
    // What is not there is not there for anybody.
    if (!found || !found->record)
      return;
    kit::refuse_older(id, fence, found->record->fence);
    if (fence == found->record->fence)
      return;
    auto kept = boxes_.change(id, [&](box& x) {
      kit::refuse_older(id, fence, x.fence);
      x.fence = fence;
    });
    if (!kept)
      throw kit::rpc_error{kit::error_code::worker_error, kept.error().message};
  }

  void forget(const std::string&) override {
    // It goes with its box.
  }

  [[nodiscard]] bool lasts() const noexcept override {
    return true;
  }

private:
  box_store& boxes_;
};

} // namespace

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
  me.keep_fences(std::make_shared<box_fences>(boxes_));
  me.on_shutdown([this] { activities_.stop_everything(); });
  for (const auto& name : boxes_.trash())
    burn(name);
}

provider::~provider() = default;

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
