// The status of a plugin (PB 1.3): what operators may ask of it, and what it
// becomes.

#include "actors/plugin_rules.hpp"

#include "tests/support/catch.hpp"

using namespace leasehold;

namespace {

namespace event = plugin_event;
using status = plugin_status;

const std::vector<status> every_status{
  status::installed, status::ready,           status::disabled,
  status::error,     status::upgrade_pending, status::uninstalled};

plugin_offer version(const std::string& number) {
  plugin_offer out;
  out.version = number;
  out.command = {"worker-" + number};
  return out;
}

plugin_row plugin(status now) {
  plugin_row out;
  out.id = {"plugin-1"};
  out.key = "acme.boxes";
  out.status = now;
  static_cast<plugin_offer&>(out) = version("1.0.0");
  return out;
}

/// Waits for consent to version 2.
plugin_row pending() {
  auto out = plugin(status::upgrade_pending);
  out.pending = version("2.0.0");
  return out;
}

event::any upgrade(const std::string& number,
                   std::vector<std::string> more = {}) {
  return event::upgraded{version(number), std::move(more)};
}

plugin_row after(const plugin_row& now, const event::any& what) {
  return step(now, what).value();
}

std::string refusal(const plugin_row& now, const event::any& what) {
  auto next = step(now, what);
  return next ? "nothing is wrong" : next.error().message;
}

} // namespace

TEST_CASE("plugin_rules: from each status to which other, as PB 1.3 has it",
          "[plugin_rules]") {
  using set = std::set<status>;
  const std::map<status, set> table{
    {status::installed, {status::ready, status::error, status::uninstalled}},
    {status::ready,
     {status::ready, status::disabled, status::error, status::upgrade_pending,
      status::uninstalled}},
    {status::disabled, {status::ready, status::uninstalled}},
    {status::error, {status::ready, status::uninstalled}},
    {status::upgrade_pending,
     {status::ready, status::error, status::uninstalled}},
    {status::uninstalled, {status::installed}}};
  for (auto from : every_status)
    for (auto to : every_status) {
      CAPTURE(to_string(from), to_string(to));
      CHECK(may_become(from, to) == table.at(from).contains(to));
    }
}

TEST_CASE("plugin_rules: a plugin that is added is ready", "[plugin_rules]") {
  auto next = after(plugin(status::installed), event::added{version("1.0.0")});
  CHECK(next == plugin(status::ready));
}

TEST_CASE("plugin_rules: adding a plugin again leaves it disabled",
          "[plugin_rules]") {
  auto next = after(plugin(status::disabled), event::added{version("2.0.0")});
  CHECK(next.status == status::disabled);
  CHECK(next.version == "2.0.0");
  CHECK(next.command == std::vector<std::string>{"worker-2.0.0"});
}

TEST_CASE("plugin_rules: adding a plugin again settles an upgrade that waits",
          "[plugin_rules]") {
  auto next = after(pending(), event::added{version("3.0.0")});
  CHECK(next.status == status::ready);
  CHECK(next.version == "3.0.0");
  CHECK_FALSE(next.pending);
}

TEST_CASE("plugin_rules: an upgrade that wants no more takes effect",
          "[plugin_rules]") {
  for (auto now : {status::ready, status::error}) {
    auto broken = plugin(now);
    broken.last_error = "it crashed";
    auto next = after(broken, upgrade("2.0.0"));
    CHECK(next.status == status::ready);
    CHECK(next.version == "2.0.0");
    CHECK(next.last_error.empty());
  }
  CHECK(after(plugin(status::disabled), upgrade("2.0.0")).status
        == status::disabled);
}

TEST_CASE("plugin_rules: an upgrade that wants more waits for consent",
          "[plugin_rules]") {
  auto next = after(plugin(status::ready), upgrade("2.0.0", {"http.outbound"}));
  CHECK(next == pending());
  // Consent.
  next = after(next, event::enabled{});
  CHECK(next.status == status::ready);
  CHECK(next.version == "2.0.0");
  CHECK_FALSE(next.pending);
}

