// The engine's verbs on who waits for leases, and on breakers.

#include "actors/engine_answers.hpp"
#include "actors/engine_impl.hpp"

#include <utility>
#include <variant>

namespace leasehold {

namespace {

queue_info to_info(queue_shown x) {
  queue_info out;
  out.environment = std::move(x.environment.value);
  out.leases_max = x.limits.leases_max;
  out.acquires_max = x.limits.acquires_max;
  out.queue_max = x.limits.queue_max;
  out.live = x.live;
  out.acquiring = x.acquiring;
  for (auto& who : x.waiting) {
    auto position = static_cast<uint32_t>(out.waiting.size() + 1);
    out.waiting.push_back({std::move(who.lease.value), std::move(who.run.value),
                           std::move(who.company.value), position, who.waited,
                           who.left});
  }
  return out;
}

breaker_info to_info(breaker_row x) {
  auto middle = x.subject.text.find(':');
  return {x.subject.text.substr(0, middle),
          x.subject.text.substr(middle + 1),
          x.failures,
          x.retry_at.ms,
          to_string(x.code),
          std::move(x.words)};
}

/// Closes a breaker in the store, then here.
template <class Impl>
void reset(Impl& self, const breaker_subject& what, completion<done> then) {
  self.template ask<written>(
    self.store, store_write{close_breaker{what}},
    announcing(self.supervisor, breaker_reset{what}, std::move(then)));
}

} // namespace

std::future<result<queue_info>> engine::queue(std::string environment) {
  auto [then, future] = promised<queue_info>();
  impl_->ask<queue_shown>(
    impl_->supervisor, show_queue{std::move(environment)},
    converting<queue_shown>(
      std::move(then), [](queue_shown x) { return to_info(std::move(x)); }));
  return std::move(future);
}

std::future<result<std::vector<breaker_info>>> engine::breakers() {
  auto [then, future] = promised<std::vector<breaker_info>>();
  auto convert = [](store_answer x) {
    std::vector<breaker_info> out;
    for (auto& row : std::get<breaker_rows>(x).rows)
      out.push_back(to_info(std::move(row)));
    return out;
  };
  impl_->query(list_breakers{},
               converting<store_answer>(std::move(then), convert));
  return std::move(future);
}

std::future<result<done>> engine::reset_environment(std::string name) {
  auto [then, future] = promised<done>();
  auto* x = impl_.get();
  x->find_row(name,
              [x, then = std::move(then)](const result<environment_row>& row) {
                if (row)
                  reset(*x, subject_of(row->id), then);
                else
                  then(row.error());
              });
  return std::move(future);
}

std::future<result<done>> engine::reset_plugin(std::string key) {
  auto [then, future] = promised<done>();
  auto* x = impl_.get();
  x->find_plugin_row(
    key, [x, then = std::move(then)](const result<plugin_row>& row) {
      if (row)
        reset(*x, subject_of(row->id), then);
      else
        then(row.error());
    });
  return std::move(future);
}

} // namespace leasehold
