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
    [this](store_write& what) -> caf::result<written> {
      auto promise = self_->make_response_promise<written>();
      waiting_.push_back(promise);
      if (writes_->push(std::move(what)))
        runner_->write(writes_,
                       [me = store_actor{self_}](write_outcomes outcomes) {
                         tell_from_outside(me, std::move(outcomes));
                       });
      return promise;
    },
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

void store_state::on_outcomes(write_outcomes& what) {
  for (auto& outcome : what.outcomes) {
    deliver(waiting_.front(), std::move(outcome));
    waiting_.pop_front();
  }
}

} // namespace leasehold
