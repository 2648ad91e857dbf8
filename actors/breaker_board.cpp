#include "actors/breaker_board.hpp"

#include "messages/protocols.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace leasehold {

namespace {

namespace effect = breaker_effect;
namespace event = breaker_event;

/// How often it is looked whether an operator has closed a breaker elsewhere.
constexpr milliseconds look_interval{1'000};

} // namespace

breaker_board::breaker_board(const supervisor_ties& ties) : ties_{ties} {
  // nop
}

breaker& breaker_board::of(const breaker_subject& what) {
  auto [pos, added] = breakers_.try_emplace(what);
  if (added)
    pos->second.options = ties_.options.breaker;
  return pos->second;
}

void breaker_board::when_known(std::function<void()> then) {
  if (known_)
    return then();
  waiting_.push_back(std::move(then));
  if (waiting_.size() > 1)
    return;
  auto go_on = [this] {
    known_ = true;
    looked_at_ = steady_now(ties_.self);
    for (auto& next : std::exchange(waiting_, {}))
      next();
  };
  ask(
    ties_.self, ties_.store, caf::infinite, store_query{list_breakers{}},
    [this, go_on](store_answer& found) {
      take_over(std::get<breaker_rows>(found));
      go_on();
    },
    // Without the list everybody is let through, and finds out himself.
    [go_on](const caf::error&) { go_on(); });
}

void breaker_board::take_over(const breaker_rows& found) {
  auto now = steady_now(ties_.self);
  for (const auto& row : found.rows) {
    // Clocks may disagree; nobody waits longer than the longest pause.
    auto left = std::clamp(row.retry_at - found.at, milliseconds{0},
                           ties_.options.breaker.pause_max);
    on(row.subject,
       event::restored{
         row.failures, row.pauses, now + left, {row.code, row.words}});
  }
}

std::optional<failure> breaker_board::would_refuse(const guarded_place& what) {
  auto pos = breakers_.find(what.subject);
  if (pos == breakers_.end())
    return std::nullopt;
  // A copy: it is only asked what it would do.
  auto asked = step(pos->second, event::wanted{steady_now(ties_.self)});
  auto* no = std::get_if<effect::refuse>(&asked.effects.front());
  if (!no)
    return std::nullopt;
  look_again();
  return refusal_of(pos->second, no->retry_in, what.words, what.reset);
}

result<breaker_ticket> breaker_board::pass(const guarded_place& what) {
  // What has not failed yet needs no breaker.
  if (!breakers_.contains(what.subject))
    return breaker_ticket{breaker{}.period, 0};
  auto asked = on(what.subject, event::wanted{steady_now(ties_.self)});
  if (auto* in = std::get_if<effect::let_through>(&asked.effects.front()))
    return in->ticket;
  look_again();
  auto& no = std::get<effect::refuse>(asked.effects.front());
  return refusal_of(asked.next, no.retry_in, what.words, what.reset);
}

void breaker_board::on_outcome(const breaker_subject& what,
                               const breaker_ticket& ticket, const failure& how,
                               bool refusal_is_outage) {
  auto what_it_says = evidence_of(how.code, refusal_is_outage);
  if (what_it_says != evidence::failed && !breakers_.contains(what))
    return;
  switch (what_it_says) {
    case evidence::answered:
      on(what, event::answered{ticket});
      return;
    case evidence::failed:
      on(what, event::failed{ticket, how, steady_now(ties_.self),
                             ties_.services->dice()});
      return;
    default:
      on(what, event::withdrawn{ticket});
  }
}

void breaker_board::reset(const breaker_subject& what) {
  if (breakers_.contains(what))
    on(what, event::reset{});
}

breaker_step breaker_board::on(const breaker_subject& what,
                               const breaker_event::any& event) {
  auto& now = of(what);
  auto before = now.phase;
  auto out = step(now, event);
  now = out.next;
  if (now.phase != before && ties_.services->observe)
    ties_.services->observe({"breaker", what.text, to_string(before),
                             to_string(now.phase), now.last.message});
  for (const auto& wish : out.effects) {
    if (const auto* keep = std::get_if<effect::keep>(&wish))
      write(open_breaker{
        {what, now.failures, now.pauses, {}, now.last.code, now.last.message},
        keep->retry_in});
    else if (std::holds_alternative<effect::forget>(wish))
      write(close_breaker{what});
  }
  return out;
}

void breaker_board::write(store_write what) {
  ++writes_;
  ++unwritten_;
  ask(
    ties_.self, ties_.store, caf::infinite, std::move(what),
    [this](const written&) { on_written(); },
    // It holds here all the same.
    [this](const caf::error&) { on_written(); });
}

void breaker_board::on_written() {
  if (--unwritten_ == 0 && when_written_)
    std::exchange(when_written_, nullptr)();
}

void breaker_board::when_written(std::function<void()> then) {
  if (unwritten_ == 0)
    return then();
  when_written_ = std::move(then);
}

void breaker_board::look_again() {
  auto now = steady_now(ties_.self);
  if (looking_ || unwritten_ > 0 || now - looked_at_ < look_interval)
    return;
  looking_ = true;
  looked_at_ = now;
  ask(
    ties_.self, ties_.store, caf::infinite, store_query{list_breakers{}},
    [this, writes = writes_](store_answer& found) {
      looking_ = false;
      // What has been written since is not in the answer.
      if (writes == writes_)
        close_missing(std::get<breaker_rows>(found));
    },
    [this](const caf::error&) { looking_ = false; });
}

void breaker_board::close_missing(const breaker_rows& found) {
  std::vector<breaker_subject> closed;
  for (const auto& [subject, x] : breakers_) {
    auto is_it = [&, &who = subject](const breaker_row& row) {
      return row.subject == who;
    };
    if (x.phase == breaker_phase::open
        && std::none_of(found.rows.begin(), found.rows.end(), is_it))
      closed.push_back(subject);
  }
  for (const auto& subject : closed)
    reset(subject);
}

} // namespace leasehold
