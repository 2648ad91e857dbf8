#pragma once

// What an engine is made of.

#include "actors/front_actor.hpp"
#include "actors/life_bell.hpp"
#include "actors/plugin_rules.hpp"
#include "actors/secret_gate.hpp"
#include "actors/store_runner.hpp"
#include "actors/supervisor_options.hpp"
#include "actors/worker_gate.hpp"
#include "drivers/io_loop.hpp"
#include "drivers/scrubber.hpp"
#include "drivers/secret_refs.hpp"
#include "leasehold/engine.hpp"
#include "storage/secret_box.hpp"
#include "storage/store.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace leasehold {

/// A text that is overwritten when the last owner lets it go.
using hidden_text = std::shared_ptr<std::string>;

/// An environment on its way into the store, as somebody gave it.
struct environment_draft {
  environment_row row;
  /// Where secrets stand in its config.
  std::vector<std::string> paths = {};
  /// What was taken out of it before anybody looked.
  std::vector<raw_secret> taken = {};
  std::vector<secret_use> uses = {};
  /// A config whose `admission` is put back.
  json_text admission = {};
};

/// What drivers are told about an environment when no lease is meant.
environment_context context_of(const environment_row& row);

/// Who wants to hear of transitions.
class event_hub {
public:
  void subscribe(std::function<void(const event&)> callback);

  void publish(const transition& what) const;

  /// Whether anybody has ever subscribed.
  [[nodiscard]] const std::atomic<bool>& heard() const noexcept {
    return heard_;
  }

private:
  using listeners = std::vector<std::function<void(const event&)>>;

  std::atomic<bool> heard_ = false;
  mutable std::mutex mutex_;
  std::shared_ptr<const listeners> listeners_ = std::make_shared<listeners>();
};

/// How many are inside, and whether one more may be.
class turnstile {
public:
  bool enter(size_t most) {
    if (inside_.fetch_add(1, std::memory_order_relaxed) < most)
      return true;
    leave();
    return false;
  }

  void leave() {
    inside_.fetch_sub(1, std::memory_order_relaxed);
  }

private:
  std::atomic<size_t> inside_ = 0;
};

/// Members stand in the order in which they depend on each other.
struct engine::impl {
  impl(options what, std::shared_ptr<store> opened, instance_id self,
       std::shared_ptr<life_bell> life);

  ~impl();

  impl(const impl&) = delete;

  impl& operator=(const impl&) = delete;

  /// Asks an actor; see `front_desk`.
  template <class Reply, class Handle, class Message>
  void ask(const Handle& whom, Message what, completion<Reply> then) {
    front->ask<Reply>(whom, std::move(what), std::move(then));
  }

  /// What all actors are given.
  services_ptr make_services();

  // -- engine_catalog.cpp -----------------------------------------------------

  void query(store_query what, completion<store_answer> then);

  void find_row(const std::string& name, completion<environment_row> then);

  void validate_and_save(environment_row row, driver& with_driver,
                         completion<environment_info> then);

  void save(leasehold::put_environment what, completion<environment_info> then);

  // -- engine_saving.cpp ------------------------------------------------------

  /// Validates a config, takes the values of secrets out of it, and saves it
  /// with them.
  void secure_and_save(environment_row row, driver& with_driver,
                       completion<environment_info> then);

  void validate_draft(environment_draft draft, driver& with_driver,
                      completion<environment_info> then);

  void save_draft(const environment_draft& draft, const json_text& valid,
                  completion<environment_info> then);

  result<leasehold::put_environment> sealed(environment_row row,
                                            secured_config what);

  // -- engine_secrets.cpp -----------------------------------------------------

  void find_secret(const secret_name& which, completion<secret_row> then);

  /// Continues once the master key is there, and is the right one.
  void prepare_box(completion<done> then);

  /// Answers with what a secret is like now.
  void show_secret(const secret_name& which, completion<secret_info> then);

  /// Adds a version; tries again if somebody else was faster.
  void add_version(secret_name which, hidden_text value, int attempts,
                   completion<secret_info> then);

  /// Fills in the id of the target.
  void find_target(const secret_binding& what,
                   completion<secret_binding_row> then);

  /// Performs a write, and answers with whether it worked.
  void write(store_write what, completion<done> then);

  // -- engine_plugins.cpp -----------------------------------------------------

  void find_plugin_row(const std::string& key, completion<plugin_row> then);

  /// Adds a plugin that is not there yet.
  void install_plugin(plugin_row row, completion<plugin_info> then);

  /// Steps the plugin with this key and stores what becomes of it; `asked` is
  /// made of what it is. Tries again if somebody else was faster.
  using plugin_question
    = std::function<result<plugin_event::any>(const plugin_row& now)>;
  void change_plugin(const std::string& key, plugin_question asked,
                     completion<plugin_info> then, int attempts = 5);

  /// Tells the SUPERVISOR of a plugin that was changed, and the caller how it
  /// is stored.
  void publish_plugin(const std::string& key, completion<plugin_info> then);

  // -- engine_leases.cpp ------------------------------------------------------

  /// Counts one who wants a lease, until what is returned is called. Where
  /// there are too many, `then` is told, and nothing is returned.
  completion<lease_granted> pass_turnstile(completion<lease> then);

  // ---------------------------------------------------------------------------

  options opts;
  instance_id id;
  std::shared_ptr<life_bell> life;
  event_hub hub;
  std::unique_ptr<io_loop> loop = std::make_unique<io_loop>();
  std::unique_ptr<process_launcher> launcher;
  worker_gate gate;
  std::shared_ptr<secret_box> box;
  secret_gate secrets;
  services_ptr with;
  std::shared_ptr<store_runner> runner;
  /// Callbacks leave it as long as there are actors.
  turnstile under_way;
  actor_config config;
  std::unique_ptr<caf::actor_system> system;
  front_ptr front;
  /// Asks for drivers what they need to know of secrets.
  front_ptr secret_front;
  store_actor store;
  janitor_actor janitor;
  supervisor_actor supervisor;
};

/// What a caller waits for. Dropped without an answer, as happens to what is
/// under way when the engine's actors end, it gets one all the same.
template <class T>
class promise_to_caller {
public:
  promise_to_caller() = default;

  promise_to_caller(const promise_to_caller&) = delete;

  promise_to_caller& operator=(const promise_to_caller&) = delete;

  ~promise_to_caller() {
    if (!kept_)
      keep(failure{ec::shutting_down, "The engine is stopping.", {}});
  }

  void keep(result<T> x) {
    kept_ = true;
    promise_.set_value(std::move(x));
  }

  std::future<result<T>> future() {
    return promise_.get_future();
  }

private:
  std::promise<result<T>> promise_;
  bool kept_ = false;
};

/// A completion, and the future that it fulfils.
template <class T>
std::pair<completion<T>, std::future<result<T>>> promised() {
  auto promise = std::make_shared<promise_to_caller<T>>();
  auto future = promise->future();
  return {[promise](result<T> x) { promise->keep(std::move(x)); },
          std::move(future)};
}

/// Hands what `convert` makes of a value to `then`, and errors as they are.
template <class From, class To, class Fun>
completion<From> converting(completion<To> then, Fun convert) {
  return [then = std::move(then), convert](result<From> x) {
    if (x)
      then(convert(std::move(*x)));
    else
      then(x.error());
  };
}

} // namespace leasehold
