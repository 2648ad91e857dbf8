// What a remote workspace says about itself: commands may have written there.
// Input: a listing, or a whole state.

#include "drivers/ssh/workspace_listing.hpp"

#include "tests/fuzz/fuzzing.hpp"

namespace leasehold::fuzz {

namespace {

/// Whether a path leads below the folder that it is meant for.
bool stays_inside(const std::string& path) {
  if (path.empty() || path.front() == '/')
    return false;
  auto all = "/" + path + "/";
  return all.find("/../") == std::string::npos;
}

void check(const ssh::listing& what) {
  for (const auto& [path, entry] : what)
    must(stays_inside(path), "no entry leads out of the folder");
  must(ssh::parse_listing(ssh::to_text(what)) == what,
       "a listing survives being written");
}

} // namespace

void try_input(std::string_view input) {
  check(ssh::parse_listing(input));
  auto remote = ssh::parse_remote_state(input);
  check(remote.placed);
  auto plan = ssh::plan_upload({}, remote);
  must(plan.send.empty(), "there is nothing to send of nothing");
  for (const auto& path : plan.remove_files)
    must(stays_inside(path), "nothing is removed outside of the folder");
  for (const auto& path : plan.remove_folders)
    must(stays_inside(path), "no folder is removed outside of the folder");
}

} // namespace leasehold::fuzz