TEST_CASE("plugin_rules: an upgrade that waits gives way to another one",
          "[plugin_rules]") {
  auto next = after(pending(), upgrade("3.0.0", {"http.outbound"}));
  CHECK(next.status == status::upgrade_pending);
  CHECK(next.version == "1.0.0");
  CHECK(next.pending == version("3.0.0"));
  // One that wants no more than the plugin may do now.
  next = after(next, upgrade("1.0.1"));
  CHECK(next.status == status::ready);
  CHECK(next.version == "1.0.1");
  CHECK_FALSE(next.pending);
}

TEST_CASE("plugin_rules: a disabled plugin cannot want more",
          "[plugin_rules]") {
  CHECK(refusal(plugin(status::disabled), upgrade("2.0.0", {"http.outbound"}))
        == "Plugin \"acme.boxes\" is disabled, and this upgrade wants "
           "capabilities that it does not have. Enable it first, then upgrade "
           "it.");
}

TEST_CASE("plugin_rules: disable and enable", "[plugin_rules]") {
  auto off = after(plugin(status::ready), event::disabled{});
  CHECK(off == plugin(status::disabled));
  CHECK(after(off, event::disabled{}) == off);
  CHECK(after(off, event::enabled{}) == plugin(status::ready));
  CHECK(after(plugin(status::ready), event::enabled{})
        == plugin(status::ready));
  CHECK(after(plugin(status::error), event::enabled{})
        == plugin(status::ready));
}

TEST_CASE("plugin_rules: what takes no leases cannot be disabled",
          "[plugin_rules]") {
  CHECK(refusal(pending(), event::disabled{})
        == "Plugin \"acme.boxes\" is upgrade_pending, and takes no leases "
           "already. Enable it to allow what it waits for, upgrade it to a "
           "version that wants no more than before, or remove it.");
  CHECK(refusal(plugin(status::uninstalled), event::enabled{})
        == "Plugin \"acme.boxes\" is uninstalled, and cannot become ready. Add "
           "it again.");
}

TEST_CASE("plugin_rules: every step is a way that PB 1.3 allows",
          "[plugin_rules]") {
  const std::vector<event::any> questions{
    event::added{version("2.0.0")}, upgrade("2.0.0"),
    upgrade("2.0.0", {"http.outbound"}), event::disabled{}, event::enabled{}};
  for (auto from : {status::ready, status::disabled, status::error,
                    status::upgrade_pending})
    for (const auto& what : questions) {
      auto now = from == status::upgrade_pending ? pending() : plugin(from);
      auto next = step(now, what);
      CAPTURE(to_string(from), what.index());
      if (next) {
        CHECK((next->status == from || may_become(from, next->status)));
        CHECK(next->pending.has_value()
              == (next->status == status::upgrade_pending));
        CHECK(next->id == now.id);
      }
    }
}

TEST_CASE("plugin_rules: more is what was not granted", "[plugin_rules]") {
  using words = std::vector<std::string>;
  CHECK(more_than({"a", "b"}, {"b", "a"}).empty());
  CHECK(more_than({"a"}, {"c", "a", "b", "c"}) == words{"c", "b"});
  CHECK(more_than({}, {}).empty());
}

TEST_CASE("plugin_rules: a config stays unless the offer has another one",
          "[plugin_rules]") {
  auto now = plugin(status::ready);
  now.config.text = "old";
  auto next = version("2.0.0");
  next.config.text.clear();
  CHECK(after(now, event::added{next}).config.text == "old");
  next.config.text = "new";
  CHECK(after(now, event::added{next}).config.text == "new");
  // Also one that waits for consent: until then nothing changes.
  auto waiting = after(now, event::upgraded{next, {"more"}});
  CHECK(waiting.config.text == "old");
  CHECK(after(waiting, event::enabled{}).config.text == "new");
}
