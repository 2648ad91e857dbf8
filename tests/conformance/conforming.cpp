#include "tests/conformance/conforming.hpp"

namespace leasehold::test {

namespace {

using nlohmann::json;

constexpr const char* manifest = R"({
  "id": "boxes.plugin", "apiVersion": 1, "version": "1.0.0",
  "displayName": "Boxes", "description": "Boxes for tests.",
  "author": "Leasehold", "categories": ["automation"],
  "entrypoints": {"worker": "worker.js"},
  "capabilities": ["environment.drivers.register"],
  "environmentDrivers": [
    {"driverKey": "fake-plugin", "kind": "sandbox_provider",
     "displayName": "Fake plugin",
     "configSchema": {"type": "object", "properties": {
       "apiKey": {"type": "string", "format": "secret-ref"}}}},
    {"driverKey": "stubborn", "kind": "sandbox_provider",
     "displayName": "Stubborn",
     "configSchema": {"type": "object"},
     "sandboxCapabilities": {"reusableLeases": false}},
    {"driverKey": "fake-driver", "displayName": "Fake driver",
     "configSchema": {"type": "object"}}]})";

} // namespace

// -- the worker ---------------------------------------------------------------

void recording::answer_call(fake_process& process, const json& request) {
  auto method = request.value("method", "");
  if (method == "initialize") {
    json hello{{"ok", true}};
    if (!supported.empty())
      hello["supportedMethods"] = supported;
    return process.reply(request, hello);
  }
  if (method == "shutdown")
    return process.exit(0);
  calls.emplace_back(method, request.value("params", json::object()));
  if (silent.contains(method))
    return;
  if (refused.contains(method))
    return process.say(json{
      {"jsonrpc", "2.0"},
      {"id", request.at("id")},
      {"error", {{"code", refused[method]}, {"message", "No such thing."}}}}
                         .dump());
  if (method == "environmentExecute")
    for (const auto& text : chatter)
      process.say(json{
        {"jsonrpc", "2.0"},
        {"method", "execute.log"},
        {"params", {{"stream", "stdout"}, {"chunk", text}}},
        {"paperclipInvocationId", request.at("paperclipInvocation").at("id")}}
                    .dump());
  process.reply(request,
                answers.contains(method) ? answers[method] : json::object());
}

json recording::told(const std::string& method) const {
  for (auto i = calls.rbegin(); i != calls.rend(); ++i)
    if (i->first == method)
      return i->second;
  return {};
}

std::vector<std::string> recording::methods() const {
  std::vector<std::string> out;
  for (const auto& [method, params] : calls)
    out.push_back(method);
  return out;
}

// -- the stage ----------------------------------------------------------------

conforming::conforming()
  : stage{{},
          {.open =
             [this](const instance_id& self, store_clock clock) {
               return open_for(self, std::move(clock));
             },
           .add_drivers =
             [this](driver_table& to) {
               to.add(std::make_shared<scripted_driver>(spied, "spy"));
             }}} {
  auto found = database->read(get_plugin{"plugin-1"}).value();
  auto plugin = std::get<plugin_rows>(found).rows.front();
  plugin.manifest = json_text{manifest};
  write(put_plugin{plugin});
  processes.on_request = [this](fake_process& process, const json& request) {
    answer_call(process, request);
  };
}

void conforming::place(const std::string& driver, const json& setup) {
  environment_row row;
  row.id = {"env-x"};
  row.name = "x";
  row.driver = driver;
  row.config = json_text{setup.dump()};
  write(put_environment{row});
  ask(supervisor, environment_changed{row.id, row.name});
}

acquire_lease conforming::wish(const std::string& run) {
  acquire_lease out;
  out.id = {"wish-" + std::to_string(++last_wish_)};
  out.company = {"company-1"};
  out.environment = "x";
  out.run = {run};
  return out;
}

lease_granted conforming::leased(const std::string& run) {
  return leased(wish(run));
}

lease_granted conforming::leased(const acquire_lease& what) {
  auto got = ask<lease_granted>(supervisor, what);
  settle();
  INFO(got->error.message << " " << got->error.detail);
  REQUIRE(got->value);
  return *got->value;
}

failure conforming::refusal(const acquire_lease& what) {
  auto got = ask<lease_granted>(supervisor, what);
  settle();
  CHECK_FALSE(got->value);
  return got->error;
}

lease_row conforming::released(const lease_granted& lease, release_status how) {
  release(lease, how);
  settle();
  return row(lease.handle.id);
}

std::shared_ptr<answer<workspace_realized>>
conforming::realize(const lease_granted& lease, const std::string& path,
                    const json& metadata) {
  realize_workspace what{
    lease.handle, path, {}, {}, json_text{metadata.dump()}};
  auto out = ask<workspace_realized>(supervisor, what);
  settle();
  return out;
}

json conforming::kept(const lease_granted& lease) {
  return json::parse(row(lease.handle.id).metadata.text);
}

} // namespace leasehold::test
