#include "tests/simulation/faulty_runner.hpp"

#include <algorithm>
#include <utility>

namespace leasehold::sim {

namespace {

failure unavailable() {
  return {ec::store_unavailable, "The database cannot be reached."};
}

failure unknown() {
  return {ec::commit_unknown, "The connection was lost during the commit."};
}

bool is(const fault* wrong, fault_kind what) {
  return wrong && wrong->what == what;
}

} // namespace

faulty_runner::faulty_runner(surroundings& around, store& what,
                             listener on_written)
  : around_{around}, store_{what}, on_written_{std::move(on_written)},
    two_lanes_{around.chance.percent(50)} {
  // nop
}

void faulty_runner::later(milliseconds delay, std::function<void()> what) {
  around_.time.in(delay, [alive = alive_, what = std::move(what)] {
    if (*alive)
      what();
  });
}

void faulty_runner::cut() {
  *alive_ = false;
}

std::vector<result<written>>
faulty_runner::apply(const std::vector<store_write>& batch,
                     const fault* wrong) {
  using outcomes = std::vector<result<written>>;
  if (is(wrong, fault_kind::write_fails)
      || around_.time.now() < around_.store_away_until)
    return outcomes(batch.size(), unavailable());
  if (is(wrong, fault_kind::unwritten_unknown))
    return outcomes(batch.size(), unknown());
  auto how = store_.apply(batch);
  on_written_(batch, how);
  if (is(wrong, fault_kind::written_unknown))
    return outcomes(batch.size(), unknown());
  return how;
}

void faulty_runner::answer(size_t lane, milliseconds delay, write_outcomes how,
                           const listening& then) {
  auto& at = answered_at_.at(lane);
  at = std::max(at, around_.time.now() + delay);
  later(at - around_.time.now(), [then, how = std::move(how)] { then(how); });
}

void faulty_runner::write(std::shared_ptr<write_queue> from, listening then) {
  auto batch = from->take();
  if (batch.empty())
    return;
  auto* wrong = around_.faults.next(site::write);
  auto& chance = around_.chance;
  auto delay = milliseconds{chance.percent(70) ? 0 : 1};
  if (is(wrong, fault_kind::slow_write))
    delay += wrong->lasts;
  auto back = milliseconds{chance.percent(70) ? 0 : 2};
  auto outlives = chance.percent(50);
  // Not `later`: what was sent off may be written although its sender is dead.
  around_.time.in(delay, [this, alive = alive_, from = std::move(from),
                          batch = std::move(batch), then = std::move(then),
                          wrong, back, outlives] {
    if (!*alive && !outlives)
      return;
    auto how = apply(batch, wrong);
    if (!*alive)
      return;
    answer(from->lane(), back, {std::move(how)}, then);
    // The next one does not wait until anybody has heard of this one.
    write(from, then);
  });
}

void faulty_runner::read(store_query question,
                         std::function<void(result<store_answer>)> then) {
  auto* wrong = around_.faults.next(site::read);
  auto& chance = around_.chance;
  auto delay = milliseconds{chance.percent(80) ? 0 : 1};
  auto back = milliseconds{chance.percent(80) ? 0 : chance.below(4)};
  if (is(wrong, fault_kind::slow_read))
    back += wrong->lasts;
  auto fails = is(wrong, fault_kind::read_fails);
  later(delay, [this, question = std::move(question), then = std::move(then),
                fails, back] {
    auto away = fails || around_.time.now() < around_.store_away_until;
    auto answer
      = away ? result<store_answer>{unavailable()} : store_.read(question);
    later(back, [then, answer = std::move(answer)] { then(answer); });
  });
}

} // namespace leasehold::sim
