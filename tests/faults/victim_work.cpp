#include "tests/faults/victim_work.hpp"

#include <utility>

namespace leasehold::faults {

namespace {

std::string or_dash(const std::string& x) {
  return x.empty() ? "-" : x;
}

std::string exit_of(const finished& how) {
  if (how.exit_code)
    return std::to_string(*how.exit_code);
  if (how.cancelled)
    return "cancelled";
  return how.timed_out ? "timed_out" : or_dash(how.signal);
}

/// Whether a verb may succeed when it is repeated.
bool worth_repeating(const failure& why) {
  auto what = disposition_of(why.code);
  return what == disposition::retry || what == disposition::in_doubt
         || why.code == ec::conflict;
}

} // namespace

victim_work::victim_work(engine& with, work_options opts,
                         std::function<void(const std::string&)> say,
                         std::function<void(std::function<void()>)> later)
  : engine_{with}, opts_{std::move(opts)}, say_{std::move(say)},
    later_{std::move(later)}, dice_{opts_.seed}, slots_(opts_.runs) {
  // nop
}

int victim_work::roll(int below) {
  return std::uniform_int_distribution{0, below - 1}(dice_);
}

void victim_work::go() {
  std::lock_guard guard{mutex_};
  going_ = true;
  for (auto& who : slots_)
    if (!who.busy)
      step(who);
}

void victim_work::rest(std::function<void()> rested) {
  std::lock_guard guard{mutex_};
  going_ = false;
  rested_ = std::move(rested);
  check_rest();
}

void victim_work::check_rest() {
  for (const auto& who : slots_)
    if (who.busy)
      return;
  if (auto tell = std::exchange(rested_, nullptr))
    tell();
}

void victim_work::step(slot& who) {
  who.busy = going_;
  if (!going_)
    return check_rest();
  if (!who.held)
    acquire(who);
  else if (who.commands_left > 0)
    execute(who);
  else
    end(who);
}

// -- a run takes a lease ------------------------------------------------------

void victim_work::acquire(slot& who) {
  who.run = opts_.prefix + "-" + std::to_string(++last_);
  const auto& all = opts_.environments;
  who.environment
    = all[static_cast<size_t>(roll(static_cast<int>(all.size())))];
  who.commands_left = roll(3);
  who.kept = false;
  say_("ask acquire " + who.run + " " + who.environment);
  acquire_request what;
  what.environment = who.environment;
  what.run = who.run;
  engine_.acquire(what, [this, &who](const result<lease>& how) {
    std::lock_guard guard{mutex_};
    on_granted(who, how);
  });
}

void victim_work::on_granted(slot& who, const result<lease>& how) {
  if (how) {
    who.held = *how;
    say_("granted " + how->id + " " + std::to_string(how->fence) + " "
         + or_dash(how->resource) + " " + who.run + " " + who.environment);
    return step(who);
  }
  say_("refused " + who.run + " " + to_string(how.error().code) + " "
       + how.error().message);
  later_([this, &who] {
    std::lock_guard guard{mutex_};
    step(who);
  });
}

// -- it runs a command --------------------------------------------------------

command victim_work::make_command(const slot& who, const std::string& name,
                                  int code) {
  command out;
  auto ms = std::to_string(roll(15));
  if (who.environment == "den" || who.environment == "cell") {
    out.command = opts_.tenant;
    out.args = {opts_.journal, name, ms, std::to_string(code)};
    return out;
  }
  out.command = "sh";
  out.args
    = {"-c", "sleep 0.0" + ms + "; exit " + std::to_string(code), opts_.mark};
  return out;
}

void victim_work::execute(slot& who) {
  --who.commands_left;
  auto name = who.run + "/" + std::to_string(++last_);
  auto code = roll(7);
  say_("ask execute " + who.held->id + " " + name + " " + std::to_string(code));
  auto then = [this, &who, name](const result<finished>& how) {
    std::lock_guard guard{mutex_};
    auto about = who.held->id + " " + name + " ";
    if (how)
      say_("executed " + about + exit_of(*how));
    else
      say_("unexecuted " + about + to_string(how.error().code));
    step(who);
  };
  engine_.execute(*who.held, make_command(who, name, code), {}, then);
}

// -- it ends its lease --------------------------------------------------------

void victim_work::end(slot& who) {
  auto then = [this, &who](const result<ended_lease>& how) {
    std::lock_guard guard{mutex_};
    on_ended(who, how);
  };
  auto dice = who.kept ? 0 : roll(20);
  auto about = "ask end " + who.held->id + " ";
  who.leaving = !(dice == 6);
  if (dice < 2) {
    say_(about + "destroyed");
    return engine_.destroy(*who.held, "", then);
  }
  release_request how;
  if (dice < 5)
    how.outcome = outcome::failed;
  else if (dice < 6)
    how.outcome = outcome::expired;
  how.keep = who.kept = dice == 6;
  say_(about
       + (how.keep   ? "retained"
          : dice < 5 ? "failed"
          : dice < 6 ? "expired"
                     : "released"));
  engine_.release(*who.held, how, then);
}

void victim_work::on_ended(slot& who, const result<ended_lease>& how) {
  if (how) {
    say_("ended " + who.held->id + " " + how->status
         + (how->cleanup_owed ? " owed" : " clean")
         + (how->parked ? " parked" : " -"));
    // What was kept is looked at, and destroyed.
    if (who.leaving)
      who.held.reset();
    return step(who);
  }
  say_("unended " + who.held->id + " " + to_string(how.error().code) + " "
       + how.error().message);
  if (!worth_repeating(how.error()))
    who.held.reset();
  later_([this, &who] {
    std::lock_guard guard{mutex_};
    step(who);
  });
}

} // namespace leasehold::faults
