#pragma once

// A driver that does as a test says, and writes down what it was asked.

#include "drivers/driver.hpp"

#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace leasehold::test {

/// How a scripted driver is to answer, and what it was asked.
struct driver_script {
  /// What a lease would be.
  lease_plan plan;
  /// Why there can be no lease; none if there can.
  failure plan_error;
  failure acquire_error;
  failure resume_error;
  failure release_error;
  failure destroy_error;
  failure execute_error;
  failure list_error;
  failure validate_error;
  /// Verbs that throw, which no driver should.
  std::vector<std::string> throws;
  /// Verbs whose answers are held back until `let_go`.
  std::vector<std::string> held_back;
  /// What the provider says it holds.
  std::vector<listed_resource> holds;
  int exit_code = 0;

  /// Every call so far, in words.
  std::vector<std::string> calls;
  /// The fence of every call on a lease, with its verb.
  std::vector<std::pair<std::string, fence_no>> fences;
  std::vector<std::pair<std::string, std::function<void()>>> waiting;
  std::shared_ptr<output_sink> output;
  int made = 0;

  /// Lets the oldest answer to this verb go.
  void let_go(const std::string& verb) {
    for (auto i = waiting.begin(); i != waiting.end(); ++i) {
      if (i->first != verb)
        continue;
      auto answer = std::move(i->second);
      waiting.erase(i);
      return answer();
    }
  }

  [[nodiscard]] bool holds_back(const std::string& verb) const {
    for (const auto& x : held_back)
      if (x == verb)
        return true;
    return false;
  }
};

/// Answers at once, or when the test lets it.
class scripted_driver : public driver {
public:
  explicit scripted_driver(driver_script& script, std::string key = "scripted")
    : script_{script}, key_{std::move(key)} {
    // nop
  }

  [[nodiscard]] std::string_view key() const noexcept override {
    return key_;
  }

  void validate(const environment_context& place,
                completion<json_text> then) override {
    if (script_.validate_error.code != ec::none)
      return then(script_.validate_error);
    then(place.config);
  }

  void probe(const environment_context&,
             completion<probe_report> then) override {
    then(probe_report{true, key_, "It works.", {}});
  }

  void plan(const plan_lease&, completion<lease_plan> then) override {
    answer("plan", "plan", script_.plan_error, then,
           [this] { return script_.plan; });
  }

  void acquire(acquire_resource what,
               completion<resource_ready> then) override {
    note("acquire", what.lease);
    answer("acquire", "acquire for " + what.lease.run.value,
           script_.acquire_error, then, [this] {
             auto name = "res-" + std::to_string(++script_.made);
             return resource_ready{{name}, std::nullopt, json_text{}};
           });
  }

  void resume(resume_resource what, completion<resource_ready> then) override {
    note("resume", what.lease);
    answer("resume", "resume " + what.lease.resource.value,
           script_.resume_error, then, [resource = what.lease.resource] {
             return resource_ready{resource, std::nullopt, json_text{}};
           });
  }

  void release(release_resource what, completion<> then) override {
    note("release", what.lease);
    answer("release",
           "release " + what.lease.resource.value + ", "
             + to_string(what.status),
           script_.release_error, then, [] { return done{}; });
  }

  void destroy(destroy_resource what, completion<> then) override {
    note("destroy", what.lease);
    answer("destroy", "destroy " + what.lease.resource.value,
           script_.destroy_error, then, [] { return done{}; });
  }

  void realize(place_workspace what,
               completion<workspace_realized> then) override {
    note("realize", what.lease);
    answer("realize", "realize " + what.local_path, failure{}, then, [] {
      return workspace_realized{"/workspace", {}, {}};
    });
  }

  void execute(run_command what, std::shared_ptr<output_sink> output,
               completion<command_result> then) override {
    note("execute", what.lease);
    script_.output = std::move(output);
    auto words = "execute " + what.spec.command;
    if (!what.spec.cwd.empty())
      words += " in " + what.spec.cwd;
    answer("execute", words, script_.execute_error, then, [this] {
      command_result out;
      out.exit_code = script_.exit_code;
      return out;
    });
  }

  void cancel(const lease_context& lease, const execution_id&) override {
    note("cancel", lease);
    script_.calls.emplace_back("cancel");
  }

  void list(const lease_context&,
            completion<std::vector<listed_resource>> then) override {
    answer("list", "list", script_.list_error, then,
           [this] { return script_.holds; });
  }

private:
  void note(const char* verb, const lease_context& lease) {
    script_.fences.emplace_back(verb, lease.fence);
    for (const auto& x : script_.throws)
      if (x == verb)
        throw std::runtime_error{"out of its mind"};
  }

  template <class T, class Fun>
  void answer(const std::string& verb, const std::string& words,
              const failure& error, completion<T> then, Fun value) {
    script_.calls.push_back(words);
    auto go = [error, then, value] {
      if (error.code != ec::none)
        then(error);
      else
        then(value());
    };
    if (script_.holds_back(verb))
      script_.waiting.emplace_back(verb, go);
    else
      go();
  }

  driver_script& script_;
  std::string key_;
};

} // namespace leasehold::test
