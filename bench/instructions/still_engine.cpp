#include "bench/instructions/still_engine.hpp"

#include "drivers/local_driver.hpp"
#include "drivers/sandbox_driver.hpp"
#include "storage/store.hpp"

#include <chrono>
#include <cstdlib>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

namespace leasehold::counting {

namespace {

constexpr timestamp today{1'750'000'000'000};

constexpr const char* boxes_manifest = R"({
  "id": "boxes.plugin", "apiVersion": 1, "version": "1.0.0",
  "displayName": "Boxes", "capabilities": ["environment.drivers.register"],
  "environmentDrivers": [{"driverKey": "boxes", "kind": "sandbox_provider"}]})";

store_write boxes_plugin() {
  plugin_row out;
  out.id = {"plugin-1"};
  out.key = "boxes.plugin";
  out.version = "1.0.0";
  out.manifest = json_text{boxes_manifest};
  out.command = {"boxes-worker"};
  return put_plugin{out};
}

store_write environment(const std::string& name, const std::string& driver,
                        const std::string& config) {
  environment_row out;
  out.id = {"env-" + name};
  out.name = name;
  out.driver = driver;
  out.config = json_text{config};
  return put_environment{out};
}

std::shared_ptr<store> open_store(const test::temp_dir& folder) {
  return open_sqlite_store(folder / "leasehold.db", {"engine-1"},
                           [] { return today; })
    .value();
}

/// A cycle that fails would be counted as a short one.
template <class T>
T must(result<T>&& x) {
  if (!x)
    std::abort();
  return std::move(x).value();
}

} // namespace

/// Keeps what the store's actor wants done until everybody else is done, so
/// that batches are as large as they are where many leases are on their way.
class gathering_runner : public store_runner {
public:
  explicit gathering_runner(std::shared_ptr<store> what)
    : store_{std::move(what)} {
    // nop
  }

  void write(std::shared_ptr<write_queue> from,
             std::function<void(write_outcomes)> then) override {
    todo_.emplace_back([this, from = std::move(from), then = std::move(then)] {
      auto batch = from->take();
      if (batch.empty())
        return;
      then({store_->apply(batch)});
      write(from, then);
    });
  }

  void read(store_query question,
            std::function<void(result<store_answer>)> then) override {
    todo_.emplace_back(
      [this, question = std::move(question), then = std::move(then)] {
        then(store_->read(question));
      });
  }

  /// Does one thing; says whether there was one.
  bool do_one() {
    if (todo_.empty())
      return false;
    auto what = std::move(todo_.front());
    todo_.pop_front();
    what();
    return true;
  }

private:
  std::shared_ptr<store> store_;
  std::deque<std::function<void()>> todo_;
};

still_engine::still_engine() {
  set_up();
  runner_ = std::make_shared<gathering_runner>(open_store(folder_));
  with_ = make_services();
  front_ = std::make_shared<front_desk>(sys);
  store_ = spawn_actor<store_state>(sys, runner_);
  supervisor_options options;
  janitor_ = spawn_actor<janitor_state>(sys, store_, with_, options.janitor);
  supervisor_ = spawn_actor<supervisor_state>(
    sys, supervisor_colleagues{store_, janitor_, &workers_, with_}, options);
  gate_.open(supervisor_);
  work();
}

still_engine::~still_engine() {
  auto stopped = ask(supervisor_, shut_down{});
  work();
  while (!stopped->arrived()) {
    pass(std::chrono::seconds{1});
    work();
  }
  gate_.close();
  send_away(supervisor_);
  send_away(janitor_);
  send_away(store_);
  front_->close();
  settle();
}

void still_engine::set_up() {
  std::vector<store_write> all{
    environment("here", "local", "{}"),
    // A quarter of those who come find a place; the others wait.
    environment("narrow", "local", R"({"admission":{"maxLeases":16}})"),
    environment(
      "sandbox", "sandbox",
      R"({"image":"debian:12","provider":"boxes","timeoutMs":60000})"),
    boxes_plugin()};
  for (auto& how : open_store(folder_)->apply(all))
    must(std::move(how));
}

services_ptr still_engine::make_services() {
  auto out = std::make_shared<services>();
  out->self = {"engine-1"};
  out->dice = [] { return 0.5; };
  // As long as a UUID, wherever the count is.
  out->make_id = [this] {
    auto number = std::to_string(++last_id_);
    return std::string(36 - number.size(), '0') + number;
  };
  out->observe = [](const transition&) {};
  out->log = [](log_rank, std::string_view) {};
  worker_driver_options calls{[](const late_resource&) { std::abort(); }};
  out->drivers.add(std::make_shared<sandbox_driver>(gate_, calls, false));
  out->drivers.add(std::make_shared<local_driver>(
    workers_, loop_, "leasehold-guard", local_host{}));
  return out;
}

void still_engine::work() {
  do
    settle();
  while (runner_->do_one());
}

void still_engine::cycle(const std::string& environment, size_t leases) {
  size_t ended = 0;
  auto release = [this, &ended](result<lease_granted> x) {
    release_lease what{must(std::move(x)).handle, {}, {}, false, false};
    front_->ask<lease_ended>(
      supervisor_, std::move(what), [&ended](result<lease_ended> how) {
        ended += must(std::move(how)).cleanup == cleanup_status::success;
      });
  };
  for (size_t i = 0; i < leases; ++i) {
    acquire_lease what;
    what.id = {with_->make_id()};
    what.company = {"company-1"};
    what.environment = environment;
    what.run = {with_->make_id()};
    front_->ask<lease_granted>(supervisor_, std::move(what), release);
  }
  work();
  if (ended != leases)
    std::abort();
}

void still_engine::call_worker_with(const std::string& method,
                                    const json_text& params, size_t calls) {
  size_t answered = 0;
  for (size_t i = 0; i < calls; ++i) {
    worker_call what;
    what.method = method;
    what.params = params;
    what.company = {"company-1"};
    gate_.call({"plugin-1"}, std::move(what), true,
               [&answered](result<json_text> x) {
                 must(std::move(x));
                 ++answered;
               });
  }
  work();
  if (answered != calls)
    std::abort();
}

} // namespace leasehold::counting
