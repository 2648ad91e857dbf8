#include "drivers/ssh/ssh_runner.hpp"

#include "drivers/ssh/ssh_transfer.hpp"

#include <utility>

namespace leasehold::ssh {

namespace {

/// Starts a run on a session.
template <class T>
completion<connections::session_ptr> starting(std::weak_ptr<T> what) {
  return [what = std::move(what)](result<connections::session_ptr> on) {
    if (auto strong = what.lock())
      strong->start(std::move(on));
  };
}

} // namespace

runner::runner(io_loop& loop, process_launcher& launcher,
               std::shared_ptr<connections> hosts)
  : loop_{loop}, launcher_{launcher}, hosts_{std::move(hosts)} {
  // nop
}

runner::~runner() {
  std::map<uint64_t, running> rows;
  std::lock_guard guard{running_->mutex};
  rows.swap(running_->rows);
}

void runner::run(const owner& who, ssh_command::request what,
                 command_limits limits, completion<command_result> then) {
  auto number = next_number();
  auto self = std::make_shared<std::weak_ptr<ssh_command>>();
  what.reconnect = [self, hosts = hosts_, host = who.host] {
    hosts->open(host, starting(*self));
  };
  auto command
    = std::make_shared<ssh_command>(loop_, launcher_, limits, std::move(what),
                                    leaving(number, std::move(then)));
  *self = command;
  connect(who, number, std::move(command));
}

void runner::pipe(const owner& who, std::vector<std::string> producer,
                  std::string input, std::string consumer, completion<> then) {
  auto number = next_number();
  connect(who, number,
          std::make_shared<ssh_transfer>(
            loop_, launcher_,
            ssh_transfer::request{std::move(producer), std::move(input),
                                  std::move(consumer)},
            leaving(number, std::move(then))));
}

void runner::cancel(const lease_id& lease, const execution_id& execution) {
  std::lock_guard guard{running_->mutex};
  for (const auto& [number, row] : running_->rows)
    if (row.lease == lease && (execution.empty() || row.execution == execution))
      row.cancel();
}

uint64_t runner::next_number() {
  std::lock_guard guard{running_->mutex};
  return ++running_->last;
}

template <class T>
completion<T> runner::leaving(uint64_t number, completion<T> then) {
  return [rows = running_, number, then = std::move(then)](result<T> outcome) {
    std::map<uint64_t, running>::node_type gone;
    {
      std::lock_guard lock{rows->mutex};
      gone = rows->rows.extract(number);
    }
    then(std::move(outcome));
  };
}

template <class T>
void runner::connect(const owner& who, uint64_t number,
                     std::shared_ptr<T> what) {
  std::weak_ptr<T> weak = what;
  {
    std::lock_guard guard{running_->mutex};
    auto cancel = [weak] {
      if (auto strong = weak.lock())
        strong->cancel();
    };
    running_->rows.emplace(
      number, running{who.host.lease, who.execution, cancel, std::move(what)});
  }
  hosts_->open(who.host, starting(std::move(weak)));
}

} // namespace leasehold::ssh
