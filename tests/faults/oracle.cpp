#include "tests/faults/oracle.hpp"

#include <algorithm>
#include <map>

namespace leasehold::faults {

namespace fs = std::filesystem;

namespace {

std::string text_of(const lease_fact& x) {
  return x.id + " (" + x.status + (x.parked ? ", parked" : "") + ", cleanup "
         + (x.cleanup.empty() ? "none" : x.cleanup) + ", resource "
         + (x.resource.empty() ? "none" : x.resource) + ", fence "
         + std::to_string(x.fence) + ", reason "
         + (x.reason.empty() ? "none" : x.reason) + ")";
}

std::string text_of(const grant& x) {
  auto out = "granted by victim " + std::to_string(x.victim) + " under fence "
             + std::to_string(x.fence) + " on " + x.resource;
  for (const auto& how : x.asked)
    out += ", asked to be " + how;
  if (!x.ended.empty())
    out += ", acknowledged as " + x.ended;
  return out;
}

/// The folders that a provider has.
std::vector<std::string> folders(const fs::path& room) {
  std::vector<std::string> out;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator{room, missing})
    out.push_back(entry.path().filename().string());
  return out;
}

bool makes_folders(const lease_fact& x) {
  return x.provider == "faults" || x.provider == "bubblewrap";
}

/// Whether an end that was asked for is the one that the row has.
bool is_end(const lease_fact& row, const std::string& asked) {
  return row.status == asked
         || (asked == "destroyed" && row.status == "failed");
}

/// Whether the row says what it must; `why` if not.
bool agrees(const grant& what, const lease_fact& row, bool lives,
            std::string& why) {
  why = "its row does not say so";
  if (!what.in_doubt && !what.ended.empty())
    return row.status == what.ended;
  auto asked = std::any_of(what.asked.begin(), what.asked.end(),
                           [&](const auto& x) { return is_end(row, x); });
  if (!what.in_doubt)
    return lives ? row.status == "active" && row.fence == what.fence
                     && row.resource == what.resource
                 : row.status == "failed" && row.reason == "engine_restart";
  if (asked || (!what.ended.empty() && row.status == what.ended))
    return true;
  return lives ? row.status == "active"
               : row.status == "failed" && row.reason == "engine_restart";
}

} // namespace

void oracle::check(int living, verdicts& out) {
  for (const auto& why : seen_.read()) {
    ++out.double_holders;
    out.words.push_back(why);
  }
  check_commands(out);
  auto open = rows_.open_ones();
  check_rows(living, open, out);
  check_boxes(open, out);
  if (auto news = book_.take_news(); !news.empty())
    check_grants(living, news, out);
}

void oracle::check_all(int living, verdicts& out) {
  check(living, out);
  check_grants(living, {}, out);
}

void oracle::check_rows(int living, const std::vector<lease_fact>& open,
                        verdicts& out) const {
  auto complain
    = [&out](size_t& count, const std::string& why, const lease_fact& row) {
        ++count;
        out.words.push_back(why + ": " + text_of(row));
      };
  std::map<std::string, const lease_fact*> holders;
  for (const auto& row : open) {
    if (row.status == "acquiring")
      complain(out.other, "a lease is still being acquired", row);
    // A worker may answer after the engine has said that it is settled.
    if (row.cleanup == "failed" && !row.parked
        && (row.reason != "came_up_late" || still_owed_(row)))
      complain(out.leaked, "a cleanup is still owed", row);
    if (row.status == "active") {
      auto known = book_.grants().find(row.id);
      if (known == book_.grants().end() || known->second.victim != living)
        complain(out.leaked, "a lease is active that nobody holds", row);
    }
    if (!row.holds() || !makes_folders(row))
      continue;
    auto room = row.provider == "faults" ? "boxes" : "bubblewrap/boxes";
    if (!fs::exists(dir_ / room / row.resource))
      complain(out.other, "a row holds what is not there", row);
    if (auto [pos, fresh] = holders.emplace(row.resource, &row); !fresh)
      complain(out.double_holders,
               "two rows hold one resource, the other is " + pos->second->id,
               row);
  }
}

void oracle::check_boxes(const std::vector<lease_fact>& open,
                         verdicts& out) const {
  std::set<std::string> held;
  for (const auto& row : open)
    if (row.holds() || row.cleanup == "failed")
      held.insert(row.resource);
  for (const auto* room : {"boxes", "bubblewrap/boxes"})
    for (const auto& name : folders(dir_ / room))
      if (!held.contains(name)) {
        ++out.leaked;
        out.words.push_back("no row knows of " + name);
      }
}

void oracle::check_grants(int living, const std::set<std::string>& ids,
                          verdicts& out) const {
  std::map<std::string, lease_fact> found;
  for (auto& row : rows_.named(ids))
    found.emplace(row.id, row);
  for (const auto& [id, what] : book_.grants()) {
    if (!ids.empty() && !ids.contains(id))
      continue;
    auto pos = found.find(id);
    std::string why = "there is no such row";
    if (pos != found.end()
        && agrees(what, pos->second, what.victim == living, why))
      continue;
    ++out.lost;
    out.words.push_back(
      "lease " + id + " was " + text_of(what) + "; " + why
      + (pos == found.end() ? "" : ": " + text_of(pos->second)));
  }
}

void oracle::check_commands(verdicts& out) {
  for (const auto& what : book_.take_executions()) {
    if (what.exit.empty()
        || !std::isdigit(static_cast<unsigned char>(what.exit[0])))
      continue;
    auto own = seen_.end_of(what.name);
    // bubblewrap tells of a killed command what a shell would.
    auto killed = own.empty() && what.exit == "137";
    if (killed
        || (what.exit == what.wanted && (own.empty() || own == what.exit)))
      continue;
    ++out.lost;
    out.words.push_back("command " + what.name + " was to end with "
                        + what.wanted + ", and ended with " + what.exit
                        + (own.empty() ? "" : "; it says " + own));
  }
}

} // namespace leasehold::faults
