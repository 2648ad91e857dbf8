#pragma once

// What engines and workers say to each other, of the usual size; and a house
// full of parked resources.

#include "actors/parking.hpp"
#include "messages/json.hpp"
#include "messages/values.hpp"

#include <cstddef>
#include <string>

namespace leasehold::samples {

/// Parameters of `environmentExecute`, 0.5 KiB.
inline json_text execute_params() {
  return json_text{
    R"({"args":["-lc","make -j4 check"],"command":"bash",)"
    R"("companyId":"2f1c7f8e-6a0b-4a39-9a53-0d6c1ce3a1f1","config":{)"
    R"("cpus":2,"image":"debian:12","memoryMb":2048,"region":"eu-central",)"
    R"("timeoutMs":60000},"cwd":"/workspace/project","driverKey":"boxes",)"
    R"("env":{"CI":"1","LANG":"C.UTF-8","TERM":"dumb"},)"
    R"("environmentId":"env-sandbox","executionId":"execution-17",)"
    R"("lease":{"metadata":{"image":"debian:12","remoteCwd":"/workspace"},)"
    R"("providerLeaseId":"box-17"},"leaseFence":17,)"
    R"("leaseId":"7d0f64c4-1a4f-4d7e-8a5e-9f5be1c0a2f3",)"
    R"("runId":"run-17","timeoutMs":60000})"};
}

/// The answer to it, newline included: `stdout_size` bytes of output, among
/// them what JSON escapes.
inline std::string execute_answer(size_t stdout_size) {
  const std::string piece = "[ 42%] Building \\\"main.o\\\"\\n";
  std::string text;
  while (text.size() + piece.size() <= stdout_size)
    text += piece;
  text.resize(stdout_size, '.');
  return R"({"id":17,"jsonrpc":"2.0","result":{"exitCode":0,"signal":null,)"
         R"("stderr":"","stdout":")"
         + text + R"(","timedOut":false}})" + "\n";
}

/// An environment's config as people write it.
inline json_text config(size_t variant) {
  return json_text{
    R"({"provider":"boxes","image":"debian:)" + std::to_string(variant)
    + R"(","reuseLease":true,"timeoutMs":60000,"region":"eu-central",)"
      R"("limits":{"memoryMb":2048,"cpus":2,"diskMb":null},)"
      R"("mounts":["/cache/npm","/cache/ccache"]})"};
}

/// What of it may differ while one resource still serves both.
inline std::string fingerprint(const json_text& config) {
  return "plugin-1/" + config_fingerprint(config, {"timeoutMs", "reuseLease"});
}

constexpr size_t companies = 10;
constexpr size_t configs = 10;

inline choose_resource wish(size_t number) {
  choose_resource out;
  out.company = {"company-" + std::to_string(number % companies)};
  out.fingerprint = fingerprint(config(number / companies % configs));
  return out;
}

/// So many parked resources, of some companies and configs each.
inline parking full_house(size_t parked) {
  parking out;
  for (size_t i = 0; i < parked; ++i) {
    auto fits = wish(i);
    parked_resource one;
    one.lease = {"lease-" + std::to_string(i)};
    one.resource = {"box-" + std::to_string(i)};
    one.company = fits.company;
    one.workspace = {"workspace-" + std::to_string(i % 100)};
    one.fingerprint = fits.fingerprint;
    one.metadata = json_text{R"({"image":"debian:12"})"};
    out.park(std::move(one));
  }
  return out;
}

} // namespace leasehold::samples
