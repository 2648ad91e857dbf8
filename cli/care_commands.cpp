// leasehold lease retry-cleanup, leasehold lease confirm-gone, leasehold doctor

#include "cli/admin_commands.hpp"
#include "cli/durations.hpp"
#include "cli/error_texts.hpp"
#include "cli/report.hpp"

#include <nlohmann/json.hpp>
#include <pwd.h>
#include <unistd.h>

#include <array>

namespace leasehold::cli {

namespace {

/// `user@host`, for the record.
std::string who_asks() {
  auto* entry = getpwuid(getuid());
  auto user = entry ? std::string{entry->pw_name} : std::to_string(getuid());
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0)
    return user;
  return user + "@" + host.data();
}

int show_cleanup(const context& where, const ended_lease& x) {
  if (where.common.json)
    show_json(where, view(x));
  else if (x.cleanup_owed)
    show(where, "lease " + short_id(x.id) + ": cleanup owed"
                  + (x.cleanup_error.empty() ? std::string{}
                                             : ": " + one_line(x.cleanup_error))
                  + "\n");
  else
    show(where, "lease " + short_id(x.id) + ": nothing is owed any more\n");
  return x.cleanup_owed ? exit_failed : 0;
}

std::string one_finding(const finding& x, int64_t now, bool colour) {
  auto mark = !x.done.empty() && !x.needs_you
                ? paint("mended", tone::good, colour)
              : x.needs_you ? paint("needs you", tone::bad, colour)
                            : paint("in hand", tone::warning, colour);
  auto out = mark + "  " + paint(x.kind, tone::heading, colour) + "  "
             + one_line(x.subject) + "\n  " + one_line(x.what);
  if (x.since_ms > 0)
    out += " Since " + format_local_time(x.since_ms) + " ("
           + format_relative(x.since_ms, now) + ").";
  out += "\n";
  if (!x.done.empty())
    out += "  Just now: " + one_line(x.done) + "\n";
  // What is mended needs no advice.
  if (!x.done.empty() && !x.needs_you)
    return out;
  if (!x.engine_does.empty())
    out += "  Leasehold: " + one_line(x.engine_does) + "\n";
  if (!x.you_can.empty())
    out += "  You: " + one_line(x.you_can) + "\n";
  return out;
}

/// `1 thing needs you, 2 are in hand.`
std::string summary(const examination& x) {
  size_t yours = 0;
  size_t mended = 0;
  for (const auto& one : x.findings) {
    yours += one.needs_you ? 1 : 0;
    mended += !one.needs_you && !one.done.empty() ? 1 : 0;
  }
  auto ours = x.findings.size() - yours - mended;
  std::string out;
  auto add = [&out](size_t n, const char* one, const char* many) {
    if (n > 0)
      out += (out.empty() ? "" : ", ") + std::to_string(n)
             + (n == 1 ? one : many);
  };
  add(yours, " thing needs you", " things need you");
  add(ours, " is in hand", " are in hand");
  add(mended, " was mended", " were mended");
  return out + ".\n";
}

} // namespace

std::string examination_text(const examination& x, bool colour) {
  if (x.findings.empty())
    return "Everything is as it should be.\n";
  std::string out;
  for (const auto& one : x.findings)
    out += one_finding(one, x.at_ms, colour) + "\n";
  return out + summary(x);
}

int perform(const lease_retry_cleanup_arguments& what, const context& where) {
  return with_session(where, recovery::first, [&](session& in) {
    auto how = in.engine.retry_cleanup(what.id, who_asks()).get();
    return how ? show_cleanup(where, *how) : fail(where, how.error());
  });
}

int perform(const lease_confirm_gone_arguments& what, const context& where) {
  return with_session(where, recovery::first, [&](session& in) {
    auto how = in.engine.confirm_gone(what.id, who_asks()).get();
    return how ? show_cleanup(where, *how) : fail(where, how.error());
  });
}

int perform(const doctor_arguments& what, const context& where) {
  return with_session(where, recovery::first, [&](session& in) {
    auto found
      = in.engine.examine(what.fix, "leasehold doctor, " + who_asks()).get();
    if (!found)
      return fail(where, found.error());
    if (where.common.json)
      show_json(where, view(*found));
    else
      show(where, examination_text(*found, where.screen.colour_out));
    for (const auto& one : found->findings)
      if (one.needs_you)
        return exit_failed;
    return 0;
  });
}

} // namespace leasehold::cli
