#include "actors/store_actor.hpp"

#include "actors/mail.hpp"

#include <utility>

namespace leasehold {

namespace {

template <class Promise, class T>
void deliver(Promise& promise, result<T>&& what) {
  if (what)
    promise.deliver(std::move(*what));
  else
    promise.deliver(to_error(what.error()));
}

} // namespace

store_state::store_state(store_actor::pointer self,
                         std::shared_ptr<store_runner> runner)
  : self_{self}, runner_{std::move(runner)} {
  // nop
}

store_actor::behavior_type store_state::make_behavior() {
  return {
    [this](store_write& what) { return write(what); },
    [this](store_query& question) -> caf::result<store_answer> {
      auto promise = self_->make_response_promise<store_answer>();
      auto number = ++last_question_;
      questions_.emplace(number, promise);
      runner_->read(std::move(question),
                    [me = store_actor{self_}, number](result<store_answer> x) {
                      tell_from_outside(me, read_outcome{number, std::move(x)});
                    });
      return promise;
    },
    [this](write_outcomes& what) { on_outcomes(what); },
    [this](read_outcome& what) {
      if (auto node = questions_.extract(what.number))
        deliver(node.mapped(), std::move(what.answer));
    },
  };
}

caf::result<written> store_state::write(store_write& what) {
  auto promise = self_->make_response_promise<written>();
  auto number = write_lanes::others;
  lease_id lease;
  if (runner_->writes_beside()) {
    number = chooser_.choose(what);
    if (const auto* about = lease_of(what))
      lease = *about;
  }
  auto& [writes, waiting] = lanes_.at(number);
  waiting.emplace_back(promise, std::move(lease));
  if (writes->push(std::move(what)))
    runner_->write(writes,
                   [me = store_actor{self_}, number](write_outcomes outcomes) {
                     outcomes.lane = number;
                     tell_from_outside(me, std::move(outcomes));
                   });
  return promise;
}

void store_state::on_outcomes(write_outcomes& what) {
  auto& waiting = lanes_.at(what.lane).waiting;
  for (auto& outcome : what.outcomes) {
    auto [promise, lease] = std::move(waiting.front());
    waiting.pop_front();
    if (runner_->writes_beside())
      chooser_.answered(lease);
    deliver(promise, std::move(outcome));
  }
}

} // namespace leasehold
