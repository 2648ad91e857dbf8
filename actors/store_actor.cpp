#include "actors/store_actor.hpp"

#include "actors/mail.hpp"

#include <algorithm>
#include <iterator>
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

/// Takes the first `count` elements out of `from`.
template <class T>
std::vector<T> take(std::vector<T>& from, size_t count) {
  if (count == from.size())
    return std::exchange(from, {});
  auto end = from.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<T> out{std::make_move_iterator(from.begin()),
                     std::make_move_iterator(end)};
  from.erase(from.begin(), end);
  return out;
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
      gathered_.push_back(std::move(what));
      gathered_promises_.push_back(promise);
      flush();
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

void store_state::flush() {
  if (!in_flight_.empty() || gathered_.empty())
    return;
  auto count = std::min(gathered_.size(), batch_max);
  in_flight_ = take(gathered_promises_, count);
  runner_->write(take(gathered_, count),
                 [me = store_actor{self_}](write_outcomes what) {
                   tell_from_outside(me, std::move(what));
                 });
}

void store_state::on_outcomes(write_outcomes& what) {
  auto answered = std::exchange(in_flight_, {});
  for (size_t i = 0; i < answered.size(); ++i)
    deliver(answered[i], std::move(what.outcomes[i]));
  flush();
}

} // namespace leasehold
