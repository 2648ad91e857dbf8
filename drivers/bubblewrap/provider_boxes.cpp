// Boxes come and go: acquire, resume, release, destroy, list.

#include "drivers/bubblewrap/provider.hpp"
#include "messages/json.hpp"

#include <chrono>
#include <utility>

namespace leasehold::bubblewrap {

namespace {

using kit::json;

std::string now() {
  auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return to_iso8601(
    {std::chrono::duration_cast<milliseconds>(since_epoch).count()});
}

/// Says in the record who holds the box from now on.
void hand_over(box& what, const json& params) {
  what.state = box_state::active;
  if (auto fence = kit::optional_number(params, "leaseFence")) {
    kit::refuse_older(what.id, *fence, what.fence);
    what.fence = *fence;
  }
  auto update = [&params](std::string& field, const char* name) {
    if (auto text = kit::optional_text(params, name); !text.empty())
      field = std::move(text);
  };
  update(what.lease.value, "leaseId");
  update(what.company.value, "companyId");
  update(what.environment.value, "environmentId");
  update(what.run.value, "runId");
}

void fail(const kit::call& what, const failure& why) {
  what.fail(kit::error_code::worker_error, why.message);
}

void reply_gone(const kit::call& what) {
  what.reply({{"providerLeaseId", nullptr}, {"metadata", {{"expired", true}}}});
}

json ended(const json& id, const char* state) {
  return {{"providerLeaseId", id}, {"state", state}};
}

json metadata_of(const std::string& path, const std::string& hostname) {
  return {{"provider", "bubblewrap"},
          {"remoteCwd", workspace_path},
          {"hostname", hostname},
          {"shellCommand", "sh"},
          {"boxPath", path}};
}

/// Whether a filter of `environmentListLeases` lets a recorded value pass.
bool passes(const std::string& wanted, const std::string& recorded) {
  return wanted.empty() || recorded.empty() || wanted == recorded;
}

} // namespace

std::optional<box> provider::take_over(const std::string& id,
                                       const json& params) {
  auto taken = boxes_.change(id, [&](box& x) { hand_over(x, params); });
  if (!taken)
    throw kit::rpc_error{kit::error_code::worker_error, taken.error().message};
  return *taken;
}

void provider::acquire(const kit::call& what) {
  const auto& params = what.params();
  auto config = config_of(params);
  program();
  box wanted;
  wanted.created = now();
  hand_over(wanted, params);
  auto made = boxes_.create(wanted, config.hostname);
  if (!made)
    return fail(what, made.error());
  auto& held = made->record;
  // A repeated call.
  if (!made->fresh)
    held = take_over(held.id, params).value_or(held);
  auto metadata
    = metadata_of(boxes_.path_of(held.id), hostname_of(held, config));
  what.reply({{"providerLeaseId", held.id}, {"metadata", metadata}});
}

void provider::resume(const kit::call& what) {
  const auto& params = what.params();
  auto id = kit::required_text(params, "providerLeaseId");
  auto config = config_of(params);
  auto found = boxes_.find(id);
  if (!found)
    return reply_gone(what);
  if (!found->record) {
    // Nobody can tell whose it is, and nobody will ask for it again.
    me_.log("warn", "removing " + id + ", whose record is damaged");
    if (auto name = boxes_.discard(id); name && !name->empty())
      burn(*name);
    return reply_gone(what);
  }
  if (activities_.stopping(id))
    throw kit::rpc_error{kit::error_code::worker_error,
                         id + " is being released"};
  auto held = take_over(id, params);
  if (!held)
    return reply_gone(what);
  auto metadata = metadata_of(boxes_.path_of(id), hostname_of(*held, config));
  metadata["resumed"] = true;
  what.reply({{"providerLeaseId", id}, {"metadata", metadata}});
}

void provider::release(const kit::call& what) {
  const auto& params = what.params();
  auto id = kit::optional_text(params, "providerLeaseId");
  // A config that is wrong by now must not keep a box for ever.
  auto config = read_config(kit::optional_object(params, "config")).config;
  auto found = boxes_.find(id);
  if (!found)
    return what.reply(ended(id.empty() ? json() : json(id), "destroyed"));
  if (config.reuse_lease && found->record)
    park(id, what);
  else
    remove(id, what);
}

void provider::destroy(const kit::call& what) {
  const auto& params = what.params();
  auto id = kit::optional_text(params, "providerLeaseId");
  auto found = boxes_.find(id);
  if (!found)
    return what.reply(ended(id.empty() ? json() : json(id), "destroyed"));
  remove(id, what);
}

void provider::park(const std::string& id, const kit::call& what) {
  activities_.stop_all(id, [this, id, what] {
    auto parked
      = boxes_.change(id, [](box& x) { x.state = box_state::parked; });
    if (!parked)
      return fail(what, parked.error());
    what.reply(ended(id, *parked ? "stopped" : "destroyed"));
  });
}

void provider::remove(const std::string& id, const kit::call& what) {
  activities_.stop_all(id, [this, id, what] {
    auto name = boxes_.discard(id);
    if (!name)
      return fail(what, name.error());
    auto then = [id, what] { what.reply(ended(id, "destroyed")); };
    if (name->empty())
      then();
    else
      burn(*name, then);
  });
}

void provider::burn(const std::string& name, std::function<void()> then) {
  burning_.run(
    [this, job = boxes_.burn(name), then]() -> background::follow_up {
      auto burnt = job();
      return [this, burnt, then] {
        // The box is gone all the same; the next start tries again.
        if (!burnt)
          me_.log("warn", burnt.error().message);
        if (then)
          then();
      };
    });
}

void provider::list(const kit::call& what) {
  auto company = kit::optional_text(what.params(), "companyId");
  auto environment = kit::optional_text(what.params(), "environmentId");
  auto leases = json::array();
  for (const auto& [id, record] : boxes_.list()) {
    json entry{{"providerLeaseId", id}, {"metadata", {{"state", "damaged"}}}};
    if (record) {
      if (!passes(environment, record->environment.value)
          || !passes(company, record->company.value))
        continue;
      entry["metadata"]["state"] = to_string(record->state);
      if (!record->lease.empty())
        entry["leaseId"] = record->lease.value;
    }
    leases.push_back(std::move(entry));
  }
  what.reply({{"leases", leases}});
}

} // namespace leasehold::bubblewrap
