// Runs the checks of a worker and collects what they find.

#include "leasehold/worker_check.hpp"

#include "drivers/manifest.hpp"
#include "drivers/worker_check/check_list.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace leasehold {

namespace {

using check::json;
using check::steady;

std::vector<check::one_check> all_checks() {
  std::vector<check::one_check> out;
  for (const auto& some : {check::protocol_checks(), check::stream_checks(),
                           check::lease_checks(), check::execute_checks(),
                           check::fence_checks(), check::closing_checks()})
    out.insert(out.end(), some.begin(), some.end());
  return out;
}

failure bad_option(const std::string& why) {
  return {ec::invalid_request, why, {}};
}

result<json> object_of(const std::string& text, const std::string& name) {
  auto out = json::parse(text, nullptr, false);
  if (!out.is_object())
    return bad_option(name + " is no JSON object.");
  return out;
}

/// A manifest for a worker that came without one.
json made_up_manifest(const std::string& driver_key) {
  return {{"id", "leasehold.worker-check"},
          {"apiVersion", 1},
          {"version", "0.0.0"},
          {"displayName", "Worker check"},
          {"description", "Made up by the conformance kit."},
          {"author", "Leasehold"},
          {"categories", {"workspace"}},
          {"capabilities", {"environment.drivers.register"}},
          {"entrypoints", {{"worker", "worker"}}},
          {"environmentDrivers",
           {{{"driverKey", driver_key},
             {"kind", "sandbox_provider"},
             {"displayName", "Worker check"},
             {"configSchema", {{"type", "object"}}}}}}};
}

result<> read_manifest(check::setup& to) {
  const auto& given = to.options;
  if (given.manifest.empty()) {
    to.driver_key
      = given.driver_key.empty() ? "worker-check" : given.driver_key;
    if (!is_driver_key(to.driver_key))
      return bad_option("\"" + to.driver_key + "\" is no driver key.");
    to.manifest = made_up_manifest(to.driver_key);
    return done{};
  }
  auto manifest = parse_manifest(json_text{given.manifest});
  if (!manifest)
    return bad_option(manifest.error().message);
  const auto& drivers = manifest->drivers;
  auto wanted = std::find_if(drivers.begin(), drivers.end(), [&](auto& x) {
    return given.driver_key.empty() || x.key == given.driver_key;
  });
  if (wanted == drivers.end())
    return bad_option(given.driver_key.empty()
                        ? "The manifest declares no environment driver."
                        : "The manifest declares no environment driver \""
                            + given.driver_key + "\".");
  to.driver_key = wanted->key;
  to.manifest = json::parse(given.manifest);
  return done{};
}

result<> read_configs(check::setup& to) {
  const auto& given = to.options;
  auto config = object_of(given.config.empty() ? "{}" : given.config,
                          "The configuration");
  if (!config)
    return config.error();
  to.config = *config;
  if (given.bad_config.empty())
    return done{};
  auto bad = object_of(given.bad_config, "The bad configuration");
  if (!bad)
    return bad.error();
  to.bad_config = *bad;
  return done{};
}

result<> find_worker(check::setup& to) {
  const auto& command = to.options.command;
  if (command.empty() || command[0].empty())
    return bad_option("There is no command to start the worker with.");
  const auto* path = std::getenv("PATH");
  to.program = find_program(command[0], path ? path : "/usr/bin:/bin");
  if (to.program.empty())
    return bad_option("There is no program \"" + command[0]
                      + "\" that can be executed.");
  return done{};
}

result<> check_only(const worker_check_options& options) {
  auto known = worker_checks();
  for (const auto& id : options.only)
    if (std::none_of(known.begin(), known.end(),
                     [&](const auto& x) { return x.id == id; }))
      return bad_option("There is no check \"" + id + "\".");
  return done{};
}

result<check::setup> read(const worker_check_options& options) {
  check::setup out;
  out.options = options;
  if (auto read = check_only(options); !read)
    return read.error();
  if (auto read = find_worker(out); !read)
    return read.error();
  if (auto read = read_manifest(out); !read)
    return read.error();
  if (auto read = read_configs(out); !read)
    return read.error();
  return out;
}

milliseconds since(steady::time_point begin) {
  return std::chrono::duration_cast<milliseconds>(steady::now() - begin);
}

worker_check_result run(const check::one_check& what, check::bench& at) {
  worker_check_result out;
  out.what = what.what;
  auto begin = steady::now();
  try {
    if (at.out_of_time())
      check::fail(at.stopped() ? "not done: interrupted"
                               : "not done: the time for all checks is over");
    at.next_check();
    out.reason = what.run(at);
  } catch (const check::verdict_reached& why) {
    out.verdict = why.what_verdict();
    out.reason = why.what();
  } catch (const json::exception& why) {
    // An answer of a shape that nobody thought of.
    out.verdict = check_verdict::fail;
    out.reason = std::string{"an answer could not be read: "} + why.what();
  }
  out.took = since(begin);
  return out;
}

} // namespace

std::string to_string(check_verdict x) {
  switch (x) {
    case check_verdict::pass:
      return "pass";
    case check_verdict::fail:
      return "fail";
    case check_verdict::skip:
      return "skip";
  }
  return {};
}

size_t worker_check_report::count(check_verdict what) const {
  return static_cast<size_t>(
    std::count_if(results.begin(), results.end(),
                  [what](const auto& x) { return x.verdict == what; }));
}

std::vector<worker_check_info> worker_checks() {
  std::vector<worker_check_info> out;
  for (auto& x : all_checks())
    out.push_back(std::move(x.what));
  return out;
}

result<worker_check_report> check_worker(const worker_check_options& options) {
  auto setup = read(options);
  if (!setup)
    return setup.error();
  auto begin = steady::now();
  check::bench at{*setup};
  worker_check_report out;
  out.driver_key = setup->driver_key;
  const auto& only = options.only;
  for (const auto& x : all_checks()) {
    if (!only.empty()
        && std::find(only.begin(), only.end(), x.what.id) == only.end())
      continue;
    out.results.push_back(run(x, at));
    if (options.on_result)
      options.on_result(out.results.back());
  }
  at.finish();
  out.methods = at.listed().value_or(std::vector<std::string>{});
  out.stderr_tail = at.record().stderr_tail;
  out.took = since(begin);
  return out;
}

} // namespace leasehold
