// What `leasehold run` is about to do.

#include "cli/run_plan.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <random>
#include <system_error>

namespace leasehold::cli {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string provider_of(const std::string& config) {
  auto parsed = json::parse(config, nullptr, false);
  auto pos = parsed.is_object() ? parsed.find("provider") : parsed.end();
  return pos != parsed.end() && pos->is_string() ? pos->get<std::string>() : "";
}

} // namespace

environment_info wanted_environment(const run_arguments& x) {
  environment_info result;
  if (!x.environment.empty()) {
    result.name = x.environment;
  } else if (!x.provider.empty()) {
    result.name = x.provider;
    result.driver = "sandbox";
    result.config = json{{"provider", x.provider}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
  } else {
    result.name = x.driver.empty() ? "local" : x.driver;
    result.driver = result.name;
  }
  return result;
}

result<done> check_environment(const environment_info& wanted,
                               const environment_info& found) {
  auto same = found.driver == wanted.driver
              && (wanted.driver != "sandbox"
                  || provider_of(found.config) == provider_of(wanted.config));
  if (same)
    return done{};
  return failure{
    ec::invalid_request,
    "The environment '" + found.name + "' exists and is something else (driver "
      + found.driver + "); choose it with --env " + found.name
      + ", or remove it with `leasehold env remove " + found.name + "`.",
    {}};
}

std::future<result<lease>> ask_for_lease(engine& with, const run_arguments& x,
                                         const std::string& environment,
                                         const std::string& run,
                                         std::stop_token stop) {
  if (!x.resume.empty())
    return with.resume({x.resume, run, x.ttl});
  acquire_request request;
  request.environment = environment;
  request.run = run;
  request.ttl = x.ttl;
  request.queue_timeout = x.queue_timeout;
  request.stop = std::move(stop);
  return with.acquire(std::move(request));
}

std::string fresh_run_id() {
  std::random_device chance;
  std::array<char, 16> digits{};
  std::snprintf(digits.data(), digits.size(), "%08x",
                static_cast<unsigned>(chance()));
  return std::string{"run-"} + digits.data();
}

result<std::string> workspace_path(const std::string& given) {
  std::error_code problem;
  auto path = fs::canonical(given, problem);
  auto why = problem                            ? problem.message()
             : !fs::is_directory(path, problem) ? "it is not a directory"
                                                : std::string{};
  if (why.empty())
    return path.string();
  return failure{ec::invalid_request,
                 "The workspace " + given + " cannot be used: " + why + ".",
                 {}};
}

std::string command_cwd(const std::string& given, const std::string& realized,
                        const std::string& driver, const fs::path& here) {
  fs::path base = realized;
  if (realized.empty() && driver == "local")
    base = here;
  if (base.empty())
    return given;
  return given.empty() ? base.string() : (base / given).string();
}

} // namespace leasehold::cli
