#pragma once

// The SUPERVISOR's breakers: one per environment and plugin that has failed,
// and what is written down about them.

#include "actors/breaker.hpp"
#include "actors/mail.hpp"
#include "actors/supervisor_options.hpp"
#include "messages/breaker.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace leasehold {

/// What is guarded, and what it is called when somebody is refused.
struct guarded_place {
  breaker_subject subject;
  /// As in `Environment "box"`.
  std::string words;
  /// The command that closes the breaker.
  std::string reset;
};

class breaker_board {
public:
  explicit breaker_board(const supervisor_ties& ties);

  /// Goes on once it is known what has been written down: at once, but for the
  /// first time.
  void when_known(std::function<void()> then);

  /// Whether somebody would be let through now; takes nobody's turn.
  std::optional<failure> would_refuse(const guarded_place& what);

  /// Lets somebody through, who says afterwards how it went; or refuses.
  result<breaker_ticket> pass(const guarded_place& what);

  /// How it went for whoever had this ticket.
  void on_outcome(const breaker_subject& what, const breaker_ticket& ticket,
                  const failure& how, bool refusal_is_outage);

  void reset(const breaker_subject& what);

  /// Goes on once everything is written down, or cannot be.
  void when_written(std::function<void()> then);

private:
  breaker& of(const breaker_subject& what);

  /// Steps a breaker; what is to be written is written.
  breaker_step on(const breaker_subject& what, const breaker_event::any& event);

  void write(store_write what);

  void on_written();

  /// Looks whether somebody else has closed what is open here.
  void look_again();

  void take_over(const breaker_rows& found);

  void close_missing(const breaker_rows& found);

  const supervisor_ties& ties_;
  std::map<breaker_subject, breaker> breakers_;
  bool known_ = false;
  bool looking_ = false;
  milliseconds looked_at_{0};
  std::vector<std::function<void()>> waiting_;
  /// Writes so far, and those that are not on disk yet.
  uint64_t writes_ = 0;
  uint64_t unwritten_ = 0;
  std::function<void()> when_written_;
};

} // namespace leasehold
